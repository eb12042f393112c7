#include "app/sightings.h"

#include <algorithm>

namespace lv {

void Sightings::add(int64_t time_us, const std::vector<SeenKind>& objects) {
    const std::lock_guard lock(mutex_);
    if (changes_.empty() || changes_.back().objects != objects) changes_.push_back({time_us, objects});
}

std::vector<int> Sightings::between(int64_t start_us, int64_t end_us) const {
    const std::lock_guard lock(mutex_);
    auto change = std::upper_bound(changes_.begin(), changes_.end(), start_us,
                                   [](int64_t time_us, const Change& later) { return time_us < later.time_us; });
    if (change != changes_.begin()) --change;  // what was on screen when the interval began
    std::vector<int> kinds;
    for (; change != changes_.end() && change->time_us < end_us; ++change)
        for (const SeenKind& seen : change->objects)
            if (std::find(kinds.begin(), kinds.end(), seen.kind) == kinds.end()) kinds.push_back(seen.kind);
    return kinds;
}

}  // namespace lv
