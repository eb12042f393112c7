#include "app/caption_plan.h"

#include <algorithm>

#include "engine/prompt.h"

namespace lv {

std::vector<CaptionPlan::Step> CaptionPlan::before_frame(int64_t next_us) {
    std::vector<Step> steps;
    const std::vector<Interval> parts = split_intervals(open_us_, next_us, every_us_);
    // The last part still grows; what lies before it is final, since at least a quarter of an interval follows.
    for (size_t i = 0; i + 1 < parts.size() && newest_us_ >= 0; ++i) {
        steps.push_back(step(parts[i]));
        open_us_ = parts[i].end_us;
    }
    newest_us_ = next_us;
    return steps;
}

std::vector<CaptionPlan::Step> CaptionPlan::at_end(int64_t end_us) {
    std::vector<Step> steps;
    for (const Interval& interval : split_intervals(open_us_, end_us, every_us_)) steps.push_back(step(interval));
    open_us_ = end_us;
    return steps;
}

// What stands in the middle of the interval. The model was also trained to tell an interval's events ("describe 0:00 to
// 0:10": `caption` of the model's card), but is right less often then than of a moment (`visible_at`).
CaptionPlan::Step CaptionPlan::step(const Interval& interval) const {
    const int64_t last_us = std::min(interval.end_us, std::max(newest_us_, interval.start_us));
    return {interval, "what is visible at " + written_time((interval.start_us + last_us) / 2)};
}

}  // namespace lv
