// Columns of a feature row: the contract between token_rows, the trainer (tools/train/layout.py) and the engine.
//
// A frame is one row for each kind that was there in the frame before and is gone (by kind; with the time of that
// frame, when it was last seen), then one scene row, then one object row for each kind in it (left to right by mean
// centre). A time row stands for a time in a question.
#pragma once

#include <cstddef>

namespace lv::row {

constexpr size_t is_scene = 0, is_object = 1, is_time = 2, last_of_frame = 3;
constexpr size_t kind = 4, kinds = 80;    // object row: 1 at its kind; scene row: min(count, 8) / 2 of each kind
constexpr size_t count = 84, counts = 9;  // one-hot 0..7, 8+; scene row: number of object rows with a count
constexpr size_t appeared = 93, gone = 94, more = 95, fewer = 96, first_ever = 97, record = 98;
constexpr size_t ordinal = 99, ordinals = 8;             // how often the kind has appeared so far, one-hot 1..7, 8+
constexpr size_t first_rank = 107, first_ranks = 12;     // the k-th kind ever seen, one-hot 1..11, 12+
constexpr size_t rank = 119, ranks = 8;                  // k-th object row (count > 0) of the frame, one-hot 0..7
constexpr size_t left = 127, middle = 128, right = 129;  // one of the kind has its centre in that third
constexpr size_t top = 130, centre = 131, bottom = 132;
constexpr size_t box = 133;                    // cx cy w h of the largest, 0..1
constexpr size_t score = 137;                  // the best
constexpr size_t size = 138;                   // square root of the largest box's area
constexpr size_t motion = 139, motions = 6;    // left, right, up, down, closer, still: the largest, since it came
constexpr size_t cut = 145;                    // scene row: first frame or hard cut
constexpr size_t roll = 146;                   // object row: read again at a question; the engine fills it
constexpr size_t first_rank_part = 147;        // object row: the k-th kind ever seen, k / first_rank_unit
constexpr size_t most = 148;                   // object row: the most of the kind at once so far, as count
constexpr size_t fourier = 160, periods = 16;  // sin, cos of 2 pi t / T_i; T_i = 2 s * 1.8^i
constexpr double first_period_s = 2, period_ratio = 1.8;
constexpr size_t scene = 192, scenes = 1000;  // scene row: the largest probabilities of the 1000-class head, others 0
constexpr size_t scenes_kept = 5;
constexpr size_t previous = 1192;     // 80: row of a kind seen for the first time ever: the kind new before it
constexpr size_t no_previous = 1272;  // there was none
constexpr size_t future = 1273;       // time row: beyond the last frame; the engine fills it
// Events (a kind comes or goes) counted modulo 7, 8, 9, one-hot each, 24 columns: of a scene row those up to its frame,
// of an event's row those before it. What comes next has the same code in the same columns: it is found by likeness.
constexpr size_t events_before = 1274;
constexpr size_t events_with = 1298;  // of an event's row, with itself: what the next event has in events_before
constexpr size_t event_moduli[] = {7, 8, 9};
// 80: object row: the kind just left of it in its frame. The next of a list is found by what was said last.
constexpr size_t neighbour = 1322;
constexpr size_t feature_dim = 1402;

constexpr size_t object_rows = 8;  // kinds with a count a frame, at most
constexpr float first_rank_unit = 24;
constexpr float motion_threshold = 0.12f;  // of the picture's side
constexpr float closer_ratio = 1.4f;       // growth of the box's height

}  // namespace lv::row
