#include "vision/tracker.h"

#include <algorithm>
#include <cmath>

namespace lv {
namespace {

constexpr size_t none = SIZE_MAX;
constexpr float same_kind_overlap = 0.25f;
constexpr float other_kind_overlap = 0.4f;
constexpr float reach = 1.5f;       // centres this many own sizes apart may be one object that moved,
constexpr float weak_reach = 0.5f;  // but a weak box must be close
constexpr float size_ratio = 2.5f;  // of the areas' square roots
constexpr float vote_decay = 0.8f;  // a frame: about the last five speak
constexpr float vote_lead = 1.3f;   // another kind takes over when it leads by this factor
constexpr float same_spot = 0.6f;   // overlap of two sightings that make a steady object
constexpr float trust_memory = 0.6f;
constexpr size_t most_tracks = 4096;

// COCO's kinds by group; 0 mixes with nothing else.
constexpr std::array<uint8_t, 80> groups = {
    0, 1, 2, 1, 3, 2, 2, 2, 2, 0,               // person bicycle car motorcycle airplane bus train truck boat light
    0, 0, 0, 4, 5, 5, 5, 5, 5, 5,               // hydrant stop meter bench bird cat dog horse sheep cow
    5, 5, 5, 5, 6, 0, 6, 0, 6, 7,               // elephant bear zebra giraffe backpack umbrella handbag tie suitcase frisbee
    8, 8, 7, 3, 0, 0, 8, 8, 0, 9,               // skis snowboard ball kite bat glove skateboard surfboard racket bottle
    9, 9, 10, 10, 10, 9, 11, 11, 11, 11,        // glass cup fork knife spoon bowl banana apple sandwich orange
    11, 11, 11, 11, 11, 11, 4, 4, 9, 4,         // broccoli carrot hot-dog pizza donut cake chair couch plant bed
    12, 0, 13, 13, 14, 14, 14, 14, 13, 13,      // table toilet tv laptop mouse remote keyboard phone microwave oven
    13, 0, 13, 14, 0, 9, 10, 5, 14, 10};        // toaster sink fridge book clock vase scissors teddy drier toothbrush

float own_size(const Object& object) { return std::sqrt(std::max(object.area(), 1e-8f)); }

// Distance of the centres in own sizes; infinite when the sizes do not fit.
float distance(const Object& a, const Object& b) {
    const float one = own_size(a), other = own_size(b);
    if (std::max(one, other) > size_ratio * std::min(one, other)) return INFINITY;
    // A tall thin walker crosses its own width fast: half its height counts as size too.
    const float size = std::max({a.width(), a.height() * 0.6f, b.width(), b.height() * 0.6f});
    return std::hypot(a.cx() - b.cx(), a.cy() - b.cy()) / std::max(size, 1e-4f);
}

}  // namespace

bool confusable(int kind, int other) {
    if (kind == other) return true;
    if (kind < 0 || other < 0 || kind >= 80 || other >= 80) return false;
    return groups[kind] != 0 && groups[kind] == groups[other];
}

void Tracker::Life::vote(int kind, float score) {
    Vote* mine = nullptr;
    Vote* weakest = &votes[1];
    for (Vote& vote : votes) {
        vote.weight *= vote_decay;
        if (vote.kind == kind) mine = &vote;
    }
    for (size_t i = 1; i < candidates; ++i)
        if (votes[i].weight < weakest->weight) weakest = &votes[i];
    if (!mine) {
        mine = weakest;
        *mine = {kind, 0};
    }
    mine->weight += score;
    const auto best = std::max_element(votes.begin(), votes.end(), [](const Vote& a, const Vote& b) { return a.weight < b.weight; });
    if (best != votes.begin() && best->weight > vote_lead * votes[0].weight) std::swap(*best, votes[0]);
}

// Pairs each free track with at most one free object, the best values first; value(track, object) <= 0: never.
template <typename Value>
void Tracker::match(std::span<const Object> objects, const Value& value) {
    std::vector<Pair> pairs;
    for (size_t track = 0; track < tracks_.size(); ++track) {
        if (met_[track] != none) continue;
        for (size_t object = 0; object < objects.size(); ++object) {
            if (taken_[object]) continue;
            const float good = value(tracks_[track].now, objects[object]);
            if (good > 0) pairs.push_back({track, object, good});
        }
    }
    std::stable_sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.value > b.value; });
    for (const Pair& pair : pairs) {
        if (met_[pair.track] != none || taken_[pair.object]) continue;
        met_[pair.track] = pair.object;
        taken_[pair.object] = true;
    }
}

