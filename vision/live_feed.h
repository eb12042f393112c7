// A source watched as it comes: the newest frame wins, a lost connection is made again, time goes on meanwhile.
//
//   open --> decode --> one in each period --> a place for one frame --> next()
//     ^        ^ all; less while that is too slow (decode_pace.h)  ^-- the frame before it is dropped if nobody took it
//     +---- lost: wait, longer each time, and try again
//
// Cameras, screens and rtsp, udp, srt, rtp, rtmp and endless http streams come at their own pace: their frames carry
// the time since the first one by our clock (stream_clock.h), which a machine that sleeps does not stop. Files, pipes,
// test: and http streams that come in lumps are played at their pace: a frame is given when it is due, with its own
// time.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <thread>

#include "kernels/core/clock.h"
#include "vision/decode_pace.h"
#include "vision/frame_feed.h"
#include "vision/stream_clock.h"

namespace lv {

// What became of the source. Words are a sentence without its full stop.
struct LiveNote {
    enum class Kind {
        connected,   // the first time
        waiting,     // not there; it is tried again in wait_us
        lost,        // the connection, or the sender
        back,        // after a gap of gap_us
        changed,     // another size of picture
        unrecorded,  // what is read cannot be written down
    };
    Kind kind = Kind::connected;
    std::string words;
    int64_t time_us = 0;  // on the stream: of the newest frame; back: of the first after the gap
    int64_t gap_us = 0;
    int64_t wait_us = 0;
    int attempt = 0;  // in a row
};

struct LiveOptions {
    std::optional<int> retries{};          // attempts in a row to connect again; not set: for ever
    int64_t first_wait_us = 500'000;       // before the second attempt; doubles with each,
    int64_t longest_wait_us = 30'000'000;  // up to this; each wait is 50 to 100 % of that, by chance
    double speed = 1;       // of what is played: times its pace; 0: as fast as frames are taken, none dropped
    bool going_on = false;  // from_us is now: time runs from the start, not from the first frame
    std::function<void(const LiveNote&)> note{};  // called in the feed's thread; must not wait for long
    std::function<int64_t()> clock_us = boot_us;  // never falls; a test has its own
};

struct LiveStats {
    int64_t taken = 0;                     // frames given out
    int64_t dropped = 0;                   // because a newer one was there
    int64_t skipped = 0;                   // pictures that were not decoded, as decoding was too slow
    DecodeDepth depth = DecodeDepth::all;  // what is decoded now
    int64_t connections = 0;
    int64_t gaps = 0;
    int64_t jumps = 0;  // timestamps that were not believed
};

class LiveFeed final : public FrameFeed {
   public:
    using OpenFunction = std::function<std::unique_ptr<FrameSource>(const std::string&, const SourceOptions&)>;

    // Begins at once in a thread of its own. `source.stop` ends everything. A source that is no network stream and
    // cannot be opened at first is an Error from wait_open(); so is one that was tried `retries` times.
    LiveFeed(std::string location, const SourceOptions& source, const SamplerOptions& sampler, const LiveOptions& live,
             OpenFunction open);
    ~LiveFeed() override;

    // Until the source is open for the first time, or a stop. Throws.
    void wait_open();
    SourceInfo info() const override;
    std::optional<Frame> next(std::stop_token stop) override;
    std::optional<Frame> try_next() override;
    SourceStats stats() override;
    LiveStats live_stats() const;

   private:
    void run();
    std::unique_ptr<FrameSource> connect();
    void require_attempts(const std::string& why) const;
    int64_t wait_after_us(int failures);  // in a row: as LiveOptions says
    bool watch(FrameSource& source);
    std::optional<Frame> read(FrameSource& source);
    bool wanted(int64_t pts_us, int64_t arrived_us);
    void keep_pace(FrameSource& source);
    int64_t due_us() const;
    bool wait_until_due(Frame& frame);
    bool give(Frame frame);
    void after(Frame& frame);
    void tell(LiveNote note) const;
    bool sleep(int64_t wait_us);
    bool stopped() const { return leave_.stop_requested(); }
    std::optional<Frame> take_locked();

    const std::string location_, name_;  // name_: as it is told, without a password
    SourceOptions source_options_;
    const SamplerOptions sampler_;
    const LiveOptions live_;
    const OpenFunction open_;
    std::stop_source leave_;  // requested with the source's stop, and by stats()

    // Of the feed's thread.
    bool endless_ = false;  // a source that ends is a source that was lost
    bool paced_ = false;
    DecodePace pace_;
    int64_t skipped_before_ = 0;  // by earlier connections
    StreamClock clock_;
    int64_t base_us_ = 0;       // paced: stream time of the source's own 0
    int64_t origin_us_ = -1;    // our clock at from_us; -1: not known (going_on: the start; else the first frame)
    int64_t newest_us_ = -1;    // time of the newest frame; -1: none
    int64_t newest_at_us_ = 0;  // our clock at that moment
    int64_t time_us_ = 0;       // of the picture that was wanted last
    int64_t next_due_us_ = 0;
    int64_t pace_at_us_ = -1, pace_time_us_ = 0;  // our clock and stream time where playing (again) began
    int64_t lost_at_us_ = -1;                     // stream time of the last frame before the connection was lost
    std::string unrecorded_;                      // told already
    int attempts_ = 0;                            // in a row that brought no frame
    int width_ = 0, height_ = 0;
    std::minstd_rand random_;

    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable_any changed_;
    std::deque<Frame> ready_;
    bool ended_ = false, opened_ = false;
    std::exception_ptr failure_;
    SourceInfo info_;
    SourceStats stats_;
    LiveStats live_stats_;

    std::thread thread_;
    std::stop_callback<std::function<void()>> on_stop_;  // last: may run at once
};

}  // namespace lv
