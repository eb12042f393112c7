#include "vision/live_feed.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "kernels/core/clock.h"
#include "kernels/core/error.h"
#include "vision/location.h"

namespace lv {
namespace {

constexpr size_t most_waiting = 16;          // frames, where none may be dropped
constexpr int64_t late_us = 1'000'000;       // what is played and comes later than this is played on from there
constexpr int64_t least_gap_us = 5'000'000;  // without a frame, though the connection held

std::string seconds_text(int64_t us) {
    std::array<char, 32> text{};
    const double seconds = static_cast<double>(us) / 1e6;
    std::snprintf(text.data(), text.size(), seconds < 10 ? "%.1f s" : "%.0f s", seconds);
    return text.data();
}

std::string described(const SourceInfo& info) {
    return info.codec + " " + std::to_string(info.width) + "x" + std::to_string(info.height);
}

}  // namespace

LiveFeed::LiveFeed(std::string location, const SourceOptions& source, const SamplerOptions& sampler,
                   const LiveOptions& live, OpenFunction open)
    : location_(std::move(location)),
      name_(without_password(location_)),
      source_options_(source),
      sampler_(sampler),
      live_(live),
      open_(std::move(open)),
      origin_us_(live.going_on ? live.clock_us() : -1),
      next_due_us_(sampler.from_us),
      random_(static_cast<unsigned>(steady_us())),
      on_stop_(source.stop, [this] { leave_.request_stop(); }) {
    source_options_.live = comes_by_itself(location_) || location_.starts_with("http");
    source_options_.stop = leave_.get_token();
    info_.name = name_;
    info_.is_live = true;
    thread_ = std::thread([this] { run(); });
}

LiveFeed::~LiveFeed() { stats(); }

SourceStats LiveFeed::stats() {
    leave_.request_stop();
    if (thread_.joinable()) thread_.join();
    const std::lock_guard lock(mutex_);
    return stats_;
}

LiveStats LiveFeed::live_stats() const {
    const std::lock_guard lock(mutex_);
    return live_stats_;
}

SourceInfo LiveFeed::info() const {
    const std::lock_guard lock(mutex_);
    return info_;
}

void LiveFeed::wait_open() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, leave_.get_token(), [&] { return opened_ || ended_; });
    if (!opened_ && failure_) std::rethrow_exception(failure_);
}

std::optional<Frame> LiveFeed::next(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, stop, [&] { return !ready_.empty() || ended_; });
    if (stop.stop_requested()) return std::nullopt;
    return take_locked();
}

std::optional<Frame> LiveFeed::try_next() {
    const std::lock_guard lock(mutex_);
    return take_locked();
}

std::optional<Frame> LiveFeed::take_locked() {
    if (ready_.empty()) {
        if (ended_ && failure_) std::rethrow_exception(failure_);
        return std::nullopt;
    }
    std::optional<Frame> frame(std::move(ready_.front()));
    ready_.pop_front();
    ++live_stats_.taken;
    changed_.notify_all();
    return frame;
}

void LiveFeed::tell(LiveNote note) const {
    if (live_.note) live_.note(note);
}

// False when stopped.
bool LiveFeed::sleep(int64_t wait_us) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, leave_.get_token(), std::chrono::microseconds(wait_us), [] { return false; });
    return !stopped();
}

