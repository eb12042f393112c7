// `longview ask` as a user runs it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/app/clips.h"
#include "tests/app/run_program.h"

namespace lv::test {
namespace {

using nlohmann::json;

const std::string clip = bundled_clip().string();

void expect_answer_object(const json& object, size_t questions) {
    EXPECT_EQ(object.at("video"), clip);
    EXPECT_NEAR(object.at("duration").get<double>(), bundled_clip_s, 1);
    EXPECT_GT(object.at("frames").get<int>(), 0);
    EXPECT_TRUE(object.at("model").is_string());
    ASSERT_EQ(object.at("answers").size(), questions);
    for (const json& answer : object.at("answers")) {
        EXPECT_FALSE(answer.at("question").get<std::string>().empty());
        EXPECT_FALSE(answer.at("answer").get<std::string>().empty());
        EXPECT_GT(answer.at("first_token_ms").get<double>(), 0);
        EXPECT_GT(answer.at("tokens").get<int>(), 0);
        for (const json& moment : answer.at("evidence")) {
            EXPECT_LE(moment.at("start").get<double>(), moment.at("end").get<double>());
            EXPECT_LE(moment.at("end").get<double>(), bundled_clip_s + 1);
            EXPECT_GT(moment.at("weight").get<double>(), 0);
            EXPECT_LE(moment.at("weight").get<double>(), 1.0001);
        }
    }
    EXPECT_GT(object.at("memory").at("state_bytes").get<int>(), 0);
    EXPECT_GT(object.at("memory").at("cache_bytes").get<int>(), 0);
    EXPECT_GE(object.at("memory").at("tokens").get<int>(), object.at("frames").get<int>());
    EXPECT_GT(object.at("timing").at("watch_s").get<double>(), 0);
}

TEST(AskProgram, AnswersEachQuestionOfALineOfItsOwn) {
    const Outcome outcome = run_longview({"ask", clip, "--to", "20", "How many people are there at 0:10?", "Is there a dog?"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.out.rfind("How many people are there at 0:10?\n  ", 0), 0u) << outcome.out;
    EXPECT_EQ(count(outcome.out, "\nIs there a dog?\n  "), 1u) << outcome.out;
    EXPECT_NE(outcome.err.find("20 frames"), std::string::npos) << outcome.err;
}

TEST(AskProgram, OneQuestionGivesTheAnswerAloneAndQuietIsQuiet) {
    const Outcome outcome = run_longview({"ask", clip, "--to", "10", "--quiet", "What is visible at 0:05?"});
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_EQ(outcome.err, "");
    EXPECT_EQ(count(outcome.out, "What is visible"), 0u) << outcome.out;
}

TEST(AskProgram, RecordingsPutOneBehindTheOtherLastAsLongAsAllOfThem) {
    const TemporaryFolder folder;
    const std::string part = read_text(std::string(LV_SOURCE_DIR) + "/tests/vision/media/late.ts");
    write_text(folder / "three.ts", part + part + part);
    const Outcome outcome = run_longview({"ask", (folder / "three.ts").string(), "--json", "What is visible?"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_GE(json::parse(outcome.out).at("duration").get<double>(), 5) << "as far as was looked; a part takes 2 s";
}

TEST(AskProgram, JsonIsOneObject) {
    const Outcome outcome = run_longview({"ask", clip, "--json", "How many people are there at 0:20?", "When does a person first appear?"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    expect_answer_object(json::parse(outcome.out), 2);
}

TEST(AskProgram, QuestionsComeFromStandardInputOneALine) {
    RunRequest request;
    request.arguments = {"ask", clip, "--fps", "0.5", "--ask-from", "-"};
    request.input = "Is there a person?\n\n  \nHow many people at 0:10?\r\nlast one without an end";
    const Outcome outcome = run_longview(request);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(count(outcome.out, "Is there a person?\n  "), 1u);
    EXPECT_EQ(count(outcome.out, "How many people at 0:10?\n  "), 1u);
    EXPECT_EQ(count(outcome.out, "last one without an end\n  "), 1u);
}

TEST(AskProgram, AQuestionIsShownWithoutItsControlCharacters) {
    RunRequest request;
    request.arguments = {"ask", clip, "--to", "5", "--ask-from", "-"};
    request.input = "Is there a \x1b]0;title\a person?\n";
    const Outcome outcome = run_longview(request);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(count(outcome.out, "Is there a ?]0;title? person?\n  "), 1u) << outcome.out;
}

TEST(AskProgram, JsonAnswersToStandardInputAreOneObjectALine) {
    RunRequest request;
    request.arguments = {"ask", clip, "--json", "--fps", "0.5", "--ask-from", "-", "What is visible at 0:10?"};
    request.input = "Is there a person?\nHow many people are there at 0:10?\n";
    const Outcome outcome = run_longview(request);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    std::istringstream lines(outcome.out);
    size_t objects = 0;
    for (std::string line; std::getline(lines, line); ++objects) expect_answer_object(json::parse(line), 1);
    EXPECT_EQ(objects, 3u);
}

TEST(AskProgram, ALineThatCannotBeAskedIsToldAndTheNextIsAnswered) {
    RunRequest request;
    request.arguments = {"ask", clip, "--to", "5", "--ask-from", "-"};
    std::string endless;
    for (int i = 0; i < 2000; ++i) endless += "dog ";
    request.input = endless + "\nIs there a person?\n";
    const Outcome outcome = run_longview(request);
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_EQ(count(outcome.err, "longview: "), 1u) << outcome.err;
    EXPECT_EQ(count(outcome.out, "Is there a person?\n  "), 1u) << outcome.out;
}

TEST(AskProgram, ClosedStreamsAreNotTakenForOtherFiles) {
    const std::vector<std::string> base{"sh", "-c", "", LV_TEST_PROGRAM, "ask", clip, "--to", "3"};
    const auto run = [&](const std::string& closed, const std::vector<std::string>& more) {
        std::vector<std::string> words = base;
        words[2] = "exec \"$0\" \"$@\" " + closed;
        words.insert(words.end(), more.begin(), more.end());
        return run_other(words);
    };
    for (const std::vector<std::string>& more : {std::vector<std::string>{"--ask-from", "-"}, {"--chat"}}) {
        const Outcome outcome = run("<&-", more);
        EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
        EXPECT_EQ(outcome.out, "");
    }
    const Outcome deaf = run(">&-", {"Is there a person?"});
    EXPECT_EQ(deaf.exit_code, 1);
    EXPECT_EQ(count(deaf.err, "cannot write to standard output"), 1u) << deaf.err;
}

TEST(AskProgram, PiecesThatCannotBeDecodedAreTold) {
    const std::string media = std::string(LV_SOURCE_DIR) + "/tests/vision/media/";
    const Outcome damaged = run_longview({"ask", media + "damaged.ts", "Is there a person?"});
    EXPECT_EQ(damaged.exit_code, 0);
    EXPECT_EQ(count(damaged.err, "damaged.ts is damaged: "), 1u) << damaged.err;
    for (const char* name : {"late.ts", "late_start.mkv", "longer_sound.mkv", "open_gop.mp4", "raw.h264", "interlaced.ts"}) {
        const Outcome whole = run_longview({"ask", media + name, "Is there a person?"});
        EXPECT_EQ(whole.exit_code, 0) << whole.err;
        EXPECT_EQ(count(whole.err, "damaged"), 0u) << whole.err;
    }
}

TEST(AskProgram, ReadsAPipe) {
    RunRequest request;
    request.arguments = {"ask", "-", "--to", "10", "--json", "Is there a person?"};
    request.input_file = clip;
    const Outcome outcome = run_longview(request);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(json::parse(outcome.out).at("frames"), 10);
}

TEST(AskProgram, FromToAndFpsChooseTheFrames) {
    const Outcome outcome = run_longview({"ask", clip, "--from", "0:20", "--to", "0:40", "--fps", "0.5", "--json", "Is there a person?"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const json object = json::parse(outcome.out);
    EXPECT_EQ(object.at("frames"), 10);
    for (const json& moment : object.at("answers")[0].at("evidence")) {
        EXPECT_GE(moment.at("start").get<double>(), 20);
        EXPECT_LE(moment.at("end").get<double>(), 40);
    }
}

TEST(AskProgram, KeyFramesAreAQuickLook) {
    const Outcome outcome = run_longview({"ask", clip, "--keyframes", "--json", "Is there a person?"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_GT(json::parse(outcome.out).at("frames"), 0);
}

TEST(AskProgram, AnswersTheSameWhateverTheThreads) {
    const std::vector<std::string> base{"ask", clip, "--to", "30", "--json", "--quiet", "How many people are there at 0:20?", "--threads"};
    std::vector<std::string> answers;
    for (const char* threads : {"1", "2", "3"}) {
        std::vector<std::string> arguments = base;
        arguments.push_back(threads);
        answers.push_back(json::parse(run_longview(arguments).out).at("answers")[0].at("answer"));
    }
    EXPECT_EQ(answers[0], answers[1]);
    EXPECT_EQ(answers[0], answers[2]);
}

TEST(AskProgram, ProgressIsDrawnOnATerminal) {
    RunRequest request;
    request.arguments = {"ask", clip, "Is there a person?"};
    request.terminal = true;
    const Outcome outcome = run_longview(request);
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_NE(outcome.err.find("frames/s"), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find("x real time"), std::string::npos);
    EXPECT_NE(outcome.err.find(" left"), std::string::npos);
    EXPECT_EQ(run_longview({"ask", clip, "--to", "5", "Is there a person?"}).err.find('\r'), std::string::npos);
}

TEST(AskProgram, CtrlCStopsWith130) {
    RunRequest request;
    request.arguments = {"ask", "test:duration=100000", "Is there a person?"};
    request.terminal = true;
    request.interrupt_when = [](const std::string& err) { return err.find("frames/s") != std::string::npos; };
    const Outcome outcome = run_longview(request);
    EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
    EXPECT_EQ(outcome.out, "");
}

TEST(AskProgram, CtrlCEndsTheWaitForALine) {
    RunRequest request;
    request.arguments = {"ask", clip, "--to", "3", "--ask-from", "-"};
    request.input_file = "/dev/ptmx";  // a terminal that nobody types at
    request.interrupt_when = [](const std::string& err) { return err.find("watched") != std::string::npos; };
    EXPECT_EQ(run_longview(request).exit_code, 130);
}

TEST(AskProgram, AFullDiskUnderStandardOutputIsAnError) {
    RunRequest request;
    request.arguments = {"ask", clip, "--to", "3", "Is there a person?"};
    request.output_file = "/dev/full";
    const Outcome outcome = run_longview(request);
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_NE(outcome.err.find("cannot write to standard output"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace lv::test
