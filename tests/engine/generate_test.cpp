// Answers of a model directory with random weights: what they say is nonsense, how they come about is not.
#include "engine/generate.h"

#include <cmath>

#include "tests/engine/allocations.h"
#include "tests/engine/engine_support.h"

namespace lv::test {

namespace {

class Generating : public testing::TestWithParam<size_t> {
   protected:
    void SetUp() override {
        write_model(folder.path(), config);
        memory = std::make_unique<Memory>(Model::load(folder.path()), MemoryOptions{DType::f16, 8});
        watch(work, *memory, 0, 60);
    }
    const Config config = all_mixes()[GetParam()];
    const TemporaryFolder folder;
    const Context context{2};
    Workspace work{context, config};
    std::unique_ptr<Memory> memory;
};

TEST_P(Generating, a_step_after_the_first_allocates_nothing) {
    std::vector<size_t> counts;
    counts.reserve(64);
    Memory turn = memory->fork();
    const auto prompt = question_prompt(turn.model().tokenizer(), "what is visible at 0:20", 5'000'000);
    generate(work, turn, prompt, {.temperature = 2, .top_k = 40, .seed = 3, .most_tokens = 40},
             [&](std::string_view) { counts.push_back(allocations()); });
    ASSERT_GT(counts.size(), 8u);
    EXPECT_EQ(counts.back(), counts[1]) << "over " << counts.size() << " pieces";
}

TEST_P(Generating, greedy_answers_are_always_the_same_and_streamed_as_returned) {
    std::string streamed;
    const Answer first = ask(work, *memory, "How many bottles are there?", {.most_tokens = 30},
                             [&](std::string_view piece) { streamed += piece; });
    const Answer second = ask(work, *memory, "how many bottles are there", {.most_tokens = 30});
    EXPECT_EQ(first.ids, second.ids);
    EXPECT_EQ(first.text, streamed);
    EXPECT_EQ(first.complete, first.ids.size() < 30);
    EXPECT_GT(first.prompt_rows, 5u);
    EXPECT_LE(first.first_token_us, first.total_us);
    EXPECT_EQ(memory->rows(), 60u) << "the video's memory is untouched";
}

TEST_P(Generating, the_first_token_comes_as_often_as_its_probability_says) {
    const Answer greedy = ask(work, *memory, "is there a cat now", {.most_tokens = 1});
    ASSERT_GT(greedy.first_probability, 0);
    constexpr int trials = 400;
    int same = 0;
    for (uint64_t seed = 0; seed < trials; ++seed) {
        const GenerateOptions options{.temperature = 1, .seed = seed, .most_tokens = 1};
        const Answer drawn = ask(work, *memory, "is there a cat now", options);
        same += drawn.ids == greedy.ids;
        if (drawn.ids == greedy.ids) {
            EXPECT_EQ(drawn.first_probability, greedy.first_probability);
        }
    }
    // Four standard deviations of the share.
    EXPECT_NEAR(same / double(trials), greedy.first_probability, 4 * std::sqrt(0.25 / trials));
}

TEST_P(Generating, seeds_repeat_and_differ) {
    const auto with_seed = [&](uint64_t seed) {
        return ask(work, *memory, "what is visible", {.temperature = 3, .seed = seed, .most_tokens = 20}).ids;
    };
    EXPECT_EQ(with_seed(1), with_seed(1));
    EXPECT_NE(with_seed(1), with_seed(2));
}

TEST_P(Generating, evidence_lies_in_the_video_and_is_sorted) {
    const Answer answer = ask(work, *memory, "when does a cat first appear", {.most_tokens = 10});
    ASSERT_FALSE(answer.evidence.empty());
    EXPECT_LE(answer.evidence.size(), 3u);
    float total = 0;
    for (size_t i = 0; i < answer.evidence.size(); ++i) {
        EXPECT_GE(answer.evidence[i].start_us, 0);
        EXPECT_LE(answer.evidence[i].end_us, memory->last_time_us() + 1'000'000);
        EXPECT_LT(answer.evidence[i].start_us, answer.evidence[i].end_us);
        EXPECT_LE(answer.evidence[i].weight, answer.evidence[i == 0 ? 0 : i - 1].weight);
        total += answer.evidence[i].weight;
    }
    EXPECT_LE(total, 1.0001f);
    EXPECT_TRUE(ask(work, *memory, "when", {.most_tokens = 4, .evidence = {.most_moments = 0}}).evidence.empty());
}

TEST_P(Generating, reckoning_evidence_changes_no_token) {
    const Answer with = ask(work, *memory, "what is visible", {.most_tokens = 25});
    const Answer without = ask(work, *memory, "what is visible", {.most_tokens = 25, .evidence = {.most_moments = 0}});
    EXPECT_EQ(with.ids, without.ids);
}

TEST_P(Generating, stopping_ends_it_at_once_and_incomplete) {
    std::stop_source stop;
    size_t pieces = 0;
    const Answer answer = ask(
        work, *memory, "what is visible", {.temperature = 3, .most_tokens = 100},
        [&](std::string_view) {
            if (++pieces == 3) stop.request_stop();
        },
        stop.get_token());
    EXPECT_FALSE(answer.complete);
    EXPECT_EQ(pieces, 3u);
    EXPECT_FALSE(answer.text.empty());
}

TEST_P(Generating, a_video_without_frames_can_be_asked) {
    Memory empty(memory->shared_model());
    const Answer answer = ask(work, empty, "what is visible", {.most_tokens = 5});
    EXPECT_FALSE(answer.ids.empty());
    EXPECT_TRUE(answer.evidence.empty());
}

INSTANTIATE_TEST_SUITE_P(Mixes, Generating, testing::Range<size_t>(0, 5), mix_name);

}  // namespace

TEST(EvidenceSum, rows_count_by_what_they_emit) {
    const Tokenizer t = Tokenizer::load(golden("engine_tokenizer.model"));
    EvidenceSum sum(t, {.time = 2, .word = 1, .mark = 0}, 4);
    const auto step = [&](int id, size_t row) {
        sum.mass().rows[row] = 1;
        sum.emitted(id);
    };
    step(t.encode("at").front(), 0);
    step(t.time(), 1);
    for (int digits : {0, 0, 20}) step(t.two_digits()[size_t(digits)], 1);
    step(t.encode(".").back(), 2);
    step(t.end(), 2);
    step(t.two_digits()[20], 3);
    EXPECT_EQ(sum.rows(), (std::vector<float>{1, 8, 0, 1}))
        << "a number outside a time is a word, full stop and end are marks";
}

TEST(Generate, a_model_without_a_tokenizer_is_refused) {
    const Config config = yoco_config();
    const Context context(1);
    Workspace work(context, config);
    const Memory memory(Model::random(config, 1));
    EXPECT_TRUE(says(error_of([&] { ask(work, memory, "what"); }), "without a tokenizer"));
}

}  // namespace lv::test
