// Every door of the source: each refusal says what was found and what to do; damage never crashes.
#include <random>

#include "tests/vision/support.h"
#include "vision/ffmpeg_source.h"

namespace lv {
namespace {

using test::expect_in;
using test::media;
using test::message_of;

std::string opening(const std::string& location) {
    return message_of([&] { open_source(location); });
}

TEST(SourceErrors, NameAMissingFile) { expect_in(opening("/nowhere/a.mp4"), "opening /nowhere/a.mp4: there is no such file"); }

TEST(SourceErrors, NameAFolder) { expect_in(opening(media("")), "this is a folder"); }

TEST(SourceErrors, NameAnEmptyFile) {
    const test::TemporaryFile file("empty.mp4", "");
    expect_in(opening(file.path()), "the file is empty");
}

TEST(SourceErrors, NameATextFile) {
    expect_in(opening(media("letter.mp4")), "not a video that FFmpeg can read");
    const std::string text = opening(media("letter.txt"));
    EXPECT_FALSE(text.empty());
    expect_in(text, "video");
}

TEST(SourceErrors, NameSoundWithoutPictures) {
    expect_in(opening(media("sound.m4a")), "it holds only sound; expected at least one video stream");
    expect_in(opening(media("cover.m4a")), "only sound and a cover picture");
}

TEST(SourceErrors, NameAFileWithoutItsIndex) { expect_in(opening(media("headless.mp4")), "its header is missing"); }

TEST(SourceErrors, NameAbsurdSizes) { expect_in(opening(media("absurd.avi")), "claim to be 20000x20000 px; expected at most 16384"); }

TEST(SourceErrors, NameAFileWithoutFrames) {
    const std::string text = message_of([] { open_source(media("no_frames.mp4"))->next(); });
    expect_in(text, "not one picture could be decoded");
    EXPECT_EQ(text, message_of([] { open_source(media("no_frames.mp4"))->show(0); }));
}

TEST(SourceErrors, RefuseFilterTricksInTestSources) {
    expect_in(opening("test:size=64x48[a];movie=x"), "expected test: and options");
    EXPECT_FALSE(opening("test:nonsense=1").empty());
}

TEST(SourceErrors, NameADeviceThatIsNotThereAndThoseThatAre) {
    const std::string text = opening("camera:77");
    expect_in(text, "opening camera:77: No such file or directory");
    const bool none = text.find("no camera was found on this machine") != std::string::npos;
    EXPECT_NE(none, text.find("the cameras found are camera:") != std::string::npos) << text;
    expect_in(opening("screen::77"), "there is no such X11 display");
}

TEST(SourceErrors, NameASenderThatDoesNotAnswer) {
    expect_in(opening("http://127.0.0.1:1/a.mp4"), "opening http://127.0.0.1:1/a.mp4");
}

// Bounded: a few hundred small files, each read to its end or to its error.
void read_to_the_end(const std::string& path) {
    try {
        const auto source = open_source(path, {.max_side = 64, .threads = 1, .period_us = 200'000});
        for (int64_t time_us = 0; time_us < 8'000'000 && source->show(time_us); time_us += 200'000) {}
    } catch (const Error& error) {
        EXPECT_GT(std::string(error.what()).size(), 20u);
    }
}

TEST(SourceErrors, SurviveRandomBytes) {
    std::mt19937 random(5);
    for (int i = 0; i < 40; ++i) {
        std::string bytes(200 + random() % 4000, '\0');
        for (char& byte : bytes) byte = static_cast<char>(random());
        read_to_the_end(test::TemporaryFile("random.mp4", bytes).path());
    }
}

TEST(SourceErrors, SurviveDamageAnywhere) {
    std::mt19937 random(6);
    for (const char* name : {"short_gop.mkv", "long_gop.mp4", "late.ts", "ten_bit.mp4", "still.png", "negative.mp4"}) {
        const std::string whole = test::bytes_of(media(name));
        for (int i = 0; i < 20; ++i) {
            std::string bytes = whole;
            for (int k = 0; k < 1 + i; ++k) bytes[random() % bytes.size()] = static_cast<char>(random());
            if (i % 4 == 3) bytes.resize(random() % bytes.size());
            if (bytes.empty()) continue;
            read_to_the_end(test::TemporaryFile(name, bytes).path());
        }
    }
}

}  // namespace
}  // namespace lv
