#include "app/bench_haystack.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>
#include <numeric>

namespace lv {
namespace {

// The detector's faults, rates a frame, about those measured on real footage (tools/train/noise.json).
constexpr double vanish = 0.0086, vanish_frames = 1.5;    // an object is not seen for so long
constexpr double doubled = 0.03;                          // one object gets two boxes
constexpr double mistaken = 0.02;                         // its kind is taken for a similar one
constexpr double falsely = 0.0063, falsely_frames = 1.7;  // a box around nothing
constexpr double jitter = 0.0115;                         // of centres, shares of the picture

constexpr size_t common_kinds = 25;
constexpr double rare_share = 0.25;  // of what comes, at most
constexpr double stay_frames = 33;   // on average
constexpr size_t most_kinds = 6;     // in a frame, so that needles are never the ones left out
constexpr int64_t needle_margin = 1;

uint8_t third_bit(float centre) { return static_cast<uint8_t>(centre < 1.0f / 3 ? 1 : centre < 2.0f / 3 ? 2 : 4); }

// Objects by kind as token rows group them: left to right by mean centre, then by kind.
template <typename Items, typename Kind, typename Centre>
std::vector<SeenGroup> grouped(const Items& items, const Kind& kind_of, const Centre& centre_of) {
    struct Group {
        SeenGroup seen;
        float centres = 0;
        float mean() const { return centres / seen.count; }
    };
    std::vector<Group> groups;
    for (const auto& item : items) {
        const auto kind = static_cast<uint8_t>(kind_of(item));
        auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& g) { return g.seen.kind == kind; });
        if (group == groups.end()) group = groups.insert(groups.end(), {.seen = {.kind = kind}});
        ++group->seen.count;
        group->seen.thirds |= third_bit(centre_of(item));
        group->centres += centre_of(item);
    }
    std::sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
        return a.mean() != b.mean() ? a.mean() < b.mean() : a.seen.kind < b.seen.kind;
    });
    std::vector<SeenGroup> out;
    for (const Group& group : groups) out.push_back(group.seen);
    return out;
}

}  // namespace

void FrameLog::add(std::span<const SeenGroup> groups, bool clear) {
    for (const SeenGroup& group : groups) {
        if (first_[group.kind] < 0) first_[group.kind] = frames();
        last_[group.kind] = frames();
    }
    groups_.insert(groups_.end(), groups.begin(), groups.end());
    ends_.push_back(groups_.size());
    clear_.push_back(clear);
}

std::span<const SeenGroup> FrameLog::groups(int64_t frame) const {
    const auto index = static_cast<size_t>(frame);
    const size_t begin = index == 0 ? 0 : ends_[index - 1];
    return std::span(groups_).subspan(begin, ends_[index] - begin);
}

const SeenGroup* FrameLog::find(int64_t frame, int kind) const {
    for (const SeenGroup& group : groups(frame))
        if (group.kind == kind) return &group;
    return nullptr;
}

Haystack::Haystack(const HaystackOptions& options, std::span<const int> set_aside)
    : options_(options), random_(options.seed), log_(options.period_us) {
    for (const int kind : set_aside) set_aside_[static_cast<size_t>(kind)] = true;
    std::vector<int> kinds;
    for (int kind = 0; kind < static_cast<int>(row::kinds); ++kind)
        if (!this->set_aside(kind)) kinds.push_back(kind);
    for (size_t i = kinds.size(); i > 1; --i) std::swap(kinds[i - 1], kinds[static_cast<size_t>(unit() * double(i))]);
    common_.assign(kinds.begin(), kinds.begin() + common_kinds);
    falsely_ = common_;
    if (options.noisy_aside) falsely_.insert(falsely_.end(), set_aside.begin(), set_aside.end());
    const double most_rare = rare_share * coming_rate() * static_cast<double>(options.frames);
    for (size_t i = common_kinds; i < kinds.size() && static_cast<double>(rare_.size()) < most_rare; ++i)
        for (int times = unit() < 0.5 ? 1 : 2; times > 0; --times)
            rare_.push_back({kinds[i], static_cast<int64_t>(unit() * static_cast<double>(options.frames))});
    std::sort(rare_.begin(), rare_.end(), [](const Rare& a, const Rare& b) { return a.frame > b.frame; });
    change_scene();
}

