// A stream that comes as it likes: lost and back, too fast, timestamps that lie. With a source made by hand.
#include "vision/live_feed.h"

#include <atomic>
#include <deque>

#include "tests/vision/support.h"
#include "vision/stream_clock.h"

namespace lv {
namespace {

constexpr int64_t second_us = 1'000'000;

// What one connection gives: pictures with these times, then its end or a failure.
struct Script {
    std::vector<int64_t> pts_us;
    std::string failure;  // when opening, if there are no pictures; else after them
    int64_t duration_us = 0;
    int width = 64;
    std::string container{};
    int64_t offset_us = 0;                               // arrival of pts 0 on the test's clock
    std::function<int64_t(int64_t pts_us)> waited_us{};  // for the decoder; not set: not at all
    int64_t slept_us = 0;  // our clock leaps so far after 2 s of pictures; theirs does not
};

class ScriptSource final : public FrameSource {
   public:
    explicit ScriptSource(Script script) : script_(std::move(script)) {
        info_.name = "made by hand";
        info_.width = script_.width;
        info_.duration_us = script_.duration_us;
        info_.container = script_.container;
    }
    const SourceInfo& info() const override { return info_; }
    std::optional<Frame> next() override {
        if (next_ == script_.pts_us.size()) {
            if (!script_.failure.empty()) fail(script_.failure);
            return std::nullopt;
        }
        Frame frame;
        frame.picture = std::make_shared<const Picture>();
        frame.pts_us = script_.pts_us[next_++];
        frame.width = script_.width;
        frame.height = 64;
        frame.arrived_us = script_.offset_us > 0 ? script_.offset_us + frame.pts_us : 0;
        if (frame.pts_us > 2 * second_us) frame.arrived_us += script_.slept_us;
        return frame;
    }
    std::optional<Frame> show(int64_t) override { return std::nullopt; }
    SourceStats stats() const override { return {.skipped = skipped_}; }
    void set_depth(DecodeDepth depth) override { ++skipped_, depths.push_back(depth); }
    int64_t waited_us() const override { return script_.waited_us ? script_.waited_us(script_.pts_us[next_ - 1]) : 0; }

    static inline std::vector<DecodeDepth> depths;  // as they were set, of all sources

   private:
    int64_t skipped_ = 0;  // one a change, for the test to see
    Script script_;
    SourceInfo info_;
    size_t next_ = 0;
};

class LiveFeeds : public testing::Test {
   protected:
    LiveFeed::OpenFunction opener() {
        return [this](const std::string&, const SourceOptions&) -> std::unique_ptr<FrameSource> {
            ++opened_;
            if (scripts_.empty()) fail("opening it: nobody is there");
            Script script = std::move(scripts_.front());
            scripts_.pop_front();
            if (script.pts_us.empty()) fail(script.failure);
            return std::make_unique<ScriptSource>(std::move(script));
        };
    }
    LiveOptions quick() {
        LiveOptions live;
        live.first_wait_us = 1000;
        live.longest_wait_us = 4000;
        live.speed = 0;
        live.note = [this](const LiveNote& note) {
            const std::lock_guard lock(mutex_);
            notes_.push_back(note);
        };
        return live;
    }
    std::vector<LiveNote> notes(LiveNote::Kind kind) {
        const std::lock_guard lock(mutex_);
        std::vector<LiveNote> found;
        for (const LiveNote& note : notes_)
            if (note.kind == kind) found.push_back(note);
        return found;
    }
    static std::vector<int64_t> every(int64_t step_us, int64_t end_us, int64_t from_us = 0) {
        std::vector<int64_t> times;
        for (int64_t time_us = from_us; time_us < end_us; time_us += step_us) times.push_back(time_us);
        return times;
    }

