#include "app/desktop/meter_history.h"

#include "app/time_text.h"
#include "engine/measure.h"

namespace lv {
namespace {

constexpr int64_t rate_us = 500'000;  // of wall clock, between two rates

// Weighs the new rate half: steady within two seconds, not jumping.
double smoothed(double old_rate, double new_rate) { return old_rate == 0 ? new_rate : (old_rate + new_rate) / 2; }

}  // namespace

void MeterHistory::add(const Meters& meters, const Config& model) {
    if (const int64_t passed_us = meters.elapsed_us - rate_from_us_; passed_us >= rate_us) {
        const double passed_s = seconds(passed_us);
        frames_per_second_ =
            smoothed(frames_per_second_, static_cast<double>(meters.frames - rate_from_frames_) / passed_s);
        times_real_time_ = smoothed(times_real_time_, seconds(meters.watched_us - rate_from_watched_us_) / passed_s);
        rate_from_us_ = meters.elapsed_us;
        rate_from_frames_ = meters.frames;
        rate_from_watched_us_ = meters.watched_us;
    }
    if (meters.frames < next_frames_ || meters.rows == 0) return;
    next_frames_ = meters.frames + every_frames_;
    if (points_.size() == most_points) {
        for (size_t i = 0; 2 * i < most_points; ++i) points_[i] = points_[2 * i];
        points_.resize(most_points / 2);
        every_frames_ *= 2;
    }
    const MemoryBytes transformer = reckon_memory(transformer_of(model), meters.rows);
    points_.push_back({seconds(meters.watched_us - meters.first_us), static_cast<double>(meters.memory.state),
                       static_cast<double>(meters.memory.total()), static_cast<double>(transformer.total())});
}

}  // namespace lv
