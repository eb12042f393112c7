// When a standing question speaks up: edges in flickering readings, and rounds of cues and answers.
#include "app/watch_list.h"

#include <gtest/gtest.h>

#include "kernels/core/error.h"

namespace lv {
namespace {

constexpr int64_t second_us = 1'000'000;

// Readings a second apart, '1' holds, '0' does not, '?' cannot tell; the seconds at which it is told.
std::vector<int64_t> told_at(const std::string& readings, const EdgeOptions& options, bool must_fail_first = false) {
    EdgeDetector edge(options, must_fail_first);
    std::vector<int64_t> told;
    for (size_t i = 0; i < readings.size(); ++i) {
        const std::optional<bool> holds = readings[i] == '?' ? std::nullopt : std::optional(readings[i] == '1');
        if (edge.update(static_cast<int64_t>(i) * second_us, holds)) told.push_back(static_cast<int64_t>(i));
    }
    return told;
}

using Seconds = std::vector<int64_t>;

TEST(Edges, AreToldOnceAndWhenSure) {
    const EdgeOptions options{.confirm = 2, .rearm = 3, .hold_off_us = 0};
    EXPECT_EQ(told_at("0011111", options), Seconds{3});
    EXPECT_EQ(told_at("0010100", options), Seconds{});          // never two in a row
    EXPECT_EQ(told_at("01101101011", options), Seconds{2});     // flicker does not re-arm it
    EXPECT_EQ(told_at("011000011", options), (Seconds{2, 8}));  // three that it is over do
    EXPECT_EQ(told_at("01?1", options), Seconds{3});            // not knowing changes nothing
    EXPECT_EQ(told_at("11", options), Seconds{1});              // from the beginning
}

TEST(Edges, AreBelievedOnceOneOfTheReadingsIsSure) {
    EdgeDetector edge({.confirm = 2, .rearm = 2, .hold_off_us = 0}, false);
    EXPECT_FALSE(edge.update(0, true, false));
    EXPECT_FALSE(edge.update(1, true, false));
    EXPECT_EQ(edge.update(2, true, true), 0);
    edge.update(3, false, false);
    edge.update(4, false, false);
    EXPECT_TRUE(edge.holds());  // nobody was sure that it is over
    edge.update(5, true, true);
    edge.update(6, false, true);
    EXPECT_TRUE(edge.holds());
    edge.update(7, false, false);
    EXPECT_FALSE(edge.holds());
    EXPECT_FALSE(edge.update(8, true, false));  // the sure one was of what is over
    EXPECT_FALSE(edge.update(9, true, false));
}

TEST(Edges, HoldOffDelaysButDoesNotLose) {
    const EdgeOptions options{.confirm = 1, .rearm = 1, .hold_off_us = 5 * second_us};
    EXPECT_EQ(told_at("101000", options), Seconds{0});         // over again before the hold-off is
    EXPECT_EQ(told_at("10111111", options), (Seconds{0, 5}));  // told late, as it still holds
}

TEST(Edges, WhatLeavesMustHaveBeenThere) {
    const EdgeOptions options{.confirm = 2, .rearm = 2, .hold_off_us = 0};
    EXPECT_EQ(told_at("1111", options, true), Seconds{});
    EXPECT_EQ(told_at("11100111", options, true), Seconds{6});
}

TEST(Edges, TellSinceWhenItHolds) {
    EdgeDetector edge({.confirm = 3, .rearm = 1, .hold_off_us = 0}, false);
    EXPECT_FALSE(edge.update(10, true));
    EXPECT_FALSE(edge.update(20, true));
    EXPECT_EQ(edge.update(30, true), 10);
    EXPECT_TRUE(edge.holds());
    edge.update(40, false);
    EXPECT_FALSE(edge.holds());
}

TEST(Edges, ChangesAreToldOnceTheNewAnswerStands) {
    ChangeDetector change({.confirm = 2, .rearm = 1, .hold_off_us = 0});
    const std::vector<std::string> answers{"one", "one", "two", "one", "two", "two", "two", "one", "one"};
    std::vector<size_t> told;
    for (size_t i = 0; i < answers.size(); ++i)
        if (change.update(static_cast<int64_t>(i), answers[i])) told.push_back(i);
    EXPECT_EQ(told, (std::vector<size_t>{5, 8}));
}

class WatchLists : public testing::Test {
   protected:
    static Condition condition(const std::string& text) {
        return parse_condition(text, KindWords(std::vector<std::string>{"person", "dog"}));
    }
    static AnswerReady answer(const Cue& cue, const std::string& text, int64_t time_us) {
        AnswerReady ready;
        ready.tag = cue.tag;
        ready.question = cue.question;
        ready.answer.text = text;
        ready.answer.complete = true;
        ready.answer.first_probability = 0.99f;
        ready.asked_at_us = time_us;
        return ready;
    }
};

TEST_F(WatchLists, AskAfterEveryFrameAndTellAtTheEdge) {
    WatchList list({.edge = {.confirm = 2}});
    const uint64_t item = list.add(condition("a dog appears"));
    std::vector<Told> told;
    const std::vector<std::string> answers{"No.", "Yes.", "Yes.", "Yes."};
    for (size_t i = 0; i < answers.size(); ++i) {
        const int64_t time_us = static_cast<int64_t>(i) * second_us;
        const std::vector<Cue> cues = list.due(time_us);
        ASSERT_EQ(cues.size(), 1u);
        EXPECT_EQ(cues[0].question, "Is there a dog now?");
        EXPECT_TRUE(cues[0].recent);
        const AnswerReady ready = answer(cues[0], answers[i], time_us);
        ASSERT_TRUE(WatchList::is_mine(ready));
        if (auto one = list.take(ready)) told.push_back(std::move(*one));
    }
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].item, item);
    EXPECT_EQ(told[0].since_us, second_us);
    EXPECT_EQ(told[0].told_us, 2 * second_us);
    EXPECT_TRUE(list.states()[0].holds);
}

