// Several videos in one memory share one clock; people speak of each by its own: "video 2, 0:03:10".
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lv {

class VideoClock {
   public:
    // One video, whose own time is the memory's.
    VideoClock() = default;
    // Where each video's own 0:00 lies on the memory's clock; strictly rising, at least one.
    explicit VideoClock(std::vector<int64_t> starts_us);

    size_t videos() const { return starts_us_.size(); }
    bool several() const { return starts_us_.size() > 1; }
    // Index of the video that is on screen at a time of the memory; the first for times before all.
    size_t video_at(int64_t time_us) const;
    int64_t start_us(size_t video) const { return starts_us_[video]; }
    // The last whole second of a video that another follows; `now_us` for the newest.
    int64_t last_us(size_t video, int64_t now_us) const;

   private:
    std::vector<int64_t> starts_us_{0};
};

// "0:20", "1:02:03": whole seconds, rounded down; negative times are 0:00.
std::string written_time(int64_t time_us);
// The same for a time of the memory; with several videos "video 2, 0:03:10", always with its hours.
std::string written_time(int64_t time_us, const VideoClock& clock);

// Without the video's name: "0:03:10" of the video on screen at `of_us`, to whose clock the time is brought.
std::string written_own_time(int64_t time_us, int64_t of_us, const VideoClock& clock);

// The same as written_time(time_us, clock) into `out` (at least 48 chars), for who must not allocate; returns the text.
std::string_view write_time(int64_t time_us, const VideoClock& clock, std::span<char> out);

}  // namespace lv
