// Objects followed from frame to frame, so that what flickers in the detector stands still in the answers.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "vision/objects.h"
#include "vision/state_bytes.h"

namespace lv {

struct Track {
    uint64_t id = 0;                                     // rises from 1 in the order of appearance
    Object now;                                          // kind: what the votes say, not what this frame's box says
    float trust = 0;                                     // smoothed score
    float first_cx = 0, first_cy = 0, first_height = 0;  // where and how tall it was when it appeared
};

struct TrackerOptions {
    float start_score = 0.5f;    // a track begins at this score,
    float steady_score = 0.45f;  // or when it is seen a second time on the same spot at this one;
    float keep_score = 0.12f;    // it lives while it is met at this score
    float trust = 0.2f;          // and its scores, smoothed over about three frames, stay above this one
    float same_place = 0.7f;     // two boxes of confusable kinds that overlap by more are one object
};

// Greedy: by overlap within a kind, then by overlap within confusable kinds, then by distance of the centres measured
// in the object's own size. A track that meets no box in a frame ends there. State is bounded by the detector's
// max_boxes. One thread at a time.
class Tracker {
   public:
    explicit Tracker(const TrackerOptions& options = {}) : options_(options) {}

    // Objects of the next frame, any order; returns the tracks in it by id, valid until the next call.
    std::span<const Track> update(std::span<const Object> objects);
    // A hard cut: what comes next is another place.
    void forget() {
        tracks_.clear();
        lives_.clear();
        waiting_.clear();
    }

    void save(StateWriter& writer) const;
    void restore(StateReader& reader);

   private:
    static constexpr size_t candidates = 3;
    struct Vote {
        int kind = -1;
        float weight = 0;
    };
    struct Life {
        std::array<Vote, candidates> votes;
        void vote(int kind, float score);
    };
    struct Pair {
        size_t track, object;
        float value;
    };
    template <typename Value>
    void match(std::span<const Object> objects, const Value& value);

    TrackerOptions options_;
    std::vector<Track> tracks_;  // beside lives_
    std::vector<Life> lives_;
    std::vector<Object> waiting_;  // of the last frame, steady enough but not sure enough to begin with
    std::vector<size_t> met_;      // per track: its object of this frame, or none
    std::vector<bool> taken_;      // per object
    uint64_t last_id_ = 0;
};

// Kinds that detectors mix up: cups and bottles, cars and trucks, cats and dogs. A kind is confusable with itself.
bool confusable(int kind, int other);

}  // namespace lv
