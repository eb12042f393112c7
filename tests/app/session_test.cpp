// The session without a program around it: events, forks, stopping.
#include "app/session.h"

#include <gtest/gtest.h>

#include "app/model_path.h"
#include "kernels/core/error.h"
#include "tests/app/clips.h"

namespace lv {
namespace {

class Sessions : public testing::Test {
   protected:
    static void SetUpTestSuite() { model_ = new std::shared_ptr<const LoadedModel>(load_model(test::model_folder())); }
    static void TearDownTestSuite() { delete model_; }

    WatchRequest request(double to_s) {
        WatchRequest request;
        request.source = test::bundled_clip().string();
        request.sampling.to_us = static_cast<int64_t>(to_s * 1e6);
        return request;
    }
    template <typename Event>
    static std::optional<Event> wait_for(Session& session) {
        while (std::optional<SessionEvent> event = session.next_event())
            if (Event* found = std::get_if<Event>(&*event)) return std::move(*found);
        return std::nullopt;
    }
    static std::shared_ptr<const LoadedModel>* model_;
    Context context_{2};
};
std::shared_ptr<const LoadedModel>* Sessions::model_ = nullptr;

TEST_F(Sessions, WatchesAndTellsItsMeters) {
    Session session(*model_, context_);
    session.watch(request(12));
    const auto started = wait_for<WatchStarted>(session);
    ASSERT_TRUE(started);
    EXPECT_EQ(started->source.width, 640);
    const auto ended = wait_for<WatchEnded>(session);
    ASSERT_TRUE(ended);
    EXPECT_FALSE(ended->failure);
    EXPECT_FALSE(ended->stopped);
    EXPECT_EQ(ended->meters.frames, 12);
    EXPECT_EQ(ended->meters.watched_us, 11'000'000);
    EXPECT_EQ(ended->meters.end_us, 12'000'000);
    EXPECT_GE(ended->meters.rows, 12u);
    EXPECT_GT(ended->meters.memory.total(), 0u);
}

TEST_F(Sessions, AnswersQuestionsInTheOrderAsked) {
    Session session(*model_, context_);
    session.watch(request(5));
    const uint64_t first = session.ask("is there a person", AskWhen::at_end);
    const uint64_t second = session.ask("is there a dog", AskWhen::at_end);
    EXPECT_EQ(wait_for<AnswerReady>(session)->id, first);
    const auto ready = wait_for<AnswerReady>(session);
    EXPECT_EQ(ready->id, second);
    EXPECT_EQ(ready->question, "is there a dog");
    EXPECT_EQ(ready->asked_at_us, 4'000'000);
    EXPECT_FALSE(ready->failure);
}

TEST_F(Sessions, AQuestionLeavesTheMemoryAsItWas) {
    std::vector<std::string> answers;
    for (const bool disturbed : {false, true}) {
        Session session(*model_, context_);
        session.watch(request(10));
        if (disturbed)
            for (int i = 0; i < 5; ++i) session.ask("what is visible at 0:02", AskWhen::at_end);
        session.ask("describe 0:00 to 0:09", AskWhen::at_end);
        std::optional<AnswerReady> last;
        for (int i = 0; i < (disturbed ? 6 : 1); ++i) last = wait_for<AnswerReady>(session);
        answers.push_back(last->answer.text);
    }
    EXPECT_EQ(answers[0], answers[1]);
}

TEST_F(Sessions, CuesAreAnsweredFromTheMemoryAsItWasThen) {
    Session session(*model_, context_);
    session.watch(request(10), [](int64_t next_us, bool ended) {
        return ended || next_us == 4'000'000 ? std::vector<Cue>{{"what is visible now", ended ? 2u : 1u}} : std::vector<Cue>{};
    });
    const auto middle = wait_for<AnswerReady>(session);
    EXPECT_EQ(middle->tag, 1u);
    EXPECT_EQ(middle->asked_at_us, 3'000'000);
    const auto end = wait_for<AnswerReady>(session);
    EXPECT_EQ(end->tag, 2u);
    EXPECT_EQ(end->asked_at_us, 9'000'000);
}

TEST_F(Sessions, ManyMoreCuesThanTheQueueHoldsComeInOrder) {
    Session session(*model_, context_);
    session.watch(request(4), [](int64_t next_us, bool ended) {
        std::vector<Cue> cues;
        for (uint64_t i = 0; ended && i < 100; ++i) cues.push_back({"is there a dog", i});
        return cues;
    });
    for (uint64_t i = 0; i < 100; ++i) ASSERT_EQ(wait_for<AnswerReady>(session)->tag, i);
}

TEST_F(Sessions, AFailureReachesWhoWaits) {
    Session session(*model_, context_);
    WatchRequest request;
    request.source = "/no/such/video.mp4";
    session.watch(request);
    session.ask("is there a dog", AskWhen::at_end);
    const auto ended = wait_for<WatchEnded>(session);
    ASSERT_TRUE(ended && ended->failure);
    EXPECT_THROW(std::rethrow_exception(ended->failure), Error);
    EXPECT_TRUE(wait_for<AnswerReady>(session)->failure);
}

TEST_F(Sessions, StopsAtOnceAtAnyMoment) {
    for (const bool started : {false, true}) {
        Session session(*model_, context_);
        WatchRequest endless;
        endless.source = "test:duration=1000000";
        session.watch(endless);
        session.ask("is there a dog", AskWhen::at_end);
        if (started) {
            ASSERT_TRUE(wait_for<WatchProgress>(session));
        }
        session.stop();
        EXPECT_FALSE(session.next_event());
    }
}

TEST_F(Sessions, IsAskedWhileItWatches) {
    Session session(*model_, context_);
    WatchRequest endless;
    endless.source = "test:duration=1000000";
    session.watch(endless);
    ASSERT_TRUE(wait_for<WatchProgress>(session));
    for (int i = 0; i < 3; ++i) {
        session.ask("is there a person now", AskWhen::now);
        const auto ready = wait_for<AnswerReady>(session);
        ASSERT_TRUE(ready);
        EXPECT_FALSE(ready->failure);
    }
    EXPECT_FALSE(session.meters().end_us > 0 && session.meters().watched_us >= session.meters().end_us);
}

TEST_F(Sessions, AVideoThatWasCutShortGoesOnAsIfItHadNotBeen) {
    Session whole(*model_, context_), parts(*model_, context_);
    whole.watch(request(12));
    const auto all = wait_for<WatchEnded>(whole);
    parts.watch(request(5));
    ASSERT_TRUE(wait_for<WatchEnded>(parts));
    parts.watch(request(12));
    const auto rest = wait_for<WatchEnded>(parts);
    ASSERT_TRUE(all && rest && !rest->failure);
    EXPECT_EQ(rest->meters.rows, all->meters.rows);
    EXPECT_EQ(rest->meters.frames, 7);
    EXPECT_EQ(rest->meters.all_frames, 12);
    ASSERT_EQ(parts.videos().size(), 1u);
    for (Session* session : {&whole, &parts}) session->ask("what is visible at 0:08", AskWhen::now);
    EXPECT_EQ(wait_for<AnswerReady>(whole)->answer.ids, wait_for<AnswerReady>(parts)->answer.ids);
}

TEST_F(Sessions, AnotherVideoJoinsTheMemoryOnItsOwnClock) {
    Session session(*model_, context_);
    session.watch(request(5));
    ASSERT_TRUE(wait_for<WatchEnded>(session));
    WatchRequest second = request(24);
    second.sampling.from_us = 20'000'000;
    session.watch(second);
    const auto ended = wait_for<WatchEnded>(session);
    ASSERT_TRUE(ended && !ended->failure);
    EXPECT_EQ(ended->meters.watched_us, 23'000'000) << "by its own clock";
    ASSERT_EQ(session.videos().size(), 2u);
    EXPECT_EQ(session.videos()[1].start_us, 5'000'000);
    session.ask("what is visible at 0:02 of video 1", AskWhen::now);
    session.ask("what is visible at 0:22", AskWhen::now);
    session.ask("what is visible in video 3", AskWhen::now);
    for (const std::string expected : {"video 1, 0:00:0", "video 2, 0:00:2"}) {
        const auto ready = wait_for<AnswerReady>(session);
        ASSERT_FALSE(ready->failure || ready->answer.evidence.empty());
        EXPECT_EQ(ready->asked_at_us, 28'000'000);
        EXPECT_EQ(written_time(ready->answer.evidence[0].start_us, ready->clock).substr(0, expected.size()), expected);
    }
    EXPECT_TRUE(wait_for<AnswerReady>(session)->failure);
}

TEST_F(Sessions, EarlierTurnsGoIntoThePromptAndNotIntoTheMemory) {
    Session session(*model_, context_);
    session.watch(request(5));
    ASSERT_TRUE(wait_for<WatchEnded>(session));
    const size_t rows = session.meters().rows;
    session.ask("is there a person at 0:02", AskWhen::now);
    const auto first = wait_for<AnswerReady>(session);
    session.ask("how many", AskWhen::now);
    const auto alone = wait_for<AnswerReady>(session);
    session.ask("how many", AskWhen::now, {{first->question, first->answer.ids, first->asked_at_us}});
    const auto follow = wait_for<AnswerReady>(session);
    EXPECT_EQ(follow->answer.prompt_rows,
              first->answer.prompt_rows + first->answer.ids.size() + alone->answer.prompt_rows)
        << "the second 'now' gives way to the end of the first turn";
    EXPECT_EQ(session.meters().rows, rows);
}

}  // namespace
}  // namespace lv
