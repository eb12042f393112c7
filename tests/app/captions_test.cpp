#include "app/captions.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "kernels/core/error.h"

namespace lv {
namespace {

constexpr int64_t s = 1'000'000;

std::vector<Caption> two_captions() {
    return {{0, 10 * s, "A person walks right.", {"person"}}, {10 * s, 13 * s + 400'000, "a < b & c > d\n\nnext line", {}}};
}

TEST(Captions, SrtHasNumbersTimesAndABlankLine) {
    EXPECT_EQ(caption_file(CaptionFormat::srt, two_captions()),
              "1\n00:00:00,000 --> 00:00:10,000\nA person walks right.\n\n"
              "2\n00:00:10,000 --> 00:00:13,400\na < b & c > d next line\n\n");
}

TEST(Captions, VttHasAHeaderAndEscapesMarkup) {
    EXPECT_EQ(caption_file(CaptionFormat::vtt, two_captions()),
              "WEBVTT\n\n00:00:00.000 --> 00:00:10.000\nA person walks right.\n\n"
              "00:00:10.000 --> 00:00:13.400\na &lt; b &amp; c &gt; d next line\n\n");
}

TEST(Captions, JsonlHasOneObjectALine) {
    const std::string file = caption_file(CaptionFormat::jsonl, two_captions());
    const auto first = nlohmann::json::parse(file.substr(0, file.find('\n')));
    EXPECT_EQ(first, (nlohmann::json{{"start", 0.0}, {"end", 10.0}, {"text", "A person walks right."}, {"objects", {"person"}}}));
    const auto second = nlohmann::json::parse(file.substr(file.find('\n') + 1));
    EXPECT_EQ(second["end"], 13.4);
    EXPECT_TRUE(second["objects"].is_array());
}

TEST(Captions, JsonlSurvivesBytesThatAreNotUtf8) {
    EXPECT_NO_THROW(caption_cue(CaptionFormat::jsonl, {0, s, "bad \xff byte", {}}, 1));
}

TEST(Captions, TxtIsForReading) {
    EXPECT_EQ(caption_file(CaptionFormat::txt, two_captions()),
              "0:00 - 0:10  A person walks right.\n0:10 - 0:13  a < b & c > d next line\n");
}

TEST(Captions, FormatsAreParsedInOrderAndOnce) {
    EXPECT_EQ(parse_formats("vtt,srt,vtt"), (std::vector{CaptionFormat::vtt, CaptionFormat::srt}));
    for (const char* list : {"", "srt,", ",", "doc", "srt, vtt", "SRT"}) EXPECT_THROW(parse_formats(list), UsageError) << list;
}

TEST(Captions, IntervalsTileTheVideo) {
    for (const int64_t start : {int64_t{0}, 3 * s, 9'900'000 * int64_t{1}, 100 * s + 1})
        for (const int64_t length : {int64_t{1}, 400'000 * int64_t{1}, s, 9 * s, 10 * s, 11 * s, 13 * s, 40 * s - 1, 3600 * s + 7})
            for (const int64_t every : {s, 10 * s, 45 * s}) {
                const auto intervals = split_intervals(start, start + length, every);
                ASSERT_FALSE(intervals.empty());
                EXPECT_EQ(intervals.front().start_us, start);
                EXPECT_EQ(intervals.back().end_us, start + length);
                for (size_t i = 0; i < intervals.size(); ++i) {
                    EXPECT_LT(intervals[i].start_us, intervals[i].end_us);
                    EXPECT_LE(intervals[i].end_us - intervals[i].start_us, every + every / 2);
                    EXPECT_EQ(intervals[i].start_us, i ? intervals[i - 1].end_us : start);
                }
            }
    EXPECT_TRUE(split_intervals(5 * s, 5 * s, s).empty());
}

TEST(Captions, IntervalsStandOnRoundTimes) {
    const auto intervals = split_intervals(3 * s, 31 * s, 10 * s);
    ASSERT_EQ(intervals.size(), 3u);
    EXPECT_EQ(intervals[0].end_us, 10 * s);
    EXPECT_EQ(intervals[1].end_us, 20 * s);
    EXPECT_EQ(intervals[2].end_us, 31 * s);
}

}  // namespace
}  // namespace lv
