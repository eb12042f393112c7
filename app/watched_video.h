// Which videos a memory is made of, how each was sampled, and how far it was watched.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/row_stream.h"
#include "engine/video_clock.h"
#include "vision/location.h"

namespace lv {

// When nothing was seen: the source was lost, or nobody watched. By the video's own clock.
struct Gap {
    int64_t start_us = 0;  // the last frame before
    int64_t end_us = 0;    // the first frame after
};
constexpr size_t most_gaps = 256;  // kept of a video: the newest

// Times but for start_us are of the video's own clock.
struct WatchedVideo {
    std::string source;  // as the user wrote it, without a password
    SamplingOptions sampling{};
    int64_t start_us = 0;     // its own 0:00 on the memory's clock
    int64_t watched_us = -1;  // of its newest frame; -1: none yet
    int64_t end_us = 0;       // where it ends, as far as is known
    int64_t frames = 0;
    bool live = false;        // comes at its own pace: cannot be taken up again
    bool finished = false;    // watched to its end
    int64_t began_at_us = 0;  // live: the wall clock (since 1970) at its 0:00, by its newest frame; 0: not known
    std::vector<Gap> gaps{};

    // Where the next video may begin, on the memory's clock: at a whole second.
    int64_t next_start_us() const;
    // Whether watching `source` from where nothing else is said goes on with this video.
    bool goes_on_with(const std::string& source) const {
        return !finished && !live && without_password(source) == this->source;
    }
    // The same for a stream that comes by itself: it goes on where the clock is now.
    bool runs_on_with(const std::string& source) const {
        return live && began_at_us > 0 && watched_us >= 0 && without_password(source) == this->source;
    }
    void add_gap(Gap gap);
    // The newest frame came at this moment of the wall clock. Reckoned anew each time: stream time stands still while
    // the machine sleeps, and the wall clock may be set.
    void came_at(int64_t wall_us) {
        if (live) began_at_us = wall_us - watched_us;
    }
};

// Of the videos whose watching had begun by a time of the memory's clock.
VideoClock clock_of(std::span<const WatchedVideo> videos, int64_t now_us);

// As a saved memory carries them.
std::string watched_json(std::span<const WatchedVideo> videos);
// Throws Error that names `file`.
std::vector<WatchedVideo> read_watched(std::string_view json, std::string_view file);

}  // namespace lv
