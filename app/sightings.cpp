#include "app/sightings.h"

#include <algorithm>

#include "vision/row_layout.h"
#include "vision/state_bytes.h"

namespace lv {

void Sightings::add(int64_t time_us, const std::vector<SeenKind>& objects) {
    const std::lock_guard lock(mutex_);
    if (changes_.empty() || changes_.back().objects != objects) changes_.push_back({time_us, objects});
}

void Sightings::keep_newest(size_t changes) {
    const std::lock_guard lock(mutex_);
    if (changes_.size() < 2 * changes) return;  // now and then, so that it costs nothing
    changes_.erase(changes_.begin(), changes_.end() - static_cast<std::ptrdiff_t>(changes));
}

std::vector<int> Sightings::between(int64_t start_us, int64_t end_us) const {
    const std::lock_guard lock(mutex_);
    auto change = std::upper_bound(changes_.begin(), changes_.end(), start_us,
                                   [](int64_t time_us, const Sighting& later) { return time_us < later.time_us; });
    if (change != changes_.begin()) --change;  // what was on screen when the interval began
    std::vector<int> kinds;
    for (; change != changes_.end() && change->time_us < end_us; ++change)
        for (const SeenKind& seen : change->objects)
            if (std::find(kinds.begin(), kinds.end(), seen.kind) == kinds.end()) kinds.push_back(seen.kind);
    return kinds;
}

std::vector<Sighting> Sightings::changes() const {
    const std::lock_guard lock(mutex_);
    return changes_;
}

std::vector<std::byte> Sightings::save() const {
    const std::lock_guard lock(mutex_);
    StateWriter writer;
    for (const Sighting& change : changes_) {
        writer.put(change.time_us);
        writer.put(static_cast<uint32_t>(change.objects.size()));
        for (const SeenKind& seen : change.objects) {
            writer.put(static_cast<int32_t>(seen.kind));
            writer.put(static_cast<int32_t>(seen.count));
        }
    }
    return writer.take();
}

void Sightings::restore(std::span<const std::byte> bytes) {
    StateReader reader(bytes);
    std::vector<Sighting> changes;
    while (!reader.at_end()) {
        Sighting change{reader.get<int64_t>(), {}};
        for (auto count = reader.get<uint32_t>(); count > 0; --count) {
            const int kind = reader.within<int32_t>(0, row::kinds - 1);
            change.objects.push_back({kind, reader.get<int32_t>()});
        }
        changes.push_back(std::move(change));
    }
    const std::lock_guard lock(mutex_);
    changes_ = std::move(changes);
}

}  // namespace lv
