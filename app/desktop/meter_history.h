// How the memory grew and how fast frames came: what the meters draw. Constant size.
#pragma once

#include <cstdint>
#include <vector>

#include "app/session.h"
#include "engine/config.h"

namespace lv {

class MeterHistory {
   public:
    struct Point {
        double watched_s = 0;
        double state_bytes = 0;
        double memory_bytes = 0;       // state, cache and index
        double transformer_bytes = 0;  // that a Transformer of the same size would hold
    };
    static constexpr size_t most_points = 512;

    void clear() { *this = {}; }
    // Newer meters than before; `model`: what the memory belongs to.
    void add(const Meters& meters, const Config& model);

    const std::vector<Point>& points() const { return points_; }
    double frames_per_second() const { return frames_per_second_; }  // lately
    double times_real_time() const { return times_real_time_; }      // lately

   private:
    std::vector<Point> points_;
    int64_t every_frames_ = 1, next_frames_ = 0;
    int64_t rate_from_us_ = 0, rate_from_frames_ = 0, rate_from_watched_us_ = 0;
    double frames_per_second_ = 0, times_real_time_ = 0;
};

}  // namespace lv
