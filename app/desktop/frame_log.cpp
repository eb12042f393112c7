#include "app/desktop/frame_log.h"

#include <algorithm>

#include "vision/preprocess.h"

namespace lv {
namespace {

constexpr int64_t longest_gap_us = 30'000'000;  // frames farther apart than this say nothing about the time between

float between(float a, float b, float share) { return a + (b - a) * share; }

Object between(const Object& a, const Object& b, float share) {
    Object mixed = share < 0.5f ? a : b;
    mixed.left = between(a.left, b.left, share);
    mixed.top = between(a.top, b.top, share);
    mixed.right = between(a.right, b.right, share);
    mixed.bottom = between(a.bottom, b.bottom, share);
    return mixed;
}

const SeenObject* with_track(const std::vector<SeenObject>& objects, uint64_t track) {
    const auto found =
        std::find_if(objects.begin(), objects.end(), [&](const SeenObject& seen) { return seen.track == track; });
    return found == objects.end() ? nullptr : &*found;
}

KindLane& lane_of(std::vector<KindLane>& lanes, int kind) {
    const auto known =
        std::find_if(lanes.begin(), lanes.end(), [&](const KindLane& lane) { return lane.kind == kind; });
    return known != lanes.end() ? *known : *lanes.insert(lanes.end(), KindLane{kind, 0, {}});
}

std::vector<SeenObject> between(const std::vector<SeenObject>& before, const std::vector<SeenObject>& after,
                                float share) {
    std::vector<SeenObject> mixed;
    for (const SeenObject& seen : before)
        if (const SeenObject* later = with_track(after, seen.track))
            mixed.push_back({seen.track, between(seen.object, later->object, share)});
        else if (share < 0.5f)
            mixed.push_back(seen);
    for (const SeenObject& seen : after)
        if (share >= 0.5f && !with_track(before, seen.track)) mixed.push_back(seen);
    return mixed;
}

}  // namespace

std::vector<KindLane> lanes_of(std::span<const Sighting> sightings, std::span<const WatchedVideo> videos) {
    std::vector<KindLane> lanes;
    size_t change = 0;
    for (size_t i = 0; i < videos.size(); ++i) {
        const int64_t end_us = videos[i].start_us + std::max(videos[i].end_us, videos[i].watched_us);
        for (; change < sightings.size() && sightings[change].time_us < end_us; ++change) {
            const int64_t from_us = sightings[change].time_us;
            const bool last = change + 1 == sightings.size();
            const int64_t to_us = last ? end_us : std::min(sightings[change + 1].time_us, end_us);
            for (const SeenKind& seen : sightings[change].objects) {
                std::vector<KindLane::Span>& spans = lane_of(lanes, seen.kind).spans;
                if (!spans.empty() && spans.back().end_us == from_us && from_us > videos[i].start_us) {
                    spans.back().end_us = to_us;
                    spans.back().most = std::max(spans.back().most, seen.count);
                } else {
                    spans.push_back({from_us, to_us, seen.count});
                }
            }
        }
    }
    for (KindLane& lane : lanes)
        for (const KindLane::Span& span : lane.spans) lane.seen_us += span.end_us - span.start_us;
    return lanes;
}

void FrameLog::restore(std::vector<KindLane> lanes) {
    const std::lock_guard lock(mutex_);
    lanes_ = std::move(lanes);
    ++added_;
}

void FrameLog::begin_video() {
    const std::lock_guard lock(mutex_);
    begins_ = true;
}

void FrameLog::add(const SeenFrame& frame, const std::shared_ptr<const Picture>& picture) {
    std::shared_ptr<const Picture> small;
    bool wanted = false;
    {
        const std::lock_guard lock(mutex_);
        wanted = picture && added_ % picture_every_ == 0;
    }
    if (wanted) {  // scaling outside the lock: the window waits for nothing longer than a push
        const bool is_small = std::max(picture->width, picture->height) <= picture_px;
        small = is_small ? picture : std::make_shared<const Picture>(scaled_picture(*picture, picture_px));
    }
    const std::lock_guard lock(mutex_);
    if (!begins_) usual_us_ = std::max<int64_t>(frame.time_us - frames_.back().time_us, 1);
    add_to_lanes(frame);
    frames_.push_back({frame.time_us, begins_, frame.objects});
    begins_ = false;
    if (small) add_picture(frame.time_us, small);
    if (picture) newest_ = {picture, frame.time_us};
    ++added_;
}

void FrameLog::add_picture(int64_t time_us, const std::shared_ptr<const Picture>& picture) {
    if (pictures_.size() == most_pictures) {
        for (size_t i = 0; 2 * i < most_pictures; ++i) pictures_[i] = pictures_[2 * i];
        pictures_.resize((most_pictures + 1) / 2);
        picture_every_ *= 2;
    }
    pictures_.push_back({picture, time_us});
}

void FrameLog::add_to_lanes(const SeenFrame& frame) {
    const int64_t last_us = begins_ ? -1 : frames_.back().time_us;
    // A frame stands for the time until the next one.
    const int64_t end_us = frame.time_us + std::min(usual_us_, longest_gap_us);
    for (size_t i = 0; i < frame.objects.size(); ++i) {
        const int kind = frame.objects[i].object.kind;
        const auto same = [&](const SeenObject& seen) { return seen.object.kind == kind; };
        const auto first = frame.objects.begin();
        if (std::any_of(first, first + static_cast<std::ptrdiff_t>(i), same)) continue;
        const int count = static_cast<int>(std::count_if(first, frame.objects.end(), same));
        KindLane& lane = lane_of(lanes_, kind);
        lane.seen_us += end_us - frame.time_us;
        const bool goes_on = !lane.spans.empty() && last_us >= 0 && lane.spans.back().end_us > last_us &&
                             frame.time_us - last_us <= longest_gap_us;
        if (!goes_on) lane.spans.push_back({frame.time_us, end_us, count});
        lane.spans.back().end_us = end_us;
        lane.spans.back().most = std::max(lane.spans.back().most, count);
    }
    // What ended with the frame before was there until now, not longer.
    for (KindLane& lane : lanes_)
        if (!lane.spans.empty() && lane.spans.back().end_us > frame.time_us && lane.spans.back().end_us < end_us)
            lane.spans.back().end_us = frame.time_us;
}

std::vector<SeenObject> FrameLog::boxes_at(int64_t time_us) const {
    const std::lock_guard lock(mutex_);
    const auto after = std::upper_bound(frames_.begin(), frames_.end(), time_us,
                                        [](int64_t time, const Boxes& frame) { return time < frame.time_us; });
    if (after == frames_.begin()) return {};
    const Boxes& before = *(after - 1);
    if (after == frames_.end() || after->begins || after->time_us - before.time_us > longest_gap_us)
        return time_us - before.time_us <= std::min(usual_us_, longest_gap_us) ? before.objects
                                                                               : std::vector<SeenObject>{};
    const auto gap = static_cast<float>(after->time_us - before.time_us);
    return between(before.objects, after->objects, static_cast<float>(time_us - before.time_us) / gap);
}

Thumbnail FrameLog::thumbnail_at(int64_t time_us) const {
    const std::lock_guard lock(mutex_);
    if (pictures_.empty()) return {};
    const auto after = std::lower_bound(pictures_.begin(), pictures_.end(), time_us,
                                        [](const Thumbnail& known, int64_t time) { return known.time_us < time; });
    if (after == pictures_.begin()) return *after;
    if (after == pictures_.end()) return pictures_.back();
    return time_us - (after - 1)->time_us <= after->time_us - time_us ? *(after - 1) : *after;
}

Thumbnail FrameLog::newest() const {
    const std::lock_guard lock(mutex_);
    return newest_;
}

std::vector<KindLane> FrameLog::lanes() const {
    std::vector<KindLane> lanes;
    {
        const std::lock_guard lock(mutex_);
        lanes = lanes_;
    }
    std::stable_sort(lanes.begin(), lanes.end(),
                     [](const KindLane& a, const KindLane& b) { return a.seen_us > b.seen_us; });
    return lanes;
}

uint64_t FrameLog::version() const {
    const std::lock_guard lock(mutex_);
    return added_;
}

int64_t FrameLog::newest_us() const {
    const std::lock_guard lock(mutex_);
    return frames_.empty() ? -1 : frames_.back().time_us;
}

}  // namespace lv
