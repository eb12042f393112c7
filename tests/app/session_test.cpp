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

}  // namespace
}  // namespace lv
