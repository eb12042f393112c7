// A made-up video without end, as the rows vision would hand over: kinds of things that come, move and go, reported by
// a flickering detector to the real tracker and the real token rows. What a needle is hidden in.
//
// A third of the kinds is common; others come once or twice in all, anywhere, each for a moment or a while, as a needle
// does: nothing but the answer's own rows tells a needle from them. The kinds set aside never come by
// themselves.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "vision/token_rows.h"
#include "vision/tracker.h"

namespace lv {

// The objects of one kind in one frame.
struct SeenGroup {
    uint8_t kind = 0;
    uint8_t count = 0;
    uint8_t thirds = 0;  // bits 0..2: one has its centre on the left, in the middle, on the right

    bool operator==(const SeenGroup&) const = default;
};

// What the rows of every frame say, and whether that is also what was there. Times of frames: frame * period.
class FrameLog {
   public:
    explicit FrameLog(int64_t period_us) : period_us_(period_us) { first_.fill(-1), last_.fill(-1); }
    void add(std::span<const SeenGroup> groups, bool clear);

    int64_t frames() const { return static_cast<int64_t>(clear_.size()); }
    int64_t period_us() const { return period_us_; }
    int64_t time_us(int64_t frame) const { return frame * period_us_; }
    std::span<const SeenGroup> groups(int64_t frame) const;  // left to right
    bool clear(int64_t frame) const { return clear_[static_cast<size_t>(frame)]; }
    const SeenGroup* find(int64_t frame, int kind) const;  // null: not in this frame
    // Frames with this kind; -1: none.
    int64_t first(int kind) const { return first_[static_cast<size_t>(kind)]; }
    int64_t last(int kind) const { return last_[static_cast<size_t>(kind)]; }

   private:
    int64_t period_us_;
    std::vector<SeenGroup> groups_;
    std::vector<size_t> ends_;  // [frames] behind each frame's groups
    std::vector<bool> clear_;   // [frames]
    std::array<int64_t, row::kinds> first_, last_;
};

struct HaystackOptions {
    uint64_t seed = 1;
    int64_t period_us = 1'000'000;  // between frames; whole seconds, so that a written time names a frame
    int64_t frames = 1'000;         // about how long it will get: the rare kinds come somewhere in there
    double kinds = 3.3;             // in a frame, on average: about 4.5 rows
    bool noisy_aside = false;       // kinds set aside flicker too, and are seen where they are not
};

// The same options and set-aside kinds give the same rows. A copy goes on as the original would. One thread at a time.
class Haystack {
   public:
    Haystack(const HaystackOptions& options, std::span<const int> set_aside);

    // Appends the rows of the next frame, rows [.., feature_dim] and times_us [..], and returns how many.
    size_t next(std::vector<float>& rows, std::vector<int64_t>& times_us);
    // One object of a kind set aside is there from the next frame on, for `frames` frames, apart from the others. While
    // it is there, and a frame before and after, the detector does not flicker (but with noisy_aside): what is tested
    // is memory, not sight.
    void hide(int kind, int64_t frames);

    const FrameLog& log() const { return log_; }

   private:
    struct Visitor {
        int kind = 0;
        int64_t until = 0;                                            // the first frame without it
        float cx = 0, cy = 0, width = 0, height = 0, dx = 0, dy = 0;  // shares of the picture; a frame's step
        int64_t unseen_until = 0;                                     // flicker
    };
    struct Rare {
        int kind;
        int64_t frame;
    };
    double unit();  // [0, 1)
    double normal();
    int64_t between(double low, double high);  // low..high, as many short ones as long ones
    bool set_aside(int kind) const { return set_aside_[static_cast<size_t>(kind)]; }
    double coming_rate() const;
    void arrive(int kind);
    void come_and_go();
    Object box_of(const Visitor& visitor) const;
    Object reported(const Visitor& visitor, bool steady);
    std::vector<Object> detect(bool steady);
    std::vector<SeenGroup> there() const;
    void change_scene();

    HaystackOptions options_;
    std::mt19937_64 random_;
    std::array<bool, row::kinds> set_aside_{};
    std::vector<int> common_;
    std::vector<int> falsely_;  // kinds of boxes around nothing
    std::vector<Rare> rare_;    // the last one comes first
    std::vector<Visitor> visitors_;
    std::vector<Object> false_;  // boxes around nothing
    int64_t false_until_ = 0;
    int64_t steady_until_ = 0;
    Scene scene_;
    Tracker tracker_;
    TokenRows token_rows_;
    FrameLog log_;
};

}  // namespace lv
