#include "vision/token_rows.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace lv {
namespace {

constexpr int still = 5;

int third(float centre) { return centre < 1.0f / 3 ? 0 : centre < 2.0f / 3 ? 1 : 2; }

// 1 at first + min(index, length - 1).
void one_hot(std::span<float> row, size_t first, size_t length, int index) {
    row[first + std::min(static_cast<size_t>(std::max(index, 0)), length - 1)] = 1;
}

void write_time(int64_t time_us, std::span<float> row) {
    const double seconds = static_cast<double>(time_us) * 1e-6;
    double period_s = row::first_period_s;
    for (size_t i = 0; i < row::periods; ++i, period_s *= row::period_ratio) {
        const double angle = 2 * std::numbers::pi * seconds / period_s;
        row[row::fourier + 2 * i] = static_cast<float>(std::sin(angle));
        row[row::fourier + 2 * i + 1] = static_cast<float>(std::cos(angle));
    }
}

void write_events(std::span<float> row, size_t column, uint64_t events) {
    for (const size_t modulus : row::event_moduli) {
        row[column + events % modulus] = 1;
        column += modulus;
    }
}

}  // namespace

Scene scene_of(std::span<const float> logits) {
    assert(logits.size() >= row::scenes_kept);
    std::vector<int> order(logits.size());
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + row::scenes_kept, order.end(),
                      [&](int a, int b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; });
    double sum = 0;
    for (float logit : logits) sum += std::exp(static_cast<double>(logit) - logits[order[0]]);
    Scene scene;
    for (size_t i = 0; i < scene.size(); ++i) {
        const double share = std::exp(static_cast<double>(logits[order[i]]) - logits[order[0]]) / sum;
        scene[i] = {order[i], static_cast<float>(share)};
    }
    return scene;
}

int motion_of(const Track& track) {
    const float x = track.now.cx() - track.first_cx, y = track.now.cy() - track.first_cy;
    if (std::abs(y) > std::abs(x) && std::abs(y) > row::motion_threshold) return y < 0 ? 2 : 3;
    if (std::abs(x) > row::motion_threshold) return x < 0 ? 0 : 1;
    return track.now.height() > row::closer_ratio * track.first_height ? 4 : still;
}

void write_time_row(int64_t time_us, std::span<float> row) {
    assert(row.size() == row::feature_dim);
    std::fill(row.begin(), row.end(), 0.0f);
    row[row::is_time] = 1;
    write_time(time_us, row);
}

// The tracks of one kind in one frame.
struct TokenRows::Group {
    int kind = 0;
    Kind seen;  // count, thirds, motion, box, score of this frame
    float mean_cx = 0;
    float largest = -1;  // area
};

std::vector<TokenRows::Group> TokenRows::groups_of(std::span<const Track> tracks) const {
    std::vector<Group> groups;
    for (const Track& track : tracks) {
        const Object& object = track.now;
        if (object.kind < 0 || object.kind >= static_cast<int>(row::kinds)) continue;
        auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& g) { return g.kind == object.kind; });
        if (group == groups.end()) {
            group = groups.insert(groups.end(), Group{});
            group->kind = object.kind;
        }
        Kind& seen = group->seen;
        ++seen.count;
        group->mean_cx += object.cx();
        seen.thirds |= static_cast<uint8_t>(1 << third(object.cx()) | 8 << third(object.cy()));
        seen.score = std::max(seen.score, object.score);
        if (object.area() <= group->largest) continue;
        group->largest = object.area();
        seen.motion = motion_of(track);
        seen.box[0] = object.cx(), seen.box[1] = object.cy(), seen.box[2] = object.width(),
        seen.box[3] = object.height();
    }
    for (Group& group : groups) group.mean_cx /= static_cast<float>(group.seen.count);
    if (groups.size() > row::object_rows) {
        const auto there = [&](const Group& group) { return kinds_[group.kind].count > 0; };
        std::stable_sort(groups.begin(), groups.end(), [&](const Group& a, const Group& b) {
            return there(a) != there(b) ? there(a) : a.seen.score > b.seen.score;
        });
        groups.resize(row::object_rows);
    }
    std::sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
        return a.mean_cx != b.mean_cx ? a.mean_cx < b.mean_cx : a.kind < b.kind;
    });
    return groups;
}

// rank < 0: the kind has just gone.
void TokenRows::write_kind(int kind, int32_t before, int rank, std::span<float> row) const {
    const Kind& now = kinds_[kind];
    row[row::is_object] = 1;
    row[row::kind + kind] = 1;
    one_hot(row, row::count, row::counts, now.count);
    row[row::appeared] = before == 0 && now.count > 0;
    row[row::gone] = before > 0 && now.count == 0;
    row[row::more] = before > 0 && now.count > before;
    row[row::fewer] = now.count > 0 && now.count < before;
    row[row::first_ever] = before == 0 && now.count > 0 && now.appeared == 1;
    one_hot(row, row::ordinal, row::ordinals, now.appeared - 1);
    one_hot(row, row::first_rank, row::first_ranks, now.first_rank - 1);
    row[row::first_rank_part] = static_cast<float>(now.first_rank) / row::first_rank_unit;
    one_hot(row, row::most, row::counts, now.most);
    if (rank >= 0) one_hot(row, row::rank, row::ranks, rank);
    for (size_t i = 0; i < 6; ++i) row[row::left + i] = (now.thirds >> i) & 1;
    std::copy(now.box, now.box + 4, row.begin() + row::box);
    row[row::score] = now.score;
    row[row::size] = std::sqrt(std::max(now.box[2] * now.box[3], 0.0f));
    row[row::motion + now.motion] = 1;
}

