#include "app/caption_plan.h"

#include <gtest/gtest.h>

#include "app/sightings.h"

namespace lv {
namespace {

constexpr int64_t s = 1'000'000;

struct Planned {
    std::vector<Interval> intervals;
    std::vector<std::string> questions;
    std::vector<int64_t> seen_us;  // newest frame when each was asked
};

Planned watch(int64_t start_us, int64_t end_us, int64_t period_us, int64_t every_us) {
    CaptionPlan plan(start_us, every_us);
    Planned planned;
    int64_t newest_us = -1;
    const auto take = [&](const std::vector<CaptionPlan::Step>& steps) {
        for (const CaptionPlan::Step& step : steps) {
            planned.intervals.push_back(step.interval);
            planned.questions.push_back(step.question);
            planned.seen_us.push_back(newest_us);
        }
    };
    for (int64_t time_us = start_us; time_us < end_us; time_us += period_us) {
        take(plan.before_frame(time_us));
        newest_us = time_us;
    }
    take(plan.at_end(end_us));
    return planned;
}

TEST(CaptionPlan, ClosesTheSameIntervalsAsIfTheLengthWereKnown) {
    for (const int64_t start : {int64_t{0}, 7 * s, 3599 * s + 1})
        for (const int64_t length : {int64_t{40'000}, s, 9 * s, 12 * s, 13 * s, 39 * s + 7, 40 * s, 200 * s})
            for (const int64_t period : {s / 4, s, 3 * s, 30 * s})
                for (const int64_t every : {s, 10 * s, 60 * s}) {
                    const Planned planned = watch(start, start + length, period, every);
                    const auto expected = split_intervals(start, start + length, every);
                    ASSERT_EQ(planned.intervals.size(), expected.size()) << start << " " << length << " " << period << " " << every;
                    for (size_t i = 0; i < expected.size(); ++i) {
                        EXPECT_EQ(planned.intervals[i].start_us, expected[i].start_us);
                        EXPECT_EQ(planned.intervals[i].end_us, expected[i].end_us);
                    }
                }
}

TEST(CaptionPlan, AsksSoonAfterAnIntervalAndNeverBeforeItsEnd) {
    const Planned planned = watch(0, 40 * s + s / 2, s, 10 * s);
    ASSERT_EQ(planned.intervals.size(), 4u);
    EXPECT_EQ(planned.questions[0], "what is visible at 0:05");
    EXPECT_EQ(planned.seen_us[0], 12 * s);
    EXPECT_EQ(planned.questions[3], "what is visible at 0:35");
    EXPECT_EQ(planned.intervals[3].end_us, 40 * s + s / 2);
}

TEST(CaptionPlan, NamesNoTimeThatHasNotBeenSeen) {
    EXPECT_EQ(watch(0, 40 * s, s, 10 * s).questions.back(), "what is visible at 0:34");
    EXPECT_EQ(watch(0, s / 2, s, 10 * s).questions, std::vector<std::string>{"what is visible at 0:00"});
}

TEST(CaptionPlan, IsEmptyWithoutFrames) {
    CaptionPlan plan(0, 10 * s);
    EXPECT_TRUE(plan.at_end(0).empty());
}

TEST(Sightings, TellsTheKindsOfAnInterval) {
    Sightings seen;
    seen.add(0, {{5, 1}});
    seen.add(s, {{5, 1}});
    seen.add(2 * s, {{7, 2}, {5, 1}});
    seen.add(3 * s, {});
    seen.add(4 * s, {{1, 1}});
    EXPECT_EQ(seen.between(0, 2 * s), std::vector{5});
    EXPECT_EQ(seen.between(s, 3 * s), (std::vector{5, 7}));
    EXPECT_EQ(seen.between(3 * s, 4 * s), std::vector<int>{});
    EXPECT_EQ(seen.between(3 * s + 1, 9 * s), std::vector{1});
    EXPECT_EQ(Sightings().between(0, s), std::vector<int>{});
}

}  // namespace
}  // namespace lv
