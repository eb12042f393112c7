// How much of a live stream to decode: less while decoding falls behind, everything again once there is room.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "vision/frame_source.h"

namespace lv {

// Steps down while the decoder is late and gets no nearer; steps up, by way of trial, when it was in time for a while.
// A trial that fails makes the next one wait twice as long, so that a machine that can nearly do it does not flicker.
// Values, one thread at a time.
class DecodePace {
   public:
    static constexpr int64_t late_us = 250'000;    // behind by more than this: a step less,
    static constexpr int64_t lost_us = 1'000'000;  // and by more than this key frames only, at once
    static constexpr int64_t in_time_us = 50'000;  // behind by less than this for as long as the hold: a step more
    static constexpr int64_t settle_us = 500'000;  // a step has this long to show what it is worth
    static constexpr int64_t first_hold_us = 2'000'000;
    static constexpr int64_t longest_hold_us = 64'000'000;

    DecodeDepth depth() const { return depth_; }

    // For every picture that was decoded. now_us: steady, never falling; behind_us: how long what it came from had
    // waited for the decoder. Returns what to decode from here on.
    DecodeDepth next(int64_t now_us, int64_t behind_us) {
        if (behind_us > late_us) {
            in_time_since_us_ = -1;
            if (depth_ != DecodeDepth::key_frames && is_no_help(now_us, behind_us)) step_down(now_us, behind_us);
        } else if (behind_us > in_time_us) {
            in_time_since_us_ = -1;
        } else {
            if (in_time_since_us_ < 0) in_time_since_us_ = now_us;
            if (depth_ != DecodeDepth::all && now_us - in_time_since_us_ >= hold_us_) step_up(now_us);
        }
        return depth_;
    }

   private:
    bool is_no_help(int64_t now_us, int64_t behind_us) {
        if (depth_ == DecodeDepth::all || behind_us > lost_us) return true;
        if (now_us - stepped_us_ < settle_us) return false;
        if (behind_us >= behind_us_) return true;
        stepped_us_ = now_us;  // it catches up: as long again
        behind_us_ = behind_us;
        return false;
    }
    void step_down(int64_t now_us, int64_t behind_us) {
        if (tried_us_ < 0 || now_us - tried_us_ >= longest_hold_us)
            hold_us_ = first_hold_us;
        else if (!std::exchange(failed_, true))
            hold_us_ = std::min(2 * hold_us_, longest_hold_us);
        const bool lost = behind_us > lost_us || depth_ == DecodeDepth::referenced;
        depth_ = lost ? DecodeDepth::key_frames : DecodeDepth::referenced;
        stepped_us_ = now_us;
        behind_us_ = behind_us;
    }
    void step_up(int64_t now_us) {
        depth_ = depth_ == DecodeDepth::key_frames ? DecodeDepth::referenced : DecodeDepth::all;
        in_time_since_us_ = stepped_us_ = tried_us_ = now_us;
        behind_us_ = 0;
        failed_ = false;
    }

    DecodeDepth depth_ = DecodeDepth::all;
    int64_t hold_us_ = first_hold_us;
    int64_t in_time_since_us_ = -1;           // -1: it is not in time
    int64_t stepped_us_ = 0, behind_us_ = 0;  // the last step, or the last time it was seen to help
    int64_t tried_us_ = -1;                   // when the last step up was; -1: there was none
    bool failed_ = false;                     // that step
};

}  // namespace lv
