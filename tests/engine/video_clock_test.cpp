#include "engine/video_clock.h"

#include <gtest/gtest.h>

namespace lv::test {

TEST(VideoClock, one_video_has_the_clock_of_the_memory) {
    const VideoClock clock;
    EXPECT_FALSE(clock.several());
    EXPECT_EQ(written_time(3'723'000'000, clock), "1:02:03");
    EXPECT_EQ(written_time(20'999'999, clock), "0:20");
    EXPECT_EQ(clock.last_us(0, 77), 77);
}

TEST(VideoClock, several_are_named_and_each_begins_at_zero) {
    const VideoClock clock({0, 80'000'000, 200'000'000});
    EXPECT_EQ(written_time(79'999'999, clock), "video 1, 0:01:19");
    EXPECT_EQ(written_time(80'000'000, clock), "video 2, 0:00:00");
    EXPECT_EQ(written_time(200'000'000 + 3'723'000'000, clock), "video 3, 1:02:03");
    EXPECT_EQ(written_own_time(80'000'000, 79'000'000, clock), "0:01:20") << "the end of video 1";
    EXPECT_EQ(clock.video_at(-1), 0u);
    EXPECT_EQ(clock.last_us(1, 300'000'000), 199'000'000);
    EXPECT_EQ(clock.last_us(2, 300'000'000), 300'000'000);
}

}  // namespace lv::test
