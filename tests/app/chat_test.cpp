// `longview ask --chat` as a user runs it, and what stands behind it.
#include <gtest/gtest.h>

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <future>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "app/answer_report.h"
#include "app/asking.h"
#include "app/chat.h"
#include "app/conversation.h"
#include "app/interrupt.h"
#include "kernels/core/error.h"
#include "tests/app/clips.h"
#include "tests/app/run_program.h"

namespace lv::test {
namespace {

using nlohmann::json;

const std::string clip = bundled_clip().string();

RunRequest talk(const std::vector<std::string>& more, const std::string& input) {
    RunRequest request;
    request.arguments = {"ask", clip, "--to", "8", "--chat"};
    request.arguments.insert(request.arguments.end(), more.begin(), more.end());
    request.input = input;
    return request;
}

TEST(Chat, AnswersEachLineWithItsMoments) {
    const Outcome outcome = run_longview(talk({}, "How many people are there at 0:05?\n\n  \nand at 0:02?\r\n"));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(count(outcome.out, "  rests on "), 2u) << outcome.out;
    EXPECT_EQ(count(outcome.out, "How many"), 0u) << "the terminal shows what was typed";
    EXPECT_EQ(count(outcome.out, "seen so far"), 0u) << "from a pipe the video is watched first";
}

TEST(Chat, JsonIsOneObjectATurn) {
    const Outcome outcome = run_longview(talk({"--json", "Is there a person?"}, "how many?\n/forget\nwhere?\n"));
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    std::istringstream lines(outcome.out);
    std::vector<std::string> questions;
    for (std::string line; std::getline(lines, line);) {
        const json object = json::parse(line);
        EXPECT_EQ(object.at("frames"), 8);
        ASSERT_EQ(object.at("answers").size(), 1u);
        questions.push_back(object.at("answers")[0].at("question"));
        EXPECT_EQ(object.at("answers")[0].at("seen_until"), 7);
    }
    EXPECT_EQ(questions, (std::vector<std::string>{"Is there a person?", "how many?", "where?"}));
}

TEST(Chat, QuitLeavesAndWhatIsNoCommandIsExplained) {
    const Outcome outcome = run_longview(talk({}, "/what\n/forget\n/quit\nIs there a person?\n"));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(count(outcome.err, "/quit"), 1u) << outcome.err;
    EXPECT_EQ(count(outcome.err, "forgotten"), 1u) << outcome.err;
}

TEST(Chat, ALineThatCannotBeAskedIsToldAndTheNextIsAnswered) {
    const Outcome outcome = run_longview(talk({"--quiet"}, "???\nIs there a person?\n"));
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_EQ(count(outcome.err, "longview: "), 1u) << outcome.err;
    EXPECT_EQ(count(outcome.out, "  rests on "), 1u) << outcome.out;
}

TEST(Chat, OnATerminalItAnswersWhileTheVideoIsWatchedAndCtrlCLeaves) {
    RunRequest request;
    request.arguments = {"ask", "test:duration=100000", "--chat", "Is there a person?"};
    request.input_file = "/dev/ptmx";  // a terminal that nobody types at
    request.terminal = true;
    request.interrupt_when = [](const std::string& err) { return err.find("> ") != std::string::npos; };
    const Outcome outcome = run_longview(request);
    EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
    EXPECT_NE(outcome.out.find("seen so far: up to 0:"), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.err.find("/forget"), std::string::npos) << outcome.err;
}

TEST(Chat, AVideoThatCannotBeReadIsAnError) {
    RunRequest request;
    request.arguments = {"ask", "/no/such/video.mp4", "--chat"};
    request.input = "Is there a person?\n";
    const Outcome outcome = run_longview(request);
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_NE(outcome.err.find("/no/such/video.mp4"), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.out, "");
}

TEST(Chat, KeepsWhatWasWatchedWhenNobodyReadsItsAnswers) {
    const TemporaryFolder folder;
    const std::string memory = (folder / "day.lvm").string();
    RunRequest request;
    request.arguments = {"ask", "test:duration=100000", "--chat", "Is there a person?", "--save", memory};
    request.input_file = "/dev/ptmx";  // a terminal that nobody types at: the video is watched on meanwhile
    request.output_file = "/dev/full";
    const Outcome outcome = run_longview(request);
    EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
    EXPECT_EQ(count(outcome.err, "saved to " + memory), 1u) << outcome.err;
    EXPECT_EQ(count(outcome.err, "cannot write to standard output"), 1u) << outcome.err;
    const Outcome info = run_longview({"info", memory, "--json"});
    EXPECT_GT(json::parse(info.out).at("frames").get<int>(), 0);
}

TEST(Chat, ALineWithoutAnEndIsRefusedAndWhatWasWatchedIsKept) {
    const TemporaryFolder folder;
    const std::string memory = (folder / "clip.lvm").string();
    const std::string longest = "Is there a person" + std::string(64 * 1024 - 18, ' ') + "?";
    const Outcome refused = run_longview(talk({"--save", memory, "--json"}, longest + "\n" + std::string(128 * 1024, 'x')));
    EXPECT_EQ(refused.exit_code, 2) << refused.err;
    EXPECT_EQ(count(refused.err, "longer than 64 KiB; write one question a line"), 1u) << refused.err;
    EXPECT_EQ(count(refused.out, "\"answer\""), 1u) << refused.out;
    const Outcome info = run_longview({"info", memory, "--json"});
    EXPECT_EQ(json::parse(info.out).at("frames"), 8) << info.err;
}

TEST(Chat, CtrlCLeavesBeforeTheFirstPicture) {
    const Interrupt interrupt;
    const Context context(1);
    const std::shared_ptr<const LoadedModel> model = load_model(model_folder());
    Session session(model, context);
    Progress progress(true);
    AskOptions options;
    options.video = "test:duration=100000";
    options.sampling.from_us = 90'000'000'000;  // a day of pictures is made before: Ctrl-C comes sooner
    options.chat = true;
    Asking asking(options, *model, session, progress);
    session.watch({options.video, options.sampling, 1});
    const std::optional<SessionEvent> event = session.next_event();
    ASSERT_TRUE(event && std::holds_alternative<WatchStarted>(*event));
    kill(getpid(), SIGINT);
    while (!interrupt.happened()) std::this_thread::yield();
    chat(asking, options, session, progress, interrupt);
    EXPECT_FALSE(asking.seen());
    ASSERT_TRUE(asking.ended());
    EXPECT_TRUE(asking.ended()->stopped);
}

TEST(Chat, EndsWithAFailureOfWatchingButNotOfAStop) {
    const Context context(1);
    const std::shared_ptr<const LoadedModel> model = load_model(model_folder());
    Session session(model, context);
    Progress progress(true);
    AskOptions options;
    options.chat = true;
    Asking asking(options, *model, session, progress);
    WatchEnded ended;
    ended.failure = std::make_exception_ptr(Error("nothing came"));
    ended.stopped = true;
    EXPECT_NO_THROW(asking.take(ended));
    EXPECT_EQ(asking.status(), 0);
    ended.stopped = false;
    EXPECT_THROW(asking.take(ended), Error);
    EXPECT_EQ(asking.status(), 1);
}

TEST(Interrupts, GoToWhoTakesThemFirst) {
    const Interrupt interrupt;
    std::atomic<int> taken{0};
    interrupt.offer_to([&] { return ++taken == 1; });
    kill(getpid(), SIGINT);
    while (taken == 0) std::this_thread::yield();
    EXPECT_FALSE(interrupt.happened());
    std::stop_token token = interrupt.token();
    std::promise<void> stopped;
    const std::stop_callback callback(token, [&] { stopped.set_value(); });
    kill(getpid(), SIGINT);  // declined: stops
    stopped.get_future().wait();
    EXPECT_EQ(taken, 2);
    interrupt.offer_to({});
}

AnswerReady ready(const std::string& question, bool complete) {
    AnswerReady out;
    out.question = question;
    out.answer.ids = {7, 8};
    out.answer.complete = complete;
    out.asked_at_us = 5'000'000;
    return out;
}

TEST(Conversations, KeepWhatWasAnsweredAndForgetWhenTold) {
    Conversation conversation;
    conversation.add(ready("first", true));
    conversation.add(ready("stopped", false));
    AnswerReady failed = ready("failed", true);
    failed.failure = std::make_exception_ptr(1);
    conversation.add(failed);
    ASSERT_EQ(conversation.turns().size(), 1u);
    EXPECT_EQ(conversation.turns()[0].question, "first");
    EXPECT_EQ(conversation.turns()[0].answer, (std::vector<int>{7, 8}));
    EXPECT_EQ(conversation.turns()[0].asked_at_us, 5'000'000);
    for (int i = 0; i < 40; ++i) conversation.add(ready("more " + std::to_string(i), true));
    EXPECT_LE(conversation.turns().size(), 16u);
    EXPECT_EQ(conversation.turns().back().question, "more 39");
    conversation.forget();
    EXPECT_TRUE(conversation.turns().empty());
}

TEST(AnswerReport, MomentsAreWrittenWithTheirShare) {
    const std::vector<Moment> moments{{18'000'000, 21'000'000, 0.714f}, {40'000'000, 40'500'000, 0.12f}};
    EXPECT_EQ(moments_text(moments, {}), "rests on 0:18-0:21 (71%), 0:40 (12%)");
    EXPECT_EQ(moments_text({}, {}), "");
    const VideoClock two({0, 20'000'000});
    EXPECT_EQ(moments_text(std::vector<Moment>{{18'000'000, 20'000'000, 0.5f}, {23'000'000, 24'000'000, 0.25f}}, two),
              "rests on video 1, 0:00:18-0:00:20 (50%), video 2, 0:00:03-0:00:04 (25%)");
}

TEST(AnswerReport, JsonNamesTheVideoOfAMoment) {
    AnswerReady answer = ready("q", true);
    answer.answer.evidence = {{23'000'000, 24'000'000, 0.25f}};
    answer.asked_at_us = 25'000'000;
    const json alone = answer_json(answer, {});
    EXPECT_EQ(alone.at("evidence")[0], json({{"start", 23}, {"end", 24}, {"weight", 0.25}}));
    answer.clock = VideoClock({0, 20'000'000});
    const std::vector<WatchedVideo> videos{{.source = "a.mp4"}, {.source = "b.mp4"}};
    const json second = answer_json(answer, videos);
    EXPECT_EQ(second.at("evidence")[0],
              json({{"video", 2}, {"name", "b.mp4"}, {"start", 3}, {"end", 4}, {"weight", 0.25}}));
    EXPECT_EQ(second.at("seen_until"), 5);
}

}  // namespace
}  // namespace lv::test
