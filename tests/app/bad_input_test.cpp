// Everything that can be wrong with what the program is given: a sentence, the right exit status, no crash.
#include <gtest/gtest.h>

#include "app/failure_text.h"
#include "kernels/core/error.h"
#include "tests/app/clips.h"
#include "tests/app/run_program.h"

namespace lv::test {
namespace {
namespace fs = std::filesystem;

// One line that begins with the program's name and contains `names`.
void expect_refusal(const Outcome& outcome, int exit_code, const std::vector<std::string>& names) {
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(outcome.err.rfind("longview: ", 0), 0u) << outcome.err;
    EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << outcome.err;
    EXPECT_GT(outcome.err.size(), 30u) << outcome.err;
    for (const std::string& name : names) EXPECT_NE(outcome.err.find(name), std::string::npos) << name << " in " << outcome.err;
}

Outcome ask(const std::string& video, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"ask", video, "Is there a person?", "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_longview(arguments);
}

TEST(BadVideo, MissingFolderTextOrEmpty) {
    const TemporaryFolder folder;
    expect_refusal(ask((folder / "none.mp4").string()), 1, {"none.mp4"});
    expect_refusal(ask(folder.path().string()), 1, {folder.path().string(), "folder"});
    write_text(folder / "text.mp4", "Dear diary,\ntoday I filmed nothing.\n");
    expect_refusal(ask((folder / "text.mp4").string()), 1, {"text.mp4"});
    write_text(folder / "notes.txt", "Dear diary,\ntoday I filmed nothing.\n");
    expect_refusal(ask((folder / "notes.txt").string()), 1, {"notes.txt"});
    write_text(folder / "empty.mp4", "");
    expect_refusal(ask((folder / "empty.mp4").string()), 1, {"empty.mp4"});
    expect_refusal(ask(""), 2, {"empty"});
}

TEST(BadVideo, HeaderCutOff) {
    const TemporaryFolder folder;
    const std::string whole = read_text(bundled_clip());
    for (const size_t size : {1u, 8u, 40u, 2000u}) {
        write_text(folder / "cut.mp4", whole.substr(0, size));
        expect_refusal(ask((folder / "cut.mp4").string()), 1, {"cut.mp4"});
    }
    write_text(folder / "tail.mp4", whole.substr(whole.size() / 2));
    expect_refusal(ask((folder / "tail.mp4").string()), 1, {"tail.mp4"});
}

TEST(BadVideo, DataCutOffIsAnsweredFromWhatIsThereAndTold) {
    const TemporaryFolder folder;
    const std::string whole = read_text(bundled_clip());
    write_text(folder / "half.mp4", whole.substr(0, whole.size() / 2));
    const Outcome outcome = ask((folder / "half.mp4").string());
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_NE(outcome.err.find("truncated"), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.out, "");
}

TEST(BadVideo, NoPicturesInIt) {
    const TemporaryFolder folder;
    write_text(folder / "sound.wav", silent_sound());
    expect_refusal(ask((folder / "sound.wav").string()), 1, {"sound.wav"});
    write_text(folder / "header.y4m", grey_video(64, 48, 0));
    expect_refusal(ask((folder / "header.y4m").string()), 1, {"header.y4m"});
}

TEST(BadVideo, AbsurdSizes) {
    const TemporaryFolder folder;
    write_text(folder / "huge.y4m", "YUV4MPEG2 W1000000 H1000000 F1:1 Ip A1:1 C420jpeg\nFRAME\nxxxx");
    expect_refusal(ask((folder / "huge.y4m").string()), 1, {"huge.y4m"});
    write_text(folder / "none.y4m", "YUV4MPEG2 W0 H0 F1:1 Ip A1:1 C420jpeg\nFRAME\n");
    expect_refusal(ask((folder / "none.y4m").string()), 1, {"none.y4m"});
}

TEST(BadVideo, NothingBetweenFromAndTo) {
    expect_refusal(ask(bundled_clip().string(), {"--from", "1:00:00"}), 1, {"1:00:00", "1:19"});
}

TEST(BadVideo, UnknownProtocolAndDeadServer) {
    expect_refusal(ask("gopher-x://example/video"), 1, {"gopher-x://example/video"});
    expect_refusal(ask("rtsp://127.0.0.1:9/none"), 1, {"rtsp://127.0.0.1:9/none"});
}

TEST(BadVideo, AnEmptyPipe) {
    RunRequest request;
    request.arguments = {"ask", "-", "Is there a person?", "--quiet"};
    expect_refusal(run_longview(request), 1, {});
    request.input = "this is no video, whatever you say";
    expect_refusal(run_longview(request), 1, {});
}

TEST(BadQuestion, EmptyOrEndless) {
    std::string endless;
    for (int i = 0; i < 1000; ++i) endless += "what about the dog ";
    expect_refusal(run_longview({"ask", bundled_clip().string(), endless, "--quiet"}), 2, {});
    expect_refusal(run_longview({"ask", bundled_clip().string(), "  ", "--quiet"}), 2, {});
}

TEST(BadArguments, AreMisuse) {
    expect_refusal(run_longview({"ask"}), 2, {"--help"});
    expect_refusal(run_longview({"watch", "a.mp4"}), 2, {"watch"});
    expect_refusal(run_longview({"ask", "a.mp4", "q", "--frames", "7"}), 2, {"--frames", "longview ask --help"});
    expect_refusal(run_longview({"bench", "speed"}), 2, {"speed"});
}

TEST(BadArguments, ARateThatIsNoNumberIsMisuse) {
    for (const char* command : {"ask", "caption", "agent"})
        for (const char* rate : {"nan", "-nan", "inf", "0", "-1", "61", "fast"})
            expect_refusal(run_longview({command, bundled_clip().string(), "--fps", rate}), 2, {"--fps", rate});
    expect_refusal(run_longview({"ask", "a.mp4", "q", "--threads", "257"}), 2, {"--threads", "256"});
}

TEST(BadArguments, AnEmptyValueIsNotAnOptionLeftOut) {
    const std::string clip = bundled_clip().string();
    for (const char* option : {"--save", "--load", "--model", "--budget", "--cache", "--attend", "--from", "--to", "--ask-from"})
        expect_refusal(run_longview({"ask", clip, "Is there a person?", option, ""}), 2, {option, "empty"});
    for (const char* option : {"--out", "--format"}) expect_refusal(run_longview({"caption", clip, option, ""}), 2, {option, "empty"});
    for (const char* option : {"--events", "--record", "--exec", "--socket", "--snapshots", "--hold-off", "--speed"})
        expect_refusal(run_longview({"agent", clip, option, ""}), 2, {option, "empty"});
}

TEST(BadArguments, AQuestionToTheAgentGoesWithItsTime) {
    expect_refusal(run_longview({"agent", "camera:0", "Is there a dog?"}), 2, {"Is there a dog?", "--every 30s"});
    expect_refusal(run_longview({"agent", "camera:0", "--tel", "a dog appears"}), 2, {"not expected here: --tel a dog appears;"});
}

TEST(BadArguments, AMemoryIsNoVideo) { expect_refusal(run_longview({"ask", "day.lvm", "Is there a dog?"}), 2, {"--load day.lvm"}); }

TEST(BadArguments, AVideoIsNoMemory) {
    const std::string clip = bundled_clip().string();
    expect_refusal(run_longview({"ask", "--load", clip, "Is there a dog?"}), 1, {clip, "no saved memory"});
    expect_refusal(run_longview({"info", clip}), 1, {clip, "no saved memory"});
}

TEST(FailureText, WhatTheSystemHasNoMoreOfIsToldWithWhatToDo) {
    const auto said = [](const auto& error) { return failure_text(std::make_exception_ptr(error)); };
    EXPECT_NE(said(std::bad_alloc()).find("out of memory; watch less"), std::string::npos);
    const std::error_code none = std::make_error_code(std::errc::resource_unavailable_try_again);
    EXPECT_NE(said(std::system_error(none)).find("--threads"), std::string::npos);
    EXPECT_NE(said(fs::filesystem_error("reading", "day.lvm", {})).find("day.lvm"), std::string::npos);
    EXPECT_EQ(said(Error("no such thing")), "no such thing");
}

// A copy of the model that a test may damage.
class DamagedModel : public testing::Test {
   protected:
    void SetUp() override { fs::copy(model_folder(), folder_ / "model"); }
    fs::path file(const std::string& name) { return folder_ / ("model/" + name); }
    Outcome info() { return run_longview({"info", (folder_ / "model").string()}); }
    void replace(const std::string& name, const std::string& from, const std::string& to) {
        std::string text = read_text(file(name));
        const size_t at = text.find(from);
        ASSERT_NE(at, std::string::npos) << from;
        write_text(file(name), text.replace(at, from.size(), to));
    }
    TemporaryFolder folder_;
};

TEST_F(DamagedModel, WholeItIsShown) {
    const Outcome outcome = info();
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    for (const char* word : {"layers", "parameters", "vocabulary", "memory", "person"})
        EXPECT_NE(outcome.out.find(word), std::string::npos) << word << " in " << outcome.out;
}

TEST_F(DamagedModel, EachMissingFileIsNamed) {
    for (const char* name : {"model.safetensors", "vision.safetensors", "tokenizer.model"}) {
        fs::rename(file(name), folder_ / "aside");
        expect_refusal(info(), 1, {name});
        fs::rename(folder_ / "aside", file(name));
    }
    fs::remove(file("config.json"));
    expect_refusal(info(), 2, {"config.json"});
    expect_refusal(run_longview({"info", (folder_ / "none").string()}), 2, {"none"});
}

TEST_F(DamagedModel, EachTruncatedFileIsNamed) {
    for (const char* name : {"model.safetensors", "vision.safetensors", "tokenizer.model", "config.json"})
        for (const double share : {0.0, 0.3, 0.999}) {
            const std::string whole = read_text(file(name));
            write_text(file(name), whole.substr(0, static_cast<size_t>(static_cast<double>(whole.size()) * share)));
            expect_refusal(info(), 1, {name});
            write_text(file(name), whole);
        }
}

TEST_F(DamagedModel, AWrongVocabularyIsToldWithBothSizes) {
    std::string config = read_text(file("config.json"));
    const size_t at = config.find("\"vocab_size\"");
    const size_t digits = config.find_first_of("0123456789", at);
    config.replace(digits, config.find_first_not_of("0123456789", digits) - digits, "1234");
    write_text(file("config.json"), config);
    expect_refusal(info(), 1, {"1234"});
}

TEST_F(DamagedModel, WrongFieldsAreNamed) {
    replace("config.json", "\"dim\"", "\"dimension\"");
    expect_refusal(info(), 1, {"config.json", "dim"});
}

TEST_F(DamagedModel, RandomBytesAreRefused) {
    uint32_t state = 1;
    std::string noise(100'000, '\0');
    for (char& byte : noise) byte = static_cast<char>((state = state * 1664525u + 1013904223u) >> 24);
    for (const char* name : {"model.safetensors", "vision.safetensors", "tokenizer.model", "config.json"}) {
        const std::string whole = read_text(file(name));
        write_text(file(name), noise);
        expect_refusal(info(), 1, {name});
        write_text(file(name), whole);
    }
}

TEST_F(DamagedModel, AskingAndCaptioningRefuseItToo) {
    write_text(file("model.safetensors"), "no");
    const std::string model = (folder_ / "model").string();
    expect_refusal(ask(bundled_clip().string(), {"--model", model}), 1, {"model.safetensors"});
    expect_refusal(run_longview({"caption", bundled_clip().string(), "--model", model, "--quiet"}), 1, {"model.safetensors"});
}

}  // namespace
}  // namespace lv::test
