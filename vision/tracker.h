// Objects followed from frame to frame, so that what flickers in the detector stands still in the answers.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
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
    int lag = 0;                 // frames that later ones may still correct, before they are told
    float start_score = 0.5f;    // a track begins at this score,
    float steady_score = 0.45f;  // or when it is seen a second time on the same spot at this one;
    float sure_score = 0.45f;    // boxes from this score on choose their tracks first;
    float keep_score = 0.12f;    // a track lives while it is met at this score
    float keep_share = 0;        // and at this share of its best one
    float trust = 0.2f;          // and its scores, smoothed over about three frames, stay above this one
    float same_place = 0.7f;     // two boxes of confusable kinds that overlap by more are one object

    // What only later frames can tell, with a lag alone.
    float doubt_score = 0.25f;      // seen at this score, it may turn out to have been there
    int enough_sightings = 4;       // when this many,
    float enough_score = 0.43f;     // with this mean, make it believed
    float once_score = 0.7f;        // what was seen in one frame alone is believed from this score on,
    float twice_score = 0.65f;      // what was seen in two, from this one
    float plain_score = 0.6f;       // what is seen with this mean is overlooked for one frame, not for more
    float last_start_score = 0.5f;  // where nothing follows, this mean is enough

    // For what need not be told at once: a file. Four frames of lag take away three of five false objects and half of
    // the gaps, and find a little more (tools/train/noise.json; tools/train/objects/noise.py measures both).
    static TrackerOptions patient() {
        return {.lag = 4, .start_score = 0.55f, .steady_score = 0.48f, .keep_share = 0.35f, .trust = 0.17f};
    }
};

// Greedy: by overlap within a kind, then by overlap within confusable kinds, then by distance of the centres measured
// in the object's own size. Sure boxes choose first, as in ByteTrack (Zhang et al. 2021, arXiv 2110.06864): who walks
// on is elsewhere a second later, and what is faintly seen where it stood must not take its track. Without a lag a
// track that meets no box in a frame ends there. With one it may be met again while frames wait, and was there in
// between; what was doubtful at first is told from its first sighting on; and what is gone at once was never there.
// State is bounded by the detector's max_boxes and the lag. One thread at a time.
class Tracker {
   public:
    explicit Tracker(const TrackerOptions& options = {}) : options_(options) {}

    // Takes the objects of the next frame, any order. Returns the tracks of the frame that came `lag` frames before it,
    // by id, valid until the next call; nothing while there is no such frame.
    std::optional<std::span<const Track>> update(std::span<const Object> objects);
    // No frame follows for now: the tracks of the oldest frame that waits; nothing when none does.
    std::optional<std::span<const Track>> settle();
    // A hard cut: what comes next is another place. Frames that wait are settled before.
    void forget() {
        tracks_.clear();
        lives_.clear();
        frames_.clear();
    }

    // Frames that wait are not saved: who goes on gives them again, to what a copy saved that was made before the first
    // of them. Such a tracker tells them, and all later ones, as this one does.
    void save(StateWriter& writer) const;
    void restore(StateReader& reader);

   private:
    static constexpr size_t candidates = 3;
    struct Vote {
        int kind = -1;
        float weight = 0;
    };
    struct Life {
        uint64_t key = 0;  // Track::id is given when it is believed
        bool believed = false;
        bool ended = false;   // known for the frames that wait alone
        int32_t missing = 0;  // frames since the last sighting
        int32_t sightings = 0;
        float sum = 0, best = 0;  // of their scores
        std::array<Vote, candidates> votes;
        void vote(int kind, float score);
    };
    struct Sighting {
        uint64_t key = 0;
        Object object;
    };
    struct Pair {
        size_t track, object;
        float value;
    };
    template <typename Value>
    void match_by(std::span<const Object> objects, const std::vector<size_t>& among, const Value& value);
    bool may_meet(size_t track, const Object& object) const;
    void match_all(std::span<const Object> objects, const std::vector<size_t>& sure, const std::vector<size_t>& lost,
                   const std::vector<size_t>& doubtful);
    void match(std::span<const Object> objects, const std::vector<size_t>& among, bool near_only);
    bool believable(const Track& track, const Life& life, const Object& object) const;
    void meet(size_t track, const Object& object);
    int32_t longest_gap(const Life& life) const;
    void begin(const Object& object);
    void believe(size_t track);
    std::span<const Track> tell_oldest();

    TrackerOptions options_;
    std::vector<Track> tracks_;  // beside lives_
    std::vector<Life> lives_;
    std::deque<std::vector<Sighting>> frames_;  // that wait, the newest last
    std::vector<Track> told_;
    std::vector<size_t> met_;  // per track: its object of this frame, or none
    std::vector<bool> taken_;  // per object
    uint64_t last_id_ = 0, last_key_ = 0;
};

// Kinds that detectors mix up: cups and bottles, cars and trucks, cats and dogs. A kind is confusable with itself.
bool confusable(int kind, int other);

}  // namespace lv