void LiveFeed::run() {
    std::exception_ptr failure;
    try {
        bool more = true;
        while (more) {
            const std::unique_ptr<FrameSource> source = connect();
            if (!source) break;
            more = watch(*source);
            const SourceStats stats = source->stats();
            const std::lock_guard lock(mutex_);
            stats_.decoded += stats.decoded;
            stats_.damaged += stats.damaged;
            stats_.passed_by += stats.passed_by;
            stats_.skipped = live_stats_.skipped = skipped_before_ += stats.skipped;
            stats_.ended_early = stats.ended_early && !more;
            live_stats_.jumps = clock_.jumps();
        }
    } catch (...) {
        failure = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    failure_ = failure;
    ended_ = true;
    changed_.notify_all();
}

// Throws `why` when it was tried as often as it may be.
void LiveFeed::require_attempts(const std::string& why) const {
    if (live_.retries && attempts_ > *live_.retries)
        fail(why, " (tried ", attempts_, attempts_ == 1 ? " time" : " times", "; --retries says how often)");
}

int64_t LiveFeed::wait_after_us(int failures) {
    const int64_t most_us = std::min(live_.first_wait_us << std::min(failures - 1, 20), live_.longest_wait_us);
    const double chance = std::uniform_real_distribution<double>(0.5, 1)(random_);
    return static_cast<int64_t>(static_cast<double>(most_us) * chance);
}

// Null when stopped.
std::unique_ptr<FrameSource> LiveFeed::connect() {
    while (!stopped()) {
        try {
            std::unique_ptr<FrameSource> source = open_(location_, source_options_);
            const SourceInfo info = source->info();
            const bool lumps = info.duration_us > 0 || info.container == "hls" || info.container == "dash";
            const bool by_itself = comes_by_itself(location_) || (is_network(location_) && !lumps);
            endless_ = by_itself || (is_network(location_) && info.duration_us <= 0);
            paced_ = !by_itself;
            clock_.begin();
            pace_at_us_ = -1;
            source->set_depth(pace_.depth());
            const std::lock_guard lock(mutex_);
            info_ = info;
            info_.is_live = endless_;
            opened_ = true;
            ++live_stats_.connections;
            changed_.notify_all();
            return source;
        } catch (const UsageError&) {
            throw;
        } catch (const Error& error) {
            if (stopped()) break;
            const bool known = newest_us_ >= 0 || live_stats().connections > 0;
            if (!known && !is_network(location_)) throw;
            ++attempts_;
            require_attempts(error.what());
            const int64_t wait_us = wait_after_us(attempts_);
            tell({.kind = LiveNote::Kind::waiting,
                  .words = std::string(error.what()) + "; trying again in " + seconds_text(wait_us),
                  .time_us = std::max<int64_t>(newest_us_, 0),
                  .wait_us = wait_us,
                  .attempt = attempts_});
            sleep(wait_us);
        }
    }
    return nullptr;
}

// True when the source was lost and is to be opened again.
bool LiveFeed::watch(FrameSource& source) {
    const auto lost = [&](const std::string& why) {
        if (newest_us_ >= 0 && lost_at_us_ < 0) lost_at_us_ = newest_us_;
        tell({.kind = LiveNote::Kind::lost, .words = why, .time_us = std::max<int64_t>(newest_us_, 0)});
        // A sender that hangs up as soon as it is called must not be called without end.
        if (++attempts_ > 1) {
            require_attempts(why);
            sleep(wait_after_us(attempts_ - 1));
        }
        return true;
    };
    while (!stopped()) {
        std::optional<Frame> frame;
        try {
            frame = read(source);
        } catch (const Error& error) {
            if (stopped()) return false;
            if (!endless_) throw;
            return lost(error.what());
        }
        if (stopped()) return false;
        if (!frame) return endless_ ? lost("reading " + name_ + ": the sender ended the stream") : false;
        frame->time_us = time_us_ / sampler_.period_us * sampler_.period_us;
        if (frame->time_us >= sampler_.to_us) return false;
        next_due_us_ = frame->time_us + sampler_.period_us;
        if (!wait_until_due(*frame)) return false;
        SourceStats stats = source.stats();
        if (stats.record_failure != unrecorded_) {
            unrecorded_ = stats.record_failure;
            if (!unrecorded_.empty())
                tell({.kind = LiveNote::Kind::unrecorded, .words = unrecorded_, .time_us = frame->time_us});
        }
        {
            const std::lock_guard lock(mutex_);
            live_stats_.skipped = skipped_before_ + stats.skipped;
            live_stats_.depth = pace_.depth();
        }
        after(*frame);
        if (!give(std::move(*frame))) return false;
    }
    return false;
}

// The next frame that is due; sets time_us_.
std::optional<Frame> LiveFeed::read(FrameSource& source) {
    return source.next_wanted([&](int64_t pts_us, int64_t arrived_us) {
        const bool is_wanted = wanted(pts_us, arrived_us);
        keep_pace(source);
        return is_wanted;
    });
}

// What is played is behind when it is decoded after it was due; what comes by itself, when it waits to be decoded.
void LiveFeed::keep_pace(FrameSource& source) {
    if (paced_ && live_.speed <= 0) return;
    const int64_t now_us = live_.clock_us();
    const int64_t behind_us = paced_ ? now_us - due_us() : source.waited_us();
    if (paced_ && behind_us > late_us) return;  // it was waited for: it is played on from here
    const DecodeDepth before = pace_.depth();
    if (pace_.next(now_us, behind_us) != before) source.set_depth(pace_.depth());
}

// Paced: when the picture of time_us_ is due by our clock.
int64_t LiveFeed::due_us() const {
    return pace_at_us_ + static_cast<int64_t>(static_cast<double>(time_us_ - pace_time_us_) / live_.speed);
}

bool LiveFeed::wanted(int64_t pts_us, int64_t arrived_us) {
    const int64_t now_us = arrived_us > 0 ? arrived_us : live_.clock_us();
    if (paced_) {
        if (pace_at_us_ < 0) {
            // Connected again, or going on: time went on by our clock.
            if (newest_us_ >= 0)
                base_us_ = newest_us_ + (now_us - newest_at_us_) - pts_us;
            else if (live_.going_on)
                base_us_ = sampler_.from_us + (now_us - origin_us_) - pts_us;
            pace_at_us_ = now_us;
            pace_time_us_ = std::max(base_us_ + pts_us, next_due_us_);
        }
        time_us_ = base_us_ + pts_us;
    } else {
        const int64_t at_us = clock_.stamp(pts_us, now_us);
        if (origin_us_ < 0) origin_us_ = at_us;
        time_us_ = sampler_.from_us + (at_us - origin_us_);
    }
    return time_us_ >= next_due_us_;
}

// What is played waits for its time; what comes too late for it is played on from there.
bool LiveFeed::wait_until_due(Frame& frame) {
    if (!paced_ || live_.speed <= 0) return true;
    const int64_t due_us = this->due_us(), now_us = live_.clock_us();
    if (now_us > due_us + late_us) {
        pace_at_us_ = now_us;
        pace_time_us_ = time_us_;
    }
    frame.arrived_us = std::max(due_us, frame.arrived_us);
    return now_us >= due_us || sleep(due_us - now_us);
}

// Notes of what the frame shows about the connection.
void LiveFeed::after(Frame& frame) {
    const int64_t before_us = std::exchange(newest_us_, frame.time_us);
    newest_at_us_ = frame.arrived_us > 0 ? frame.arrived_us : live_.clock_us();
    attempts_ = 0;
    const bool again = lost_at_us_ >= 0;
    const int64_t since_us = again ? lost_at_us_ : before_us;
    const int64_t gap_us = since_us < 0 ? 0 : frame.time_us - since_us;
    if (again || (before_us >= 0 && gap_us > std::max(least_gap_us, 3 * sampler_.period_us))) {
        frame.after_gap = true;
        lost_at_us_ = -1;
        {
            const std::lock_guard lock(mutex_);
            ++live_stats_.gaps;
        }
        tell({.kind = LiveNote::Kind::back,
              .words = name_ + " is back after " + seconds_text(gap_us),
              .time_us = frame.time_us,
              .gap_us = gap_us});
    }
    const bool first = before_us < 0;
    if (first && live_.going_on) frame.after_gap = true;
    if (first)
        tell({.kind = LiveNote::Kind::connected,
              .words = "watching " + name_ + " (" + described(info()) + ")",
              .time_us = frame.time_us});
    else if (frame.width != width_ || frame.height != height_)
        tell({.kind = LiveNote::Kind::changed,
              .words = "the picture is now " + std::to_string(frame.width) + "x" + std::to_string(frame.height) +
                       ", it was " + std::to_string(width_) + "x" + std::to_string(height_),
              .time_us = frame.time_us});
    width_ = frame.width, height_ = frame.height;
}

// False when stopped.
bool LiveFeed::give(Frame frame) {
    std::unique_lock lock(mutex_);
    if (paced_ && live_.speed <= 0) {
        changed_.wait(lock, leave_.get_token(), [&] { return ready_.size() < most_waiting; });
        if (stopped()) return false;
    } else if (!ready_.empty()) {
        // What the frame knew about the connection goes on with the newer one.
        frame.after_gap = frame.after_gap || ready_.front().after_gap;
        live_stats_.dropped += static_cast<int64_t>(ready_.size());
        ready_.clear();
    }
    ready_.push_back(std::move(frame));
    changed_.notify_all();
    return true;
}

}  // namespace lv
