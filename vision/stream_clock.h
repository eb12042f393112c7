// The time of a stream that comes over a wire: the sender's timestamps where they can be believed, our clock where not.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace lv {

// A picture's time follows its timestamp, so that what the network does to packets does not show; the difference to
// our clock is worn off slowly, so that the sender's clock may run fast or slow for days; where the two are far apart
// (no timestamps, a jump, a sender that begins anew) ours counts. Values, one thread at a time.
class StreamClock {
   public:
    static constexpr int64_t most_apart_us = 1'500'000;
    static constexpr int64_t wear = 64;           // share of the difference that one picture takes off: 1 / wear
    static constexpr int64_t most_step_us = 500;  // of that: half a millisecond, 1.25 % at 25 pictures a second

    // What comes next is of another connection: its timestamps have another origin.
    void begin() { known_ = false; }

    // pts_us: as the sender says; now_us: of our clock, when it came, never falling. Returns the time on our clock;
    // never falling.
    int64_t stamp(int64_t pts_us, int64_t now_us) {
        if (known_ && std::abs(now_us - pts_us - offset_us_) > most_apart_us) {
            known_ = false;
            ++jumps_;
        }
        if (!known_) offset_us_ = now_us - pts_us;
        known_ = true;
        const int64_t apart_us = now_us - pts_us - offset_us_;
        offset_us_ += std::clamp(apart_us / wear, -most_step_us, most_step_us);
        return last_us_ = std::max(last_us_, pts_us + offset_us_);
    }
    int64_t jumps() const { return jumps_; }  // how often the timestamps were not believed

   private:
    bool known_ = false;
    int64_t offset_us_ = 0;  // our clock minus the sender's
    int64_t last_us_ = INT64_MIN;
    int64_t jumps_ = 0;
};

}  // namespace lv
