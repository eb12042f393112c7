#include "app/time_text.h"

#include <gtest/gtest.h>

#include "kernels/core/error.h"

namespace lv {
namespace {

TEST(TimeText, ReadsSecondsClocksAndUnits) {
    EXPECT_EQ(parse_time_us("90", "--from"), 90'000'000);
    EXPECT_EQ(parse_time_us("1.5", "--from"), 1'500'000);
    EXPECT_EQ(parse_time_us("0", "--from"), 0);
    EXPECT_EQ(parse_time_us("1:30", "--from"), 90'000'000);
    EXPECT_EQ(parse_time_us("01:02:03.25", "--from"), 3'723'250'000);
    EXPECT_EQ(parse_time_us("10s", "--every"), 10'000'000);
    EXPECT_EQ(parse_time_us("500ms", "--every"), 500'000);
    EXPECT_EQ(parse_time_us("1h2m3s", "--every"), 3'723'000'000);
    EXPECT_EQ(parse_time_us("100:00:00", "--to"), 360'000'000'000);
}

TEST(TimeText, RefusesEverythingElseAndNamesTheOption) {
    for (const char* text : {"", "x", "-1", "1:", ":1", "1:60", "1:2:3:4", "1.5:00", "10x", "s", "nan", "inf", "1e3", "1:-2", "99999999999", "1 0"}) {
        try {
            parse_time_us(text, "--every");
            ADD_FAILURE() << "accepted '" << text << "'";
        } catch (const UsageError& error) {
            EXPECT_EQ(std::string(error.what()).rfind("--every: '", 0), 0u) << error.what();
        }
    }
}

TEST(TimeText, WritesSubtitleTimes) {
    EXPECT_EQ(subtitle_time(0, ','), "00:00:00,000");
    EXPECT_EQ(subtitle_time(62'500'999, ','), "00:01:02,500");
    EXPECT_EQ(subtitle_time(360'000'001'000, '.'), "100:00:00.001");
}

}  // namespace
}  // namespace lv
