#include "vision/tracker.h"

#include <algorithm>
#include <cmath>

namespace lv {
namespace {

constexpr size_t none = SIZE_MAX;
constexpr float same_kind_overlap = 0.25f;
constexpr float other_kind_overlap = 0.4f;
constexpr float reach = 1.5f;          // centres this many own sizes apart may be one object that moved,
constexpr float near_reach = 0.5f;     // but a weak box, or one after a gap, must be close
constexpr float size_ratio = 2.5f;     // of the areas' square roots
constexpr float vote_decay = 0.8f;     // a frame: about the last five speak
constexpr float vote_lead = 1.3f;      // another kind takes over when it leads by this factor
constexpr float still_overlap = 0.5f;  // after more than one frame overlooked: what moves is not followed so long
constexpr float same_spot = 0.6f;      // overlap of two sightings that make a steady object
constexpr float trust_memory = 0.6f;
constexpr size_t most_tracks = 4096;
constexpr int32_t most_missing = 64;

// COCO's kinds by group; 0 mixes with nothing else.
constexpr std::array<uint8_t, 80> groups = {
    0,  1,  2,  1,  3,
    2,  2,  2,  2,  0,  // person bicycle car motorcycle airplane bus train truck boat light
    0,  0,  0,  4,  5,
    5,  5,  5,  5,  5,  // hydrant stop meter bench bird cat dog horse sheep cow
    5,  5,  5,  5,  6,
    0,  6,  0,  6,  7,  // elephant bear zebra giraffe backpack umbrella handbag tie suitcase frisbee
    8,  8,  7,  3,  0,
    0,  8,  8,  0,  9,  // skis snowboard ball kite bat glove skateboard surfboard racket bottle
    9,  9,  10, 10, 10,
    9,  11, 11, 11, 11,  // glass cup fork knife spoon bowl banana apple sandwich orange
    11, 11, 11, 11, 11,
    11, 4,  4,  9,  4,  // broccoli carrot hot-dog pizza donut cake chair couch plant bed
    12, 0,  13, 13, 14,
    14, 14, 14, 13, 13,  // table toilet tv laptop mouse remote keyboard phone microwave oven
    13, 0,  13, 14, 0,
    9,  10, 5,  14, 10};  // toaster sink fridge book clock vase scissors teddy drier toothbrush

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
    const auto best =
        std::max_element(votes.begin(), votes.end(), [](const Vote& a, const Vote& b) { return a.weight < b.weight; });
    if (best != votes.begin() && best->weight > vote_lead * votes[0].weight) std::swap(*best, votes[0]);
}

bool Tracker::may_meet(size_t track, const Object& object) const {
    const Life& life = lives_[track];
    if (object.score < options_.keep_share * life.best) return false;
    return life.missing <= 2 || overlap(tracks_[track].now, object) > still_overlap;
}

// Pairs each free track of `among` with at most one free object, the best values first; value(track, object) <= 0:
// never.
template <typename Value>
void Tracker::match_by(std::span<const Object> objects, const std::vector<size_t>& among, const Value& value) {
    std::vector<Pair> pairs;
    for (size_t track : among) {
        if (met_[track] != none) continue;
        for (size_t object = 0; object < objects.size(); ++object) {
            if (taken_[object] || !may_meet(track, objects[object])) continue;
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

void Tracker::match(std::span<const Object> objects, const std::vector<size_t>& among, bool near_only) {
    match_by(objects, among, [](const Object& track, const Object& object) {
        const float shared = overlap(track, object);
        return track.kind == object.kind && shared > same_kind_overlap ? shared : 0.0f;
    });
    match_by(objects, among, [](const Object& track, const Object& object) {
        const float shared = overlap(track, object);
        return confusable(track.kind, object.kind) && shared > other_kind_overlap ? shared : 0.0f;
    });
    match_by(objects, among, [&](const Object& track, const Object& object) {
        if (track.kind != object.kind) return 0.0f;
        const float apart = distance(track, object);
        return apart < (near_only ? near_reach : reach) ? 1 / (0.01f + apart) : 0.0f;
    });
}

void Tracker::match_all(std::span<const Object> objects, const std::vector<size_t>& sure,
                        const std::vector<size_t>& lost, const std::vector<size_t>& doubtful) {
    met_.assign(tracks_.size(), none);
    taken_.assign(objects.size(), false);
    const auto is_weak = [&](size_t object) { return objects[object].score < options_.sure_score; };
    for (size_t object = 0; object < objects.size(); ++object) taken_[object] = is_weak(object);
    match(objects, sure, false);
    match(objects, lost, true);
    for (size_t object = 0; object < objects.size(); ++object)
        if (is_weak(object)) taken_[object] = false;
    match(objects, sure, true);
    match(objects, lost, true);
    match(objects, doubtful, true);
}

// Whether a doubtful track is one, now that it was seen again.
bool Tracker::believable(const Track& track, const Life& life, const Object& object) const {
    if (object.score >= options_.start_score) return true;
    if (std::min(object.score, track.now.score) >= options_.steady_score && overlap(track.now, object) > same_spot)
        return true;
    const int sightings = life.sightings + 1;
    return options_.lag > 0 && sightings >= options_.enough_sightings &&
           life.sum + object.score >= options_.enough_score * static_cast<float>(sightings);
}

// For how many frames it may be overlooked while it is there.
int32_t Tracker::longest_gap(const Life& life) const {
    const bool plain = life.sum >= options_.plain_score * static_cast<float>(life.sightings);
    return plain ? std::min(options_.lag, 1) : options_.lag;
}

void Tracker::believe(size_t track) {
    lives_[track].believed = true;
    tracks_[track].id = ++last_id_;
}

// The object is put into the frames that wait where the track was not met, on its way.
void Tracker::meet(size_t index, const Object& object) {
    Track& track = tracks_[index];
    Life& life = lives_[index];
    if (!life.believed && believable(track, life, object)) believe(index);
    const auto gap = static_cast<size_t>(life.missing);
    for (size_t back = 1; back < gap && back <= frames_.size(); ++back) {
        const float part = static_cast<float>(back) / static_cast<float>(gap);
        const auto between = [&](float before, float after) { return after + (before - after) * part; };
        frames_[frames_.size() - back].push_back(
            {life.key,
             {object.kind, std::min(track.now.score, object.score), between(track.now.left, object.left),
              between(track.now.top, object.top), between(track.now.right, object.right),
              between(track.now.bottom, object.bottom)}});
    }
    life.missing = 0;
    life.sightings += 1;
    life.sum += object.score;
    life.best = std::max(life.best, object.score);
    life.vote(object.kind, object.score);
    track.now = object;
    track.now.kind = life.votes[0].kind;
}

void Tracker::begin(const Object& object) {
    tracks_.push_back({0, object, object.score, object.cx(), object.cy(), object.height()});
    Life life{.key = ++last_key_, .sightings = 1, .sum = object.score, .best = object.score, .votes = {}};
    life.votes[0] = {object.kind, object.score};
    lives_.push_back(life);
    if (object.score >= options_.start_score) believe(tracks_.size() - 1);
}

std::optional<std::span<const Track>> Tracker::update(std::span<const Object> seen) {
    std::vector<Object> objects(seen.begin(), seen.end());
    std::stable_sort(objects.begin(), objects.end(),
                     [](const Object& a, const Object& b) { return a.score > b.score; });
    std::erase_if(objects, [&](const Object& object) { return !(object.score >= options_.keep_score); });
    std::vector<size_t> sure, lost, doubtful;
    for (size_t track = 0; track < tracks_.size(); ++track) {
        Life& life = lives_[track];
        if (!life.ended && life.missing <= (life.believed ? longest_gap(life) : 0))
            (!life.believed ? doubtful : life.missing ? lost : sure).push_back(track);
        life.missing += 1;
    }
    match_all(objects, sure, lost, doubtful);

    std::vector<Object> named;  // by believed tracks of this frame
    const auto named_twice = [&](const Object& object) {
        return std::any_of(named.begin(), named.end(), [&](const Object& other) {
            return confusable(other.kind, object.kind) && overlap(other, object) > options_.same_place;
        });
    };
    std::vector<Sighting> frame;
    const auto show = [&](size_t track) {
        frame.push_back({lives_[track].key, tracks_[track].now});
        if (lives_[track].believed) named.push_back(tracks_[track].now);
    };
    for (const std::vector<size_t>* group : {&sure, &lost, &doubtful}) {
        for (size_t track : *group) {
            if (met_[track] == none || named_twice(objects[met_[track]])) continue;
            const Object& object = objects[met_[track]];
            const float trust = trust_memory * tracks_[track].trust + (1 - trust_memory) * object.score;
            lives_[track].ended = trust < options_.trust;
            if (lives_[track].ended) continue;
            tracks_[track].trust = trust;
            meet(track, object);
            show(track);
        }
    }
    // What is left may begin a track, when it is no second name for something that is already there.
    const float least = options_.lag > 0 ? options_.doubt_score : options_.steady_score;
    for (size_t i = 0; i < objects.size(); ++i) {
        if (taken_[i] || objects[i].score < least || named_twice(objects[i])) continue;
        begin(objects[i]);
        show(tracks_.size() - 1);
    }
    // A believed track stays known for as long as a frame waits in which it was met.
    size_t kept = 0;
    for (size_t track = 0; track < tracks_.size(); ++track) {
        if (lives_[track].missing > (lives_[track].believed ? options_.lag : 0)) continue;
        tracks_[kept] = tracks_[track];
        lives_[kept++] = lives_[track];
    }
    tracks_.resize(kept);
    lives_.resize(kept);
    frames_.push_back(std::move(frame));
    if (frames_.size() <= static_cast<size_t>(options_.lag)) return std::nullopt;
    return tell_oldest();
}

std::optional<std::span<const Track>> Tracker::settle() {
    if (frames_.empty()) return std::nullopt;
    for (size_t track = 0; track < tracks_.size(); ++track) {
        const Life& life = lives_[track];
        const float least = options_.last_start_score * static_cast<float>(life.sightings);
        if (!life.believed && life.missing == 0 && life.sum >= least) believe(track);
    }
    return tell_oldest();
}

std::span<const Track> Tracker::tell_oldest() {
    told_.clear();
    for (const Sighting& sighting : frames_.front()) {
        const auto known =
            std::find_if(lives_.begin(), lives_.end(), [&](const Life& life) { return life.key == sighting.key; });
        if (known == lives_.end() || !known->believed) continue;
        if (options_.lag > 0 && known->missing > 0 && known->sightings <= 2 &&
            known->best < (known->sightings == 1 ? options_.once_score : options_.twice_score))
            continue;
        Track track = tracks_[static_cast<size_t>(known - lives_.begin())];
        track.now = sighting.object;
        track.now.kind = known->votes[0].kind;
        told_.push_back(track);
    }
    frames_.pop_front();
    std::sort(told_.begin(), told_.end(), [](const Track& a, const Track& b) { return a.id < b.id; });
    return told_;
}

void Tracker::save(StateWriter& writer) const {
    writer.put(last_id_);
    writer.put<uint64_t>(lives_.size());
    for (size_t i = 0; i < lives_.size(); ++i) {
        const Track& track = tracks_[i];
        const Life& life = lives_[i];
        writer.put(track.id);
        writer.put<int32_t>(track.now.kind);
        for (float value : {track.now.score, track.now.left, track.now.top, track.now.right, track.now.bottom,
                            track.trust, track.first_cx, track.first_cy, track.first_height, life.sum, life.best})
            writer.put(value);
        writer.put<uint8_t>(life.believed);
        writer.put<uint8_t>(life.ended);
        writer.put<int32_t>(life.missing);
        writer.put<int32_t>(life.sightings);
        for (const Vote& vote : life.votes) {
            writer.put<int32_t>(vote.kind);
            writer.put(vote.weight);
        }
    }
}

void Tracker::restore(StateReader& reader) {
    Tracker fresh(options_);
    reader.get(fresh.last_id_);
    const auto count = reader.within<uint64_t>(0, most_tracks);
    for (uint64_t i = 0; i < count; ++i) {
        Track track;
        Life life;
        life.key = ++fresh.last_key_;
        reader.get(track.id);
        track.now.kind = reader.within<int32_t>(0, 79);
        for (float* value :
             {&track.now.score, &track.now.left, &track.now.top, &track.now.right, &track.now.bottom, &track.trust,
              &track.first_cx, &track.first_cy, &track.first_height, &life.sum, &life.best})
            reader.get(*value);
        life.believed = reader.within<uint8_t>(0, 1);
        life.ended = reader.within<uint8_t>(0, 1);
        life.missing = reader.within<int32_t>(0, most_missing);
        life.sightings = reader.within<int32_t>(1, INT32_MAX);
        for (Vote& vote : life.votes) {
            vote.kind = reader.within<int32_t>(-1, 79);
            reader.get(vote.weight);
        }
        fresh.tracks_.push_back(track);
        fresh.lives_.push_back(life);
    }
    *this = std::move(fresh);
}

}  // namespace lv
