// Rows of a stream as they would have been, had it begun later: its clock at 0:00 there, a second a frame, and nothing
// seen before.
//
// What was seen (scenes, boxes, motion, numbers) stays; what looks back is reckoned again: what is new, a record, how
// often a kind came and as the how manieth, the numbers of events, times. A model that was shown whole videos reads
// such rows as it was taught.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/core/tensor.h"
#include "vision/row_layout.h"

namespace lv {

// Given all rows from a frame on, makes those of a TokenRows whose first frame it was. (Of more than row::object_rows
// kinds it cannot choose others than were chosen.) One thread at a time.
class RowsAnew {
   public:
    // Whole frames as TokenRows::append makes them: rows [.., feature_dim].
    // Replaces what is in `out` and `out_us`, keeping their room; without what left in the very first frame. The k-th
    // frame made since the beginning, from 0, has the time k * period_us.
    void make(ConstMatrix rows, std::vector<float>& out, std::vector<int64_t>& out_us);

    int64_t frames() const { return frames_; }
    static constexpr int64_t period_us = 1'000'000;

   private:
    struct Kind {
        int32_t most = 0, appeared = 0, first_rank = 0;  // as in TokenRows; most: up to 8
    };
    void make_object(int kind, int32_t count, std::span<float> row);

    std::array<Kind, row::kinds> kinds_{};
    int32_t kinds_seen_ = 0;
    int32_t newest_kind_ = -1;
    uint64_t events_ = 0;
    int64_t frames_ = 0;
};

}  // namespace lv