    std::deque<Script> scripts_;
    std::atomic<int> opened_{0};
    std::mutex mutex_;
    std::vector<LiveNote> notes_;
};

TEST_F(LiveFeeds, AFileGivesOneFrameAPeriodAndEnds) {
    scripts_.push_back({.pts_us = every(40'000, 5 * second_us), .failure = "", .duration_us = 5 * second_us});
    LiveFeed feed("a.mp4", {}, {.period_us = second_us}, quick(), opener());
    std::vector<int64_t> times;
    while (const std::optional<Frame> frame = feed.next({})) times.push_back(frame->time_us / second_us);
    EXPECT_EQ(times, (std::vector<int64_t>{0, 1, 2, 3, 4}));
    EXPECT_EQ(feed.live_stats().dropped, 0);
    EXPECT_EQ(opened_, 1);
}

TEST_F(LiveFeeds, AFileThatIsNotThereIsAnErrorAndNotTriedAgain) {
    LiveFeed feed("a.mp4", {}, {}, quick(), opener());
    EXPECT_EQ(test::message_of([&] { feed.wait_open(); }), "opening it: nobody is there");
    EXPECT_EQ(opened_, 1);
}

TEST_F(LiveFeeds, ALostStreamComesBackAndTimeGoesOn) {
    // The second connection begins 30 seconds after the first ended, with timestamps from 0 again.
    scripts_.push_back(
        {.pts_us = every(100'000, 3 * second_us), .failure = "the wire was cut", .offset_us = second_us});
    scripts_.push_back({.pts_us = {}, .failure = "still cut"});
    scripts_.push_back({.pts_us = {}, .failure = "still cut"});
    scripts_.push_back(
        {.pts_us = every(100'000, 2 * second_us), .failure = "cut", .width = 128, .offset_us = 34 * second_us});
    LiveOptions live = quick();
    live.retries = 3;
    // Frames are dropped for newer ones where nobody takes them: the newest of each connection stays.
    LiveFeed feed("udp://somewhere", {}, {.period_us = second_us}, live, opener());
    std::vector<Frame> frames;
    const std::string end = test::message_of([&] {
        while (std::optional<Frame> frame = feed.next({})) frames.push_back(std::move(*frame));
    });
    test::expect_in(end, "nobody is there (tried 4 times");
    ASSERT_FALSE(frames.empty());
    EXPECT_EQ(frames.back().time_us, 34 * second_us);
    EXPECT_GE(notes(LiveNote::Kind::lost).size(), 2u);
    EXPECT_GE(notes(LiveNote::Kind::waiting).size(), 2u);
    const std::vector<LiveNote> back = notes(LiveNote::Kind::back);
    ASSERT_EQ(back.size(), 1u);
    EXPECT_EQ(back[0].time_us, 33 * second_us);
    EXPECT_EQ(back[0].gap_us, 31 * second_us);  // from the last frame, at 0:02
    EXPECT_EQ(notes(LiveNote::Kind::changed).size(), 1u);
    EXPECT_EQ(feed.live_stats().gaps, 1);
}

TEST_F(LiveFeeds, WhatComesInLumpsGoesOnWhereTheClockIsNow) {
    // Each connection has timestamps from 0. It takes 10 s until the first is there, 30 s from each that is lost.
    constexpr int64_t now_us = 5 * 3600 * second_us;
    scripts_.push_back({.pts_us = {}, .failure = "not there yet"});
    for (int i = 0; i < 2; ++i)
        scripts_.push_back({.pts_us = every(100'000, 3 * second_us), .failure = "cut", .container = "hls"});
    std::atomic<int64_t> clock_us{7 * second_us};
    LiveOptions live = quick();
    live.retries = 3;
    live.going_on = true;
    live.clock_us = [&] { return clock_us.load(); };
    live.note = [&](const LiveNote& note) {
        if (note.kind == LiveNote::Kind::waiting) clock_us += 10 * second_us;
        if (note.kind == LiveNote::Kind::lost) clock_us += 30 * second_us;
    };
    LiveFeed feed("https://somewhere/live.m3u8", {}, {.period_us = second_us, .from_us = now_us}, live, opener());
    std::vector<int64_t> times;
    std::vector<bool> gaps;
    test::expect_in(test::message_of([&] {
                        while (const std::optional<Frame> frame = feed.next({})) {
                            times.push_back((frame->time_us - now_us) / second_us);
                            gaps.push_back(frame->after_gap);
                        }
                    }),
                    "nobody is there");
    EXPECT_EQ(times, (std::vector<int64_t>{10, 11, 12, 42, 43, 44}));
    EXPECT_EQ(gaps, (std::vector<bool>{true, false, false, true, false, false}));
}

TEST_F(LiveFeeds, WhatComesByItselfGoesOnWhereTheClockIsNow) {
    constexpr int64_t now_us = 5 * 3600 * second_us;
    scripts_.push_back({.pts_us = every(100'000, 3 * second_us), .failure = "over", .offset_us = 17 * second_us});
    LiveOptions live = quick();
    live.retries = 0;
    live.going_on = true;
    live.clock_us = [] { return 7 * second_us; };
    LiveFeed feed("udp://somewhere", {}, {.period_us = second_us, .from_us = now_us}, live, opener());
    while (notes(LiveNote::Kind::lost).empty()) std::this_thread::yield();
    const std::vector<LiveNote> connected = notes(LiveNote::Kind::connected);
    ASSERT_EQ(connected.size(), 1u);
    EXPECT_EQ(connected[0].time_us, now_us + 10 * second_us) << "10 s after the start";
}

TEST_F(LiveFeeds, ASenderThatHangsUpAtOnceIsNotCalledWithoutEnd) {
    for (int i = 0; i < 50; ++i) scripts_.push_back({.pts_us = {5 * second_us}, .failure = "", .offset_us = 1});
    LiveOptions live = quick();
    live.retries = 3;
    live.first_wait_us = 1;
    LiveFeed feed("tcp://somewhere", {}, {.period_us = second_us, .from_us = 100 * second_us}, live, opener());
    const std::string end = test::message_of([&] {
        while (feed.next({})) {
        }
    });
    test::expect_in(end, "tried 4 times");
    EXPECT_LE(opened_, 6);
}

TEST_F(LiveFeeds, WhoIsSlowGetsTheNewestFrame) {
    scripts_.push_back({.pts_us = every(second_us, 100 * second_us), .failure = "over", .offset_us = second_us});
    LiveOptions live = quick();
    live.retries = 0;
    LiveFeed feed("udp://somewhere", {}, {.period_us = second_us}, live, opener());
    // Nobody takes any until it is over.
    while (notes(LiveNote::Kind::lost).empty()) std::this_thread::yield();
    const std::optional<Frame> frame = feed.next({});
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->time_us, 99 * second_us);
    EXPECT_EQ(feed.live_stats().dropped, 99);
}

TEST_F(LiveFeeds, WhatWaitsForTheDecoderTooLongIsDecodedLess) {
    using enum DecodeDepth;
    ScriptSource::depths.clear();
    // Behind from 5 s on, far behind from 6 s on, in time again from 8 s on; then the connection is lost.
    const auto waited_us = [](int64_t pts_us) -> int64_t {
        return pts_us < 5 * second_us || pts_us >= 8 * second_us ? 0 : pts_us < 6 * second_us ? 300'000 : 2 * second_us;
    };
    scripts_.push_back(
        {.pts_us = every(100'000, 60 * second_us), .failure = "over", .offset_us = second_us, .waited_us = waited_us});
    scripts_.push_back({.pts_us = {0}, .failure = "over", .offset_us = 70 * second_us});
    LiveOptions live = quick();
    live.retries = 0;
    std::atomic<int64_t> clock_us{0};
    live.clock_us = [&] { return clock_us += 100'000; };  // as far as from picture to picture
    LiveFeed feed("udp://somewhere", {}, {.period_us = second_us}, live, opener());
    while (notes(LiveNote::Kind::lost).size() < 2) std::this_thread::yield();
    const std::vector<DecodeDepth> expected{all,        referenced, key_frames,
                                            referenced, all,        all};  // first and last: begins
    EXPECT_EQ(ScriptSource::depths, expected);
    EXPECT_EQ(feed.stats().skipped, 6);
    EXPECT_EQ(feed.live_stats().skipped, 6);
    EXPECT_EQ(feed.live_stats().depth, all);
}

TEST_F(LiveFeeds, AFilePlayedFasterThanItIsDecodedIsDecodedLess) {
    ScriptSource::depths.clear();
    scripts_.push_back({.pts_us = every(40'000, 8 * second_us), .failure = "", .duration_us = 8 * second_us});
    LiveOptions live = quick();
    live.speed = 1;
    std::atomic<int64_t> clock_us{0};
    live.clock_us = [&] { return clock_us += 25'000; };  // asked twice a picture: it takes 50 ms, not 40
    LiveFeed feed("a.mp4", {}, {.period_us = second_us}, live, opener());
    while (feed.next({})) {
    }
    const std::vector<DecodeDepth>& depths = ScriptSource::depths;
    EXPECT_EQ(std::count(depths.begin(), depths.end(), DecodeDepth::referenced), 1);
}

TEST_F(LiveFeeds, AStopEndsAWaitForTheSender) {
    LiveOptions live = quick();
    live.first_wait_us = live.longest_wait_us = 3600 * second_us;
    std::stop_source stop;
    SourceOptions source;
    source.stop = stop.get_token();
    LiveFeed feed("rtsp://somewhere", source, {}, live, opener());
    while (notes(LiveNote::Kind::waiting).empty()) std::this_thread::yield();
    stop.request_stop();
    feed.wait_open();
    EXPECT_FALSE(feed.next({}));
}

TEST_F(LiveFeeds, AHoleInAStreamIsAGapThoughTheConnectionHeld) {
    std::vector<int64_t> times = every(100'000, 3 * second_us);
    const std::vector<int64_t> late = every(100'000, 23 * second_us, 20 * second_us);
    times.insert(times.end(), late.begin(), late.end());
    scripts_.push_back({.pts_us = times, .failure = "over", .offset_us = second_us});
    LiveOptions live = quick();
    live.retries = 0;
    LiveFeed feed("udp://somewhere", {}, {.period_us = second_us}, live, opener());
    while (notes(LiveNote::Kind::lost).empty()) std::this_thread::yield();
    const std::vector<LiveNote> back = notes(LiveNote::Kind::back);
    ASSERT_EQ(back.size(), 1u);
    EXPECT_EQ(back[0].gap_us, 18 * second_us);
    EXPECT_TRUE(feed.next({})->after_gap);  // though the frame that was first after it has been dropped
}

TEST_F(LiveFeeds, AMachineThatSleptIsAGapThoughTheCamerasClockStoodStillToo) {
    constexpr int64_t slept_us = 3 * 3600 * second_us;
    scripts_.push_back(
        {.pts_us = every(100'000, 5 * second_us), .failure = "over", .offset_us = second_us, .slept_us = slept_us});
    LiveOptions live = quick();
    live.retries = 0;
    LiveFeed feed("camera:0", {}, {.period_us = second_us}, live, opener());
    while (notes(LiveNote::Kind::lost).empty()) std::this_thread::yield();
    const std::vector<LiveNote> back = notes(LiveNote::Kind::back);
    ASSERT_EQ(back.size(), 1u);
    EXPECT_EQ(back[0].time_us, slept_us + 2 * second_us);
    EXPECT_EQ(back[0].gap_us, slept_us);
    const std::optional<Frame> frame = feed.next({});
    ASSERT_TRUE(frame);
    EXPECT_TRUE(frame->after_gap);
    EXPECT_EQ(frame->time_us, slept_us + 4 * second_us);
}

TEST(StreamClocks, FollowTheSenderAndWearItsDriftOff) {
    StreamClock clock;
    // 25 pictures a second; the sender's clock is 0.1 % slow, the network adds up to 20 ms.
    int64_t worst = 0;
    for (int64_t i = 0; i < 25 * 3600; ++i) {
        const int64_t now_us = i * 40'000;
        const int64_t time_us = clock.stamp(now_us - now_us / 1000, now_us + i * 7919 % 20'000);
        if (i > 100) worst = std::max(worst, std::abs(time_us - now_us - 10'000));
    }
    EXPECT_LT(worst, 25'000);
    EXPECT_EQ(clock.jumps(), 0);
}

TEST(StreamClocks, TakeOursWhereTimestampsJumpOrStandStill) {
    StreamClock clock;
    EXPECT_EQ(clock.stamp(0, 100), 100);
    EXPECT_NEAR(clock.stamp(3600 * second_us, 1'000'100), 1'000'100, 1000);  // an hour ahead
    EXPECT_NEAR(clock.stamp(5, 2'000'100), 2'000'100, 1000);                 // and back
    for (int64_t i = 1; i <= 20; ++i) {                                      // none at all
        const int64_t now_us = 2'000'100 + i * second_us;
        EXPECT_NEAR(clock.stamp(5, now_us), now_us, StreamClock::most_apart_us + second_us);
    }
    EXPECT_GT(clock.jumps(), 2);
}

TEST(StreamClocks, NeverRunBackwards) {
    StreamClock clock;
    int64_t last = INT64_MIN;
    uint32_t random = 1;
    for (int64_t i = 0; i < 10'000; ++i) {
        random = random * 1664525 + 1013904223;
        const int64_t time_us = clock.stamp(static_cast<int64_t>(random >> 4), i * 30'000);
        EXPECT_GE(time_us, last);
        last = time_us;
    }
}

}  // namespace
}  // namespace lv
