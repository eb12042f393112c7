#include "engine/dialogue.h"

#include <algorithm>

#include "engine/generate.h"
#include "kernels/core/error.h"
#include "tests/engine/engine_support.h"

namespace lv::test {

namespace {

constexpr int64_t now_us = 83'000'000;

class Dialogue : public testing::Test {
   protected:
    // "@hhmmss" is a written time.
    std::vector<int> ids(std::initializer_list<std::string> bits) const {
        std::vector<int> out;
        for (const std::string& bit : bits) {
            if (bit[0] == '@') {
                out.push_back(t.time());
                for (size_t i = 1; i < bit.size(); i += 2)
                    out.push_back(t.two_digits()[size_t(std::stoi(bit.substr(i, 2)))]);
            } else {
                for (int id : t.encode(bit)) out.push_back(id);
            }
        }
        return out;
    }
    std::vector<PromptRow> rows_of(const std::vector<Turn>& earlier, const std::string& question,
                                   const DialogueOptions& options = {}) const {
        return dialogue_prompt(t, earlier, question, now_us, options);
    }
    const Tokenizer t = Tokenizer::load(golden("engine_tokenizer.model"));
};

void expect_same_rows(std::span<const PromptRow> found, std::span<const PromptRow> expected) {
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) {
        EXPECT_EQ(found[i].id, expected[i].id) << "row " << i;
        EXPECT_EQ(found[i].time_us, expected[i].time_us) << "row " << i;
    }
}

}  // namespace

TEST_F(Dialogue, without_earlier_turns_is_the_question_alone) {
    expect_same_rows(rows_of({}, "What is visible at 0:20?"), question_prompt(t, "What is visible at 0:20?", now_us));
}

TEST_F(Dialogue, turns_are_the_rows_of_single_questions_with_ends_between_and_now_once) {
    const std::vector<int> said = ids({"two dogs."});
    const std::vector<PromptRow> first = question_prompt(t, "What is visible at 0:20?", now_us);
    const std::vector<PromptRow> second = question_prompt(t, "Is there a cat at 0:30?", now_us);
    std::vector<PromptRow> expected = first;
    for (int id : said) expected.push_back({id, 20'000'000});
    expected.push_back({t.end(), 20'000'000});
    expected.insert(expected.end(), second.begin() + 1, second.end());
    expect_same_rows(rows_of({{"What is visible at 0:20?", said, now_us}}, "Is there a cat at 0:30?"), expected);
}

TEST_F(Dialogue, a_turn_without_a_time_is_about_the_last_one_spoken_of) {
    const std::vector<int> yes = ids({"yes."});
    EXPECT_EQ(rows_of({{"is there a dog at 0:20", yes, now_us}}, "how many").back().time_us, 20'000'000);
    EXPECT_EQ(rows_of({{"is there a dog", yes, now_us}}, "how many").back().time_us, now_us);
    EXPECT_EQ(
        rows_of({{"when does a dog appear", ids({"at", "@000105", "."}), now_us}}, "and after that").back().time_us,
        65'000'000);
    EXPECT_EQ(
        rows_of({{"is there a dog at 0:20", yes, now_us}, {"how many", ids({"two."}), now_us}}, "where").back().time_us,
        20'000'000);
}

TEST_F(Dialogue, an_earlier_now_stays_what_it_was) {
    const std::vector<PromptRow> rows =
        rows_of({{"what was there 10 seconds ago", ids({"yes."}), 40'000'000}}, "and now");
    EXPECT_EQ(rows[0].time_us, now_us);
    EXPECT_TRUE(
        std::ranges::any_of(rows, [](const PromptRow& row) { return row.id < 0 && row.time_us == 30'000'000; }));
}

TEST_F(Dialogue, only_the_newest_turns_that_fit_are_replayed) {
    const Turn turn{"is there a dog at 0:20", ids({"yes."}), now_us};
    const size_t alone = rows_of({}, "how many").size(), each = rows_of({turn}, "how many").size() - alone;
    EXPECT_EQ(rows_of(std::vector<Turn>(9, turn), "how many").size(), alone + most_turns * each);
    const DialogueOptions tight{.most_rows = alone + 2 * each + 1};
    EXPECT_EQ(rows_of(std::vector<Turn>(9, turn), "how many", tight).size(), alone + 2 * each);
    EXPECT_EQ(rows_of(std::vector<Turn>(9, turn), "how many", tight).back().time_us, 20'000'000)
        << "what was spoken of is known all the same";
}

TEST_F(Dialogue, an_answer_carries_the_time_it_has_written_from_its_seconds_on) {
    CarriedTime carried(t, 5'000'000);
    std::vector<int64_t> seconds;
    const int word = t.encode("to").front();
    for (int id : {word, t.time(), t.two_digits()[0], t.two_digits()[0], t.two_digits()[3], word, t.time(),
                   t.two_digits()[1], t.two_digits()[2], t.two_digits()[3], t.end()})
        seconds.push_back(carried.push(id) / 1'000'000);
    EXPECT_EQ(seconds, (std::vector<int64_t>{5, 5, 5, 5, 3, 3, 3, 3, 3, 3723, 3723}));
    CarriedTime broken(t, 5'000'000);
    for (int id : ids({"@0000", "yes", "@0001"})) EXPECT_EQ(broken.push(id), 5'000'000);
}

TEST_F(Dialogue, a_bad_question_is_refused_and_the_turns_are_not_blamed) {
    EXPECT_THROW(rows_of({{"is there a dog", ids({"yes."}), now_us}}, " ? "), UsageError);
}

TEST_F(Dialogue, answers_see_the_turns_and_the_video_does_not) {
    const Config config = all_mixes()[0];
    const TemporaryFolder folder;
    write_model(folder.path(), config);
    const Context context(1);
    Workspace work(context, config);
    Memory memory(Model::load(folder.path()), exact);
    watch(work, memory, 0, 40);
    const GenerateOptions options{.most_tokens = 12};
    const Answer first = ask(work, memory, "what is visible at 0:20", options);
    const std::vector<Turn> turns{{"what is visible at 0:20", first.ids, memory.last_time_us()}};
    const Answer follow = ask(work, memory, "how many", options, {}, {}, turns);
    EXPECT_GT(follow.prompt_rows, ask(work, memory, "how many", options).prompt_rows + first.ids.size());
    EXPECT_EQ(memory.rows(), 40u);
    EXPECT_EQ(ask(work, memory, "what is visible at 0:20", options).ids, first.ids);
}

}  // namespace lv::test