double Haystack::unit() { return static_cast<double>(random_() >> 11) * 0x1p-53; }

double Haystack::normal() {
    const double radius = std::sqrt(-2 * std::log(1 - unit()));
    return radius * std::cos(2 * std::numbers::pi * unit());
}

int64_t Haystack::between(double low, double high) {
    return static_cast<int64_t>(low * std::pow((high + 1) / low, unit()));
}

// A frame: so that the wanted number of kinds is there on average.
double Haystack::coming_rate() const { return options_.kinds / stay_frames; }

// Now and then another scene; five of its probabilities are kept, as vision does.
void Haystack::change_scene() {
    float left = static_cast<float>(0.4 + 0.5 * unit());
    for (SceneValue& value : scene_) {
        value = {static_cast<int>(unit() * row::scenes), left * static_cast<float>(0.4 + 0.3 * unit())};
        left -= value.probability;
    }
}

Object Haystack::box_of(const Visitor& v) const {
    return {v.kind, 0.8f, v.cx - v.width / 2, v.cy - v.height / 2, v.cx + v.width / 2, v.cy + v.height / 2};
}

// One to three objects of a kind, for a moment or a while. Places are tried until one overlaps nothing that is there.
void Haystack::arrive(int kind) {
    const double style = unit();
    const int64_t stay = style < 0.7 ? between(2, 12) : style < 0.97 ? between(12, 120) : between(120, 1500);
    const int count = unit() < 0.65 ? 1 : unit() < 0.7 ? 2 : 3;
    for (int i = 0; i < count; ++i) {
        Visitor visitor{.kind = kind, .until = log_.frames() + stay};
        for (int attempt = 0; attempt < 32; ++attempt) {
            visitor.cx = static_cast<float>(0.08 + 0.84 * unit());
            visitor.cy = static_cast<float>(0.08 + 0.84 * unit());
            visitor.width = static_cast<float>(0.06 + 0.2 * unit());
            visitor.height = static_cast<float>(visitor.width * (0.6 + unit()));
            const Object box = box_of(visitor);
            if (std::none_of(visitors_.begin(), visitors_.end(),
                             [&](const Visitor& other) { return overlap(box_of(other), box) > 0; }))
                break;
        }
        if (unit() < 0.5) {  // walks on, slowly enough for the tracker
            const double step =
                0.3 * visitor.width / std::max<double>(1, static_cast<double>(std::min<int64_t>(stay, 8)) / 4);
            const double angle = 2 * std::numbers::pi * unit();
            visitor.dx = static_cast<float>(step * std::cos(angle)),
            visitor.dy = static_cast<float>(step * std::sin(angle));
        }
        visitors_.push_back(visitor);
    }
}

void Haystack::come_and_go() {
    const int64_t now = log_.frames();
    for (Visitor& v : visitors_) {
        v.cx += v.dx, v.cy += v.dy;
        // At the border it turns round.
        if (v.cx < 0.05f || v.cx > 0.95f) v.dx = -v.dx, v.cx = std::clamp(v.cx, 0.05f, 0.95f);
        if (v.cy < 0.05f || v.cy > 0.95f) v.dy = -v.dy, v.cy = std::clamp(v.cy, 0.05f, 0.95f);
    }
    std::erase_if(visitors_, [&](const Visitor& v) { return v.until <= now; });
    const auto is_there = [&](int kind) {
        return std::any_of(visitors_.begin(), visitors_.end(), [&](const Visitor& v) { return v.kind == kind; });
    };
    const auto kinds_there = [&] {
        size_t count = 0;
        for (int kind = 0; kind < static_cast<int>(row::kinds); ++kind) count += !set_aside(kind) && is_there(kind);
        return count;
    };
    if (unit() < coming_rate() && kinds_there() < most_kinds) {
        const int kind = common_[static_cast<size_t>(unit() * static_cast<double>(common_.size()))];
        if (!is_there(kind)) arrive(kind);
    }
    while (!rare_.empty() && rare_.back().frame <= now && kinds_there() < most_kinds) {
        if (!is_there(rare_.back().kind)) arrive(rare_.back().kind);
        rare_.pop_back();
    }
    if (unit() < 1.0 / 40) change_scene();
}