void TokenRows::count_event(std::span<float> row) {
    write_events(row, row::events_before, events_);
    write_events(row, row::events_with, ++events_);
}

size_t TokenRows::append(int64_t time_us, std::span<const Track> tracks, const Scene& scene, bool cut,
                         std::vector<float>& rows, std::vector<int64_t>& times_us) {
    const std::vector<Group> groups = groups_of(tracks);
    const size_t first = times_us.size();
    const auto add_row = [&](int64_t row_us) -> std::span<float> {
        rows.resize(rows.size() + row::feature_dim, 0.0f);
        times_us.push_back(row_us);
        const std::span<float> row(rows.data() + rows.size() - row::feature_dim, row::feature_dim);
        write_time(row_us, row);
        return row;
    };

    std::array<int32_t, row::kinds> before;
    for (size_t kind = 0; kind < row::kinds; ++kind) before[kind] = std::exchange(kinds_[kind].count, 0);
    for (const Group& group : groups) kinds_[group.kind].count = group.seen.count;
    for (size_t kind = 0; kind < row::kinds; ++kind) {
        if (before[kind] == 0 || kinds_[kind].count > 0) continue;
        const std::span<float> row = add_row(last_us_);
        write_kind(static_cast<int>(kind), before[kind], -1, row);
        count_event(row);
    }

    const size_t scene_index = rows.size();
    std::span<float> scene_row = add_row(time_us);
    scene_row[row::is_scene] = 1;
    scene_row[row::cut] = cut || frames_ == 0;
    one_hot(scene_row, row::count, row::counts, static_cast<int>(groups.size()));
    for (const Group& group : groups)
        scene_row[row::kind + group.kind] = static_cast<float>(std::min(group.seen.count, 8)) / 2;
    for (const SceneValue& value : scene)
        if (value.probability > 0) scene_row[row::scene + value.scene] = value.probability;

    for (size_t rank = 0; rank < groups.size(); ++rank) {
        const Group& group = groups[rank];
        Kind& kind = kinds_[group.kind];
        Kind seen = group.seen;
        seen.most = std::max(kind.most, seen.count);
        seen.appeared = kind.appeared + (before[group.kind] == 0);
        seen.first_rank = kind.first_rank ? kind.first_rank : ++kinds_seen_;
        const bool record = seen.count > kind.most;
        const bool newest = kind.first_rank == 0;
        kind = seen;
        const std::span<float> row = add_row(time_us);
        write_kind(group.kind, before[group.kind], static_cast<int>(rank), row);
        row[row::record] = record;
        if (rank > 0) row[row::neighbour + static_cast<size_t>(groups[rank - 1].kind)] = 1;
        if (before[group.kind] == 0) count_event(row);
        if (newest) row[newest_kind_ < 0 ? row::no_previous : row::previous + newest_kind_] = 1;
        if (newest) newest_kind_ = group.kind;
    }
    write_events({rows.data() + scene_index, row::feature_dim}, row::events_before, events_);
    rows[rows.size() - row::feature_dim + row::last_of_frame] = 1;
    last_us_ = time_us;
    ++frames_;
    return times_us.size() - first;
}

void TokenRows::save(StateWriter& writer) const {
    writer.put(frames_);
    writer.put(last_us_);
    writer.put(events_);
    writer.put(kinds_seen_);
    writer.put(newest_kind_);
    for (const Kind& kind : kinds_) {
        for (int32_t value : {kind.count, kind.most, kind.appeared, kind.first_rank, kind.motion}) writer.put(value);
        writer.put(kind.thirds);
        for (float value : kind.box) writer.put(value);
        writer.put(kind.score);
    }
}

void TokenRows::restore(StateReader& reader) {
    TokenRows fresh;
    reader.get(fresh.frames_);
    reader.get(fresh.last_us_);
    reader.get(fresh.events_);
    fresh.kinds_seen_ = reader.within<int32_t>(0, row::kinds);
    fresh.newest_kind_ = reader.within<int32_t>(-1, row::kinds - 1);
    for (Kind& kind : fresh.kinds_) {
        for (int32_t* value : {&kind.count, &kind.most, &kind.appeared}) *value = reader.within<int32_t>(0, INT32_MAX);
        kind.first_rank = reader.within<int32_t>(0, row::kinds);
        kind.motion = reader.within<int32_t>(0, row::motions - 1);
        reader.get(kind.thirds);
        for (float& value : kind.box) reader.get(value);
        reader.get(kind.score);
    }
    *this = std::move(fresh);
}

}  // namespace lv