TEST_F(WatchLists, DoNotTellWhatTheModelIsNeverSureOf) {
    WatchList list({.edge = {.confirm = 2}});
    list.add(condition("a dog appears"));
    const auto round = [&](int64_t time_us, float probability) {
        AnswerReady ready = answer(list.due(time_us)[0], "Yes.", time_us);
        ready.answer.first_probability = probability;
        return list.take(ready).has_value();
    };
    for (int64_t i = 0; i < 5; ++i) EXPECT_FALSE(round(i, 0.6f));
    EXPECT_TRUE(round(5, 0.9f));
}

TEST_F(WatchLists, KnowNothingWhereTwoWaysOfAskingDisagree) {
    WatchList list({.edge = {.confirm = 1}});
    list.add(condition("more than two dogs"));
    list.add(condition("the number of people changes"));
    const auto round = [&](int64_t time_us, const std::string& one, const std::string& other) {
        size_t told = 0;
        for (const Cue& cue : list.due(time_us)) {
            AnswerReady ready = answer(cue, one, time_us);
            ready.again = answer(cue, other, time_us).answer;
            told += list.take(ready).has_value();
        }
        return told;
    };
    EXPECT_EQ(round(0, "One.", "One."), 0u);
    EXPECT_EQ(round(1, "Five.", "One."), 0u);
    EXPECT_EQ(round(2, "Five.", "Six."), 1u);  // both are more than two; which number it is now is not known
    EXPECT_EQ(round(3, "Five.", "Five."), 1u);
}

TEST_F(WatchLists, TakeANumberAsItIsSaid) {
    WatchList list({.edge = {.confirm = 1}});
    list.add(condition("more than two dogs"));
    AnswerReady ready = answer(list.due(0)[0], "Five.", 0);
    ready.answer.first_probability = 0.4f;  // four and six are more than two as well
    EXPECT_TRUE(list.take(ready));
}

TEST_F(WatchLists, LeaveARoundOutWhileTheLastOneIsPending) {
    WatchList list;
    list.add(condition("a dog appears"));
    const std::vector<Cue> first = list.due(0);
    ASSERT_EQ(first.size(), 1u);
    EXPECT_TRUE(list.due(second_us).empty());
    list.take(answer(first[0], "No.", 0));
    EXPECT_EQ(list.due(2 * second_us).size(), 1u);
    EXPECT_EQ(list.states()[0].left_out, 1);
    EXPECT_EQ(list.states()[0].asked, 2);
}

TEST_F(WatchLists, AConditionOfTwoQuestionsNeedsBothAnswers) {
    WatchList list({.edge = {.confirm = 1}});
    list.add(condition("a dog is on the left"));
    const auto round = [&](int64_t time_us, const std::string& there, const std::string& where) {
        const std::vector<Cue> cues = list.due(time_us);
        EXPECT_EQ(cues.size(), 2u);
        EXPECT_FALSE(list.take(answer(cues[0], there, time_us)));
        return list.take(answer(cues[1], where, time_us)).has_value();
    };
    EXPECT_FALSE(round(0, "No.", "On the left."));
    EXPECT_FALSE(round(1, "Yes.", "On the right."));
    EXPECT_FALSE(round(2, "Yes.", "I can't tell."));
    EXPECT_TRUE(round(3, "Yes.", "In the middle and on the left."));
}

TEST_F(WatchLists, RegularQuestionsKeepTheirPace) {
    WatchList list;
    list.add_regular("What is happening?", 10 * second_us);
    std::vector<int64_t> asked;
    for (int64_t time_us = 3 * second_us; time_us < 60 * second_us; time_us += 3 * second_us) {
        if (time_us == 24 * second_us) time_us = 45 * second_us;  // a gap
        for (const Cue& cue : list.due(time_us)) {
            asked.push_back(time_us / second_us);
            const std::optional<Told> told = list.take(answer(cue, "A dog.", time_us));
            ASSERT_TRUE(told);
            EXPECT_TRUE(told->regular);
            EXPECT_EQ(told->answer, "A dog.");
        }
    }
    EXPECT_EQ(asked, (Seconds{15, 45, 54}));
}

TEST_F(WatchLists, AreBoundedAndCanBeEdited) {
    WatchList list;
    uint64_t last = 0;
    for (int i = 0; i < 32; ++i) last = list.add(condition("a dog appears"));
    EXPECT_THROW(list.add(condition("a dog appears")), UsageError);
    const std::vector<Cue> cues = list.due(0);
    list.remove(last);
    EXPECT_EQ(list.size(), 31u);
    EXPECT_FALSE(list.take(answer(cues.back(), "Yes.", 0)));  // of what was removed
    list.add_regular("What is happening?", second_us);
}

}  // namespace
}  // namespace lv