void Haystack::hide(int kind, int64_t frames) {
    assert(set_aside(kind) && frames > 0);
    const size_t before = visitors_.size();
    arrive(kind);
    visitors_.resize(before + 1);
    visitors_.back().until = log_.frames() + frames;
    // come_and_go() moves it once before it is first seen.
    visitors_.back().cx -= visitors_.back().dx, visitors_.back().cy -= visitors_.back().dy;
    if (!options_.noisy_aside) steady_until_ = std::max(steady_until_, log_.frames() + frames + needle_margin);
}

Object Haystack::reported(const Visitor& visitor, bool steady) {
    Object box = box_of(visitor);
    const auto x = static_cast<float>(jitter * normal()), y = static_cast<float>(jitter * normal());
    box.left += x, box.right += x, box.top += y, box.bottom += y;
    box.score = static_cast<float>(std::clamp(0.7 + 0.1 * normal(), steady ? 0.6 : 0.25, 0.98));
    if (steady || unit() >= mistaken) return box;
    const auto other = static_cast<int>(unit() * row::kinds);
    if (confusable(visitor.kind, other) && !set_aside(other)) box.kind = other;
    return box;
}

std::vector<Object> Haystack::detect(bool steady) {
    const int64_t now = log_.frames();
    std::vector<Object> objects;
    for (Visitor& visitor : visitors_) {
        if (!steady && now >= visitor.unseen_until && unit() < vanish)
            visitor.unseen_until = now + 1 + static_cast<int64_t>(-std::log(1 - unit()) * (vanish_frames - 1));
        if (!steady && now < visitor.unseen_until) continue;
        objects.push_back(reported(visitor, steady));
        if (!steady && unit() < doubled) {
            Object second = reported(visitor, steady);
            const float aside = 0.4f * second.width();
            second.left += aside, second.right += aside;
            objects.push_back(second);
        }
    }
    if (now >= false_until_) false_.clear();
    if (unit() < falsely) {
        const Visitor nothing{.kind = falsely_[static_cast<size_t>(unit() * static_cast<double>(falsely_.size()))],
                              .cx = static_cast<float>(unit()),
                              .cy = static_cast<float>(unit()),
                              .width = 0.1f,
                              .height = 0.1f};
        false_.assign(1, box_of(nothing));
        false_until_ = now + 1 + static_cast<int64_t>(-std::log(1 - unit()) * (falsely_frames - 1));
    }
    if (!steady) objects.insert(objects.end(), false_.begin(), false_.end());
    return objects;
}

std::vector<SeenGroup> Haystack::there() const {
    return grouped(
        visitors_, [](const Visitor& v) { return v.kind; }, [](const Visitor& v) { return v.cx; });
}

size_t Haystack::next(std::vector<float>& rows, std::vector<int64_t>& times_us) {
    come_and_go();
    const std::span<const Track> tracks = *tracker_.update(detect(log_.frames() < steady_until_));
    const int64_t time_us = log_.time_us(log_.frames());
    const size_t count = token_rows_.append(time_us, tracks, scene_, false, rows, times_us);
    const std::vector<SeenGroup> seen = grouped(
        tracks, [](const Track& t) { return t.now.kind; }, [](const Track& t) { return t.now.cx(); });
    log_.add(seen, seen == there());
    return count;
}

}  // namespace lv