std::span<const Track> Tracker::update(std::span<const Object> seen) {
    std::vector<Object> objects(seen.begin(), seen.end());
    std::stable_sort(objects.begin(), objects.end(), [](const Object& a, const Object& b) { return a.score > b.score; });
    std::erase_if(objects, [&](const Object& object) { return !(object.score >= options_.keep_score); });
    met_.assign(tracks_.size(), none);
    taken_.assign(objects.size(), false);

    match(objects, [](const Object& track, const Object& object) {
        const float shared = overlap(track, object);
        return track.kind == object.kind && shared > same_kind_overlap ? shared : 0.0f;
    });
    match(objects, [](const Object& track, const Object& object) {
        const float shared = overlap(track, object);
        return confusable(track.kind, object.kind) && shared > other_kind_overlap ? shared : 0.0f;
    });
    match(objects, [&](const Object& track, const Object& object) {
        if (track.kind != object.kind) return 0.0f;
        const float apart = distance(track, object);
        return apart < (object.score >= options_.start_score ? reach : weak_reach) ? 1 / (0.01f + apart) : 0.0f;
    });

    std::vector<Track> tracks;
    std::vector<Life> lives;
    const auto named_twice = [&](const Object& object) {
        return std::any_of(tracks.begin(), tracks.end(), [&](const Track& track) {
            return confusable(track.now.kind, object.kind) && overlap(track.now, object) > options_.same_place;
        });
    };
    for (size_t track = 0; track < tracks_.size(); ++track) {
        if (met_[track] == none) continue;
        const Object& object = objects[met_[track]];
        const float trust = trust_memory * tracks_[track].trust + (1 - trust_memory) * object.score;
        if (named_twice(object) || trust < options_.trust) continue;
        tracks_[track].trust = trust;
        lives_[track].vote(object.kind, object.score);
        tracks_[track].now = object;
        tracks_[track].now.kind = lives_[track].votes[0].kind;
        tracks.push_back(tracks_[track]);
        lives.push_back(lives_[track]);
    }
    // What is left begins a track when it is sure or steady, and no second name for something that is already there.
    std::vector<Object> waiting;
    for (size_t i = 0; i < objects.size(); ++i) {
        const Object& object = objects[i];
        if (taken_[i] || object.score < options_.steady_score || named_twice(object)) continue;
        const bool steady = std::any_of(waiting_.begin(), waiting_.end(), [&](const Object& before) {
            return before.kind == object.kind && overlap(before, object) > same_spot;
        });
        if (object.score < options_.start_score && !steady) {
            waiting.push_back(object);
            continue;
        }
        tracks.push_back({++last_id_, object, object.score, object.cx(), object.cy(), object.height()});
        Life life;
        life.votes[0] = {object.kind, object.score};
        lives.push_back(life);
    }
    tracks_ = std::move(tracks);
    lives_ = std::move(lives);
    waiting_ = std::move(waiting);
    return tracks_;
}

void Tracker::save(StateWriter& writer) const {
    writer.put(last_id_);
    writer.put<uint64_t>(lives_.size());
    for (size_t i = 0; i < lives_.size(); ++i) {
        const Track& track = tracks_[i];
        writer.put(track.id);
        writer.put<int32_t>(track.now.kind);
        for (float value : {track.now.score, track.now.left, track.now.top, track.now.right, track.now.bottom,
                            track.trust, track.first_cx, track.first_cy, track.first_height})
            writer.put(value);
        for (const Vote& vote : lives_[i].votes) {
            writer.put<int32_t>(vote.kind);
            writer.put(vote.weight);
        }
    }
    save_objects(writer, waiting_);
}

void Tracker::restore(StateReader& reader) {
    Tracker fresh(options_);
    reader.get(fresh.last_id_);
    const auto count = reader.within<uint64_t>(0, most_tracks);
    for (uint64_t i = 0; i < count; ++i) {
        Track track;
        reader.get(track.id);
        track.now.kind = reader.within<int32_t>(0, 79);
        for (float* value : {&track.now.score, &track.now.left, &track.now.top, &track.now.right, &track.now.bottom,
                             &track.trust, &track.first_cx, &track.first_cy, &track.first_height})
            reader.get(*value);
        Life life;
        for (Vote& vote : life.votes) {
            vote.kind = reader.within<int32_t>(-1, 79);
            reader.get(vote.weight);
        }
        fresh.tracks_.push_back(track);
        fresh.lives_.push_back(life);
    }
    fresh.waiting_ = restore_objects(reader);
    *this = std::move(fresh);
}

}  // namespace lv
