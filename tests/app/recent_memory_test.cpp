// What questions about now are asked of: the last frames, as if the stream had begun with them.
#include "app/recent_memory.h"

#include <gtest/gtest.h>

#include "app/loaded_model.h"
#include "tests/app/clips.h"
#include "vision/token_rows.h"

namespace lv {
namespace {

constexpr int64_t second_us = 1'000'000;
constexpr int car = 2, dog = 16;

TEST(Dated, TurnsNowIntoATimeAndLeavesTheRest) {
    EXPECT_EQ(dated("Is there a dog now?", 14 * second_us), "Is there a dog at 0:14?");
    EXPECT_EQ(dated("How many cars are there now?", 0), "How many cars are there at 0:00?");
    EXPECT_EQ(dated("Which way is the car moving?", second_us), "Which way is the car moving?");
    EXPECT_EQ(dated("is the know now?", second_us), "is the know at 0:01?");
    EXPECT_EQ(dated("", second_us), "");
}

// A stream made by hand, and what is remembered of its last frames.
class Recent : public testing::Test {
   protected:
    static void SetUpTestSuite() { model_ = load_model(test::model_folder()); }
    static void TearDownTestSuite() { model_.reset(); }

    void see(std::initializer_list<int> kinds, int64_t time_us) {
        std::vector<Track> tracks;
        for (const int kind : kinds) {
            const float left = 0.1f + 0.3f * static_cast<float>(tracks.size());
            tracks.push_back({1, {kind, 0.8f, left, 0.4f, left + 0.2f, 0.6f}, 0.8f, left + 0.1f, 0.5f, 0.2f});
        }
        std::vector<float> values;
        std::vector<int64_t> times_us;
        const size_t rows = maker_.append(time_us, tracks, {}, false, values, times_us);
        recent_.append(work_, {values.data(), rows, row::feature_dim}, times_us);
    }
    Answer ask(const std::string& question) {
        const RecentAnswer answer = recent_.fork().ask(work_, question);
        EXPECT_EQ(answer.dated.text, answer.now.text);
        return answer.dated;
    }

    static std::shared_ptr<const LoadedModel> model_;
    Context context_{2};
    Workspace work_{context_, model_->language->config()};
    TokenRows maker_;
    RecentMemory recent_{model_->language, 8};
};
std::shared_ptr<const LoadedModel> Recent::model_;

TEST_F(Recent, IsTheSameAtAnyHourAndAfterAnythingLongAgo) {
    for (int64_t i = 0; i < 12; ++i) see({dog}, i * second_us);
    const Answer early = ask("Is there a dog now?");
    EXPECT_EQ(early.text, "Yes.");
    // From a whole turn of both memories on, with times that are no whole seconds, and kinds long gone.
    const int64_t hours_us = 5 * 3600 * second_us + 250'000;
    for (int64_t i = 12; i < 64; ++i) see({car, 5, 7, 9}, hours_us + i * second_us / 2);
    for (int64_t i = 64; i < 76; ++i) see({dog}, hours_us + i * second_us / 2);
    const Answer late = ask("Is there a dog now?");
    EXPECT_EQ(recent_.fork().last_time_us(), hours_us + 75 * second_us / 2);
    EXPECT_EQ(late.text, "Yes.");
    EXPECT_EQ(ask("Is there a car now?").text, "No.");
    ASSERT_FALSE(late.evidence.empty());
    EXPECT_GE(late.evidence[0].start_us, hours_us + 56 * second_us / 2) << "on the stream's clock";
    EXPECT_LE(late.evidence[0].end_us, hours_us + 75 * second_us / 2);
}

TEST_F(Recent, ASecondStreamThatShowsTheSameIsAnsweredBitForBit) {
    const auto answered = [&](int64_t begin_us, int64_t period_us) {
        maker_ = TokenRows();
        recent_ = RecentMemory(model_->language, 8);
        for (int64_t i = 0; i < 30; ++i) {
            if (i % 9 < 4)
                see({dog, car}, begin_us + i * period_us);
            else
                see({car}, begin_us + i * period_us);
        }
        return recent_.fork().ask(work_, "Is there a dog now?");
    };
    const RecentAnswer one = answered(0, second_us), other = answered(77 * 3600 * second_us + 1234, second_us / 7);
    EXPECT_EQ(one.now.ids, other.now.ids);
    EXPECT_EQ(one.now.first_probability, other.now.first_probability);
    EXPECT_EQ(one.dated.ids, other.dated.ids);
    EXPECT_EQ(one.dated.first_probability, other.dated.first_probability);
}

TEST_F(Recent, BeginsAnewAfterALongGap) {
    for (int64_t i = 0; i < 12; ++i) see({dog}, i * second_us);
    see({}, 2 * 3600 * second_us);
    EXPECT_EQ(ask("Is there a dog now?").text, "No.");
    EXPECT_EQ(recent_.fork().last_time_us(), 2 * 3600 * second_us);
}

}  // namespace
}  // namespace lv
