#include "app/progress.h"

#include <gtest/gtest.h>

#include <array>

#include "app/watch_notes.h"

namespace lv {
namespace {

constexpr int64_t s = 1'000'000;

TEST(ProgressLine, TellsHowFarHowFastAndHowLongStill) {
    EXPECT_EQ(progress_line({"a.mp4", 30 * s, 120 * s, 30, 2 * s}, 200),
              "a.mp4  25%  0:30 of 2:00  15 frames/s  15x real time  0:06 left");
}

TEST(ProgressLine, SaysLessOfAStreamWithoutAnEnd) {
    EXPECT_EQ(progress_line({"-", 30 * s, 0, 30, 60 * s}, 200), "-  0:30  0.50 frames/s  0.50x real time");
}

TEST(ProgressLine, IsCutToTheTerminalBetweenCharacters) {
    EXPECT_EQ(progress_line({"abcdef", 0, 0, 0, 0}, 3), "abc");
    EXPECT_EQ(progress_line({"\xc3\xa4\xc3\xb6", 0, 0, 0, 0}, 3), "\xc3\xa4");
}

TEST(ProgressLine, ShowsANameThatHoldsControlCharactersWithoutThem) {
    EXPECT_EQ(progress_line({"a\x1b[2J\r\x7f\xc2\x9b\xc3\xa4", 0, 0, 0, 0}, 80), "a?[2J???\xc3\xa4  0:00");
}

TEST(ProgressLine, StartsWithoutSpeed) { EXPECT_EQ(progress_line({"a", 0, 10 * s, 0, 0}, 80), "a  0%  0:00 of 0:10"); }

TEST(ProgressLine, AddsRunsUp) {
    const std::array<ProgressState, 2> states{{{"a", 10 * s, 20 * s, 10, s}, {"b", 5 * s, 20 * s, 5, 3 * s}}};
    const ProgressState sum = combined(states);
    EXPECT_EQ(sum.label, "2 videos");
    EXPECT_EQ(sum.done_us, 15 * s);
    EXPECT_EQ(sum.total_us, 40 * s);
    EXPECT_EQ(sum.frames, 15);
    EXPECT_EQ(sum.elapsed_us, 3 * s);
}

TEST(WatchNotes, CountWhatIsDamaged) {
    WatchEnded ended;
    EXPECT_EQ(loss_note("a.mp4", ended), "");
    ended.stats.damaged = 1;
    EXPECT_EQ(loss_note("a.mp4", ended),
              "a.mp4 is damaged: 1 piece of it could not be decoded; what it shows is not known");
    ended.stats.damaged = 1200;
    EXPECT_EQ(loss_note("a.mp4", ended),
              "a.mp4 is damaged: 1,200 pieces of it could not be decoded; what they show is not known");
}

}  // namespace
}  // namespace lv
