// Real files of every odd kind, end to end: what can be watched is, what cannot is refused with a sentence.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/app/clips.h"
#include "tests/app/run_program.h"

namespace lv::test {
namespace {
namespace fs = std::filesystem;

const fs::path media = fs::path(LV_SOURCE_DIR) / "tests/vision/media";

class Watched : public testing::TestWithParam<const char*> {};

TEST_P(Watched, AnswersAndCaptions) {
    const std::string path = (media / GetParam()).string();
    const Outcome asked = run_longview({"ask", path, "--json", "--quiet", "What is in the video?"});
    ASSERT_EQ(asked.exit_code, 0) << asked.err;
    const auto object = nlohmann::json::parse(asked.out);
    EXPECT_GT(object.at("frames").get<int>(), 0);
    EXPECT_FALSE(object.at("answers")[0].at("answer").get<std::string>().empty());

    const Outcome captioned = run_longview({"caption", path, "--format", "jsonl", "--every", "2s", "--quiet"});
    ASSERT_EQ(captioned.exit_code, 0) << captioned.err;
    std::istringstream lines(captioned.out);
    double newest = 0;
    size_t cues = 0;
    for (std::string line; std::getline(lines, line); ++cues) {
        const auto cue = nlohmann::json::parse(line);
        EXPECT_DOUBLE_EQ(cue.at("start").get<double>(), newest);
        newest = cue.at("end").get<double>();
    }
    EXPECT_GT(cues, 0u);
}

INSTANTIATE_TEST_SUITE_P(Media, Watched,
                         testing::Values("alpha.png", "damaged.ts", "interlaced.ts", "late_start.mkv", "late.ts", "long_gop.mp4", "longer_sound.mkv", "negative.mp4", "odd_size.mkv",
                                         "open_gop.mp4", "raw.h264", "short_gop.mkv", "still.png", "ten_bit.mp4", "turned.mp4",
                                         "vfr.mp4", "wide_pixels.mp4"),
                         [](const auto& info) { return std::string(info.param).substr(0, std::string(info.param).find('.')); });

class Refused : public testing::TestWithParam<const char*> {};

TEST_P(Refused, WithOneSentence) {
    const Outcome outcome = run_longview({"ask", (media / GetParam()).string(), "--quiet", "What is in the video?"});
    EXPECT_EQ(outcome.exit_code, 1) << outcome.out;
    EXPECT_EQ(outcome.err.rfind("longview: ", 0), 0u) << outcome.err;
    EXPECT_NE(outcome.err.find(GetParam()), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.err.find("No such file"), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << outcome.err;
}

INSTANTIATE_TEST_SUITE_P(Media, Refused,
                         testing::Values("absurd.avi", "absurd.y4m", "cover.m4a", "headless.mp4", "letter.mp4", "letter.txt", "no_frames.mp4",
                                         "sound.m4a", "truncated.mp4"),
                         [](const auto& info) {
                             std::string name = info.param;
                             name[name.find('.')] = '_';
                             return name;
                         });

}  // namespace
}  // namespace lv::test
