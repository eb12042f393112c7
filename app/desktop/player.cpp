#include "app/desktop/player.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "kernels/core/clock.h"
#include "kernels/core/error.h"
#include "vision/ffmpeg_source.h"

namespace lv {
namespace {

using std::chrono::microseconds;

constexpr int64_t usual_us = 40'000;       // between pictures, when the header does not say
constexpr int64_t backwards_us = 200'000;  // between pictures when playing backwards: each costs a seek
constexpr double safe_us = 500;            // times are rounded: not to ask just before a picture comes
constexpr int most_tries = 400;            // half pictures looked ahead for the next one

}  // namespace

bool Player::can_play(const std::string& location) {
    if (location.starts_with("http://") || location.starts_with("https://")) return true;
    std::error_code ignored;
    return std::filesystem::is_regular_file(location, ignored);
}

Player::Player(std::string location, const PlayerOptions& options)
    : location_(std::move(location)),
      threads_(options.threads),
      on_change_(options.changed),
      max_side_(options.max_side) {
    wish_.seek_us = 0;
    state_.seeking = true;
    thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

Player::~Player() {
    thread_.request_stop();
    thread_.join();
}

int64_t Player::clock_us() const {
    if (!state_.playing) return state_.position_us;
    const auto passed = static_cast<double>(steady_us() - base_at_us_);
    const int64_t position = base_us_ + static_cast<int64_t>(passed * state_.rate);
    const int64_t most = state_.duration_us > 0 ? state_.duration_us : INT64_MAX;
    return std::clamp<int64_t>(position, 0, most);
}

void Player::set_clock(int64_t position_us) {
    state_.position_us = base_us_ = position_us;
    base_at_us_ = steady_us();
}

void Player::play(double rate) {
    const std::lock_guard lock(mutex_);
    const int64_t here = clock_us();
    const bool at_end = state_.ended || (state_.duration_us > 0 && here >= state_.duration_us);
    if (at_end && rate > 0 && !state_.playing) {
        wish_ = {0, 0};
        state_.ended = false;
        set_clock(0);
    } else {
        set_clock(here);
    }
    state_.rate = rate;
    state_.playing = true;
    changed_.notify_all();
}

void Player::pause() {
    const std::lock_guard lock(mutex_);
    set_clock(clock_us());
    state_.playing = false;
    changed_.notify_all();
}

void Player::seek(int64_t time_us) {
    const std::lock_guard lock(mutex_);
    // The end itself shows nothing: the last picture is what is meant.
    const int64_t picture_us = state_.fps > 0 ? static_cast<int64_t>(1e6 / state_.fps) : usual_us;
    const int64_t most = state_.duration_us > 0 ? std::max<int64_t>(state_.duration_us - picture_us, 0) : INT64_MAX;
    wish_ = {std::clamp<int64_t>(time_us, 0, most), 0};
    state_.seeking = true;
    state_.ended = false;
    set_clock(wish_.seek_us);
    changed_.notify_all();
}

void Player::step(int pictures) {
    const std::lock_guard lock(mutex_);
    set_clock(clock_us());
    state_.playing = false;
    wish_.steps += pictures;
    state_.seeking = true;
    changed_.notify_all();
}

void Player::set_max_side(int px) {
    const std::lock_guard lock(mutex_);
    if (px == max_side_) return;
    max_side_ = px;
    if (!state_.playing && wish_.seek_us < 0 && !state_.ended) {
        wish_.seek_us = clock_us();
        state_.seeking = true;
    }
    changed_.notify_all();
}

PlayerState Player::state() const {
    const std::lock_guard lock(mutex_);
    PlayerState state = state_;
    state.position_us = clock_us();
    return state;
}

void Player::reopen(std::stop_token stop) {
    SourceOptions options;
    {
        const std::lock_guard lock(mutex_);
        options.max_side = source_side_ = max_side_;
    }
    options.threads = threads_;
    options.to_draw = true;
    options.stop = std::move(stop);
    source_ = open_source(location_, options);
    asked_us_ = -1;
    const SourceInfo& info = source_->info();
    const std::lock_guard lock(mutex_);
    state_.duration_us = info.duration_us;
    state_.width = info.width;
    state_.height = info.height;
    state_.fps = info.fps;
}

void Player::publish(const Frame& frame, int64_t position_us) {
    {
        const std::lock_guard lock(mutex_);
        if (state_.picture != frame.picture) {
            state_.picture = frame.picture;
            ++state_.picture_number;
        }
        state_.picture_us = shown_pts_us_ = frame.pts_us;
        if (!state_.playing && wish_.seek_us < 0) state_.position_us = position_us;
        state_.seeking = wished();
        state_.ended = false;
    }
    if (on_change_) on_change_();
}

void Player::show(int64_t time_us, std::stop_token stop) {
    int side = 0;
    {
        const std::lock_guard lock(mutex_);
        side = max_side_;
    }
    if (!source_ || time_us < asked_us_) reopen(stop);
    if (side != source_side_) source_->set_max_side(source_side_ = side);
    asked_us_ = time_us;
    if (const std::optional<Frame> frame = source_->show(time_us)) {
        publish(*frame, time_us);
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        state_.seeking = wished();
        if (stop.stop_requested() || wish_.seek_us >= 0) return;
        // Behind the last picture: that is the end, whatever the header said.
        if (state_.playing && state_.rate < 0) return;
        set_clock(clock_us());
        state_.playing = false;
        state_.ended = true;
    }
    if (on_change_) on_change_();
}

// Of the steady clock: when the next picture comes on screen. Each one once, up to twice the speed of the film.
int64_t Player::next_due_us() const {
    const double picture_us = state_.fps > 0 ? 1e6 / state_.fps : static_cast<double>(usual_us);
    const double rate = std::abs(state_.rate);
    const double step_us = state_.rate < 0 ? backwards_us * rate : picture_us * std::max(rate / 2, 1.0);
    // Where a picture stays on screen for long it is asked for again, once in a step.
    const int64_t shown_us = std::max(shown_pts_us_, asked_us_ - static_cast<int64_t>(step_us / 2));
    const double ahead_us = state_.rate < 0 ? static_cast<double>(base_us_ - asked_us_) + step_us
                                            : static_cast<double>(shown_us - base_us_) + step_us + safe_us;
    return base_at_us_ + static_cast<int64_t>(ahead_us / rate);
}

void Player::look_forwards(std::stop_token stop) {
    const SourceInfo& info = source_->info();
    const int64_t half_us = std::max<int64_t>(info.fps > 0 ? static_cast<int64_t>(5e5 / info.fps) : usual_us / 2, 1000);
    const int64_t from_us = shown_pts_us_;
    int64_t time_us = std::max(asked_us_, from_us);
    for (int i = 0; i < most_tries && shown_pts_us_ == from_us && !stop.stop_requested(); ++i) {
        time_us += half_us;
        show(time_us, stop);
        const std::lock_guard lock(mutex_);
        if (state_.ended) return;
    }
}

void Player::step_once(bool forwards, std::stop_token stop) {
    if (forwards)
        look_forwards(stop);
    else
        show(std::max<int64_t>(shown_pts_us_ - 1, 0), stop);
    const std::lock_guard lock(mutex_);
    if (wish_.seek_us < 0) set_clock(shown_pts_us_);
    if (--steps_left_ == 0) state_.seeking = wished();
}

// True when there is something to decode.
bool Player::wait_for_work(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    if (wished()) return true;
    if (!state_.playing) {
        changed_.wait(lock, stop, [&] { return wished() || state_.playing; });
    } else {
        changed_.wait_for(lock, stop, microseconds(next_due_us() - steady_us()),
                          [&] { return wished() || !state_.playing; });
    }
    return !stop.stop_requested() && (wished() || state_.playing);
}

void Player::serve(std::stop_token stop) {
    while (!stop.stop_requested()) {
        if (!wait_for_work(stop)) continue;
        Wish wish;
        int64_t time_us = 0;
        bool at_start = false;
        {
            const std::lock_guard lock(mutex_);
            std::swap(wish, wish_);
            steps_left_ = std::abs(wish.steps);
            time_us = wish.seek_us >= 0 ? wish.seek_us : clock_us();
            at_start = state_.playing && state_.rate < 0 && time_us == 0;
            if (at_start) {
                set_clock(0);
                state_.playing = false;
            }
        }
        if (wish.steps == 0 || wish.seek_us >= 0) show(time_us, stop);
        for (int left = std::abs(wish.steps); left > 0; --left) step_once(wish.steps > 0, stop);
        const std::lock_guard lock(mutex_);
        state_.seeking = wished();
    }
}

void Player::run(std::stop_token stop) {
    try {
        serve(stop);
    } catch (const std::exception& error) {
        {
            const std::lock_guard lock(mutex_);
            state_.error = error.what();
            state_.playing = state_.seeking = false;
        }
        if (on_change_) on_change_();
    }
}

}  // namespace lv
