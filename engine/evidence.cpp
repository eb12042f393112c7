// From attention over rows to moments of the video.
#include <algorithm>

#include "engine/generate.h"

namespace lv {

namespace {

constexpr float least_share = 0.2f;  // of the heaviest frame: what is lighter joins no moment

struct Frame {
    int64_t time_us = 0;
    float weight = 0;
};

// The video's frames with their mass, oldest first; rows of one frame stand together and have one time.
std::vector<Frame> frames_of(const Memory& memory, std::span<const float> mass) {
    std::vector<Frame> frames;
    int64_t before = no_time;
    for (size_t row = 0; row < std::min(mass.size(), memory.cache_rows()); ++row) {
        const int64_t time_us = memory.row_time_us(row);
        if (time_us != no_time) {
            if (frames.empty() || time_us != before) frames.push_back({time_us, 0});
            frames.back().weight += mass[row];
        }
        before = time_us;
    }
    return frames;
}

}  // namespace

std::vector<Moment> moments_of(const Memory& memory, std::span<const float> mass, size_t most_moments) {
    const std::vector<Frame> frames = frames_of(memory, mass);
    double total = 0;
    float heaviest = 0;
    for (const Frame& frame : frames) {
        total += frame.weight;
        heaviest = std::max(heaviest, frame.weight);
    }
    if (!(total > 0)) return {};

    std::vector<Moment> moments;
    bool joined = false;
    for (size_t i = 0; i < frames.size(); ++i) {
        if (frames[i].weight < least_share * heaviest) {
            joined = false;
            continue;
        }
        // A frame is shown until the next one comes; the last one as long as the one before it.
        const int64_t start_us = frames[i].time_us;
        int64_t end_us = start_us;
        if (i + 1 < frames.size() && frames[i + 1].time_us > start_us)
            end_us = frames[i + 1].time_us;
        else if (i > 0 && frames[i - 1].time_us < start_us)
            end_us = 2 * start_us - frames[i - 1].time_us;
        if (!joined) moments.push_back({start_us, end_us, 0});
        moments.back().end_us = std::max(moments.back().end_us, end_us);
        moments.back().weight += float(frames[i].weight / total);
        joined = true;
    }
    std::ranges::stable_sort(moments, std::greater<>(), &Moment::weight);
    if (moments.size() > most_moments) moments.resize(most_moments);
    return moments;
}

}  // namespace lv
