#include "engine/evidence.h"

#include "engine/forward.h"
#include "tests/engine/engine_support.h"

namespace lv::test {

namespace {

// A memory of frames with so many rows each, at these seconds.
class Evidence : public testing::Test {
   protected:
    void watch_frames(const std::vector<std::pair<int64_t, size_t>>& frames) {
        for (auto [second, rows] : frames) {
            const std::vector<float> features(rows * config.rows.feature_dim);
            const std::vector<int64_t> times(rows, second * 1'000'000);
            memory.append(work, {features.data(), rows, config.rows.feature_dim}, times);
        }
    }
    const Config config = yoco_config();
    const Context context{1};
    Workspace work{context, config};
    Memory memory{Model::random(config, 1)};
};

}  // namespace

TEST_F(Evidence, mass_is_summed_to_frames_and_neighbours_are_joined) {
    watch_frames({{0, 2}, {1, 2}, {2, 1}, {3, 2}, {10, 1}, {11, 1}});
    //                              0    0    1    1    2    3    3    10   11
    const std::vector<float> mass = {0.0f, 0.1f, 1.0f, 1.0f, 2.0f, 0.0f, 0.1f, 1.5f, 0.3f};
    const std::vector<Moment> moments = moments_of(memory, mass, 3);
    ASSERT_EQ(moments.size(), 2u);
    EXPECT_EQ(moments[0].start_us, 1'000'000);
    EXPECT_EQ(moments[0].end_us, 3'000'000) << "until the next frame is shown";
    EXPECT_FLOAT_EQ(moments[0].weight, 4.0f / 6.0f);
    EXPECT_EQ(moments[1].start_us, 10'000'000);
    EXPECT_EQ(moments[1].end_us, 11'000'000);
    EXPECT_FLOAT_EQ(moments[1].weight, 1.5f / 6.0f);
}

TEST_F(Evidence, rows_of_text_are_no_moments) {
    watch_frames({{5, 1}});
    memory.append_prompt(work, some_prompt(3, config.vocab_size));
    const std::vector<float> mass = {0.5f, 9.0f, 9.0f, 9.0f};
    const std::vector<Moment> moments = moments_of(memory, mass, 3);
    ASSERT_EQ(moments.size(), 1u);
    EXPECT_EQ(moments[0].start_us, 5'000'000);
    EXPECT_EQ(moments[0].end_us, 5'000'000);
    EXPECT_FLOAT_EQ(moments[0].weight, 1.0f);
}

TEST_F(Evidence, the_last_frame_lasts_as_long_as_the_one_before_it) {
    watch_frames({{0, 1}, {4, 1}});
    const std::vector<Moment> moments = moments_of(memory, std::vector<float>{0.0f, 1.0f}, 3);
    ASSERT_EQ(moments.size(), 1u);
    EXPECT_EQ(moments[0].end_us, 8'000'000);
}

TEST_F(Evidence, only_the_best_moments_are_kept_and_none_without_mass) {
    watch_frames({{0, 1}, {1, 1}, {2, 1}, {3, 1}, {4, 1}});
    const std::vector<float> mass = {0.9f, 0.0f, 1.0f, 0.0f, 0.8f};
    EXPECT_EQ(moments_of(memory, mass, 2).size(), 2u);
    EXPECT_EQ(moments_of(memory, mass, 2)[0].start_us, 2'000'000);
    EXPECT_TRUE(moments_of(memory, std::vector<float>(5), 3).empty());
    EXPECT_TRUE(moments_of(Memory(Model::random(config, 1)), {}, 3).empty());
}

TEST_F(Evidence, the_curve_holds_all_attention_at_the_heaviest_frame_of_each_point) {
    watch_frames({{0, 1}, {1, 2}, {2, 1}, {3, 1}, {4, 1}});
    //                              0     1     1     2     3     4
    const std::vector<float> mass = {1.0f, 1.0f, 2.0f, 0.5f, 1.5f, 2.0f};
    const std::vector<AttentionPoint> each = attention_curve(memory, mass, 5);
    ASSERT_EQ(each.size(), 5u);
    EXPECT_FLOAT_EQ(each[1].share, 3.0f / 8.0f);
    const std::vector<AttentionPoint> pairs = attention_curve(memory, mass, 3);
    ASSERT_EQ(pairs.size(), 3u);
    EXPECT_EQ(pairs[0].time_us, 1'000'000);
    EXPECT_FLOAT_EQ(pairs[0].share, 4.0f / 8.0f);
    EXPECT_EQ(pairs[1].time_us, 3'000'000);
    EXPECT_EQ(pairs[2].time_us, 4'000'000);
    EXPECT_FLOAT_EQ(pairs[2].share, 2.0f / 8.0f);
    const std::vector<AttentionPoint> two = attention_curve(memory, mass, 1, VideoClock({0, 3'000'000}));
    ASSERT_EQ(two.size(), 2u) << "no point reaches over two videos";
    EXPECT_EQ(two[1].time_us, 4'000'000);
    EXPECT_TRUE(attention_curve(memory, std::vector<float>(6), 3).empty());
}

TEST_F(Evidence, no_moment_reaches_over_two_videos) {
    watch_frames({{0, 1}, {1, 1}, {2, 1}, {3, 1}});
    const std::vector<Moment> moments =
        moments_of(memory, std::vector<float>{0, 1, 2, 0}, 3, VideoClock({0, 2'000'000}));
    ASSERT_EQ(moments.size(), 2u);
    EXPECT_EQ(moments[0].start_us, 2'000'000);
    EXPECT_EQ(moments[0].end_us, 3'000'000);
    EXPECT_EQ(moments[1].start_us, 1'000'000);
    EXPECT_EQ(moments[1].end_us, 2'000'000) << "as long as the frame before it, not until the next video";
}

TEST(EvidenceLayers, are_the_topmost_but_for_those_that_choose_words) {
    using enum LayerKind;
    const auto chosen = [](const std::vector<LayerKind>& layers, size_t count, size_t above) {
        const Config config = small_config(layers);
        const AttentionMass mass{.layers = count, .above = above, .rows = {}, .sampled = 0};
        std::string out;
        for (size_t layer = 0; layer < layers.size(); ++layer)
            out += is_evidence_layer(config, layer, &mass) ? 'x' : '.';
        return out;
    };
    EXPECT_EQ(chosen({sliding, retention, cross, cross, cross}, 2, 1), "..xx.");
    EXPECT_EQ(chosen({sliding, retention, cross, cross, cross}, 2, 0), "...xx");
    EXPECT_EQ(chosen({retention, cross}, 2, 1), ".x") << "one is always left";
    EXPECT_EQ(chosen({full, full, full}, 1, 1), ".x.");
    EXPECT_EQ(chosen({retention, sliding}, 2, 1), "..") << "none sees the whole video";
}

}  // namespace lv::test
