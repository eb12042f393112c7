// Which rows of a memory are one frame, and how much each frame differs from the one before it: what thinning goes by.
//
// A frame is a run of neighbouring rows of one time. Its change is measured without knowing what the columns mean:
//   change = |sum_now - sum_before|^2 / (|sum_now|^2 + |sum_before|^2), in 0..2
// with the sums over the rows of a frame (so their order does not matter) and without the columns that tell the time.
// 0: the frame shows what the last one showed. Copies share what lies behind, as PrefixList.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/config.h"
#include "engine/prefix_list.h"
#include "kernels/core/tensor.h"

namespace lv {

struct FrameMark {
    uint32_t rows = 0;
    float change = 0;
};

class FrameIndex {
   public:
    // The frame that rows may still join, and what it will be compared with.
    struct Open {
        uint32_t rows = 0;
        int64_t time_us = 0;
        bool first = true;               // no frame of a video came before
        std::vector<float> sum, before;  // [feature_dim]
    };

    FrameIndex() = default;
    explicit FrameIndex(const RowLayout& layout);
    // As an index whose marks() and open() were these. Throws Error when the sums are not of this layout.
    FrameIndex(const RowLayout& layout, PrefixList<FrameMark> marks, Open open);

    // Rows of a video [n, feature_dim] with their times.
    void add(ConstMatrix rows, std::span<const int64_t> times_us);
    // Rows of text: each a frame of its own, all of it new.
    void add_text(size_t rows);
    // After thinning: what is left of the complete frames, and rows of the open one.
    void keep(PrefixList<FrameMark> marks, uint32_t open_rows);
    void reserve_text(size_t rows) { marks_.reserve(rows + 1); }

    // The frames that are complete, oldest first; open() follows them.
    const PrefixList<FrameMark>& marks() const { return marks_; }
    const Open& open() const { return open_; }
    size_t bytes() const { return marks_.bytes(); }  // grows with the frames
    size_t state_bytes() const { return (open_.sum.size() + open_.before.size()) * sizeof(float); }  // constant

   private:
    void close();

    RowLayout layout_;
    PrefixList<FrameMark> marks_;
    Open open_;
};

}  // namespace lv
