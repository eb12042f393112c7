#include "engine/frame_index.h"

#include <algorithm>

#include "kernels/core/error.h"

namespace lv {

namespace {

constexpr float whole_change = 2;  // of the first frame, and of text

struct Sums {
    float difference = 0, both = 0;
};

void compare(std::span<const float> now, std::span<const float> before, Sums& sums) {
    float difference = 0, both = 0;
#pragma omp simd reduction(+ : difference, both)
    for (size_t i = 0; i < now.size(); ++i) {
        difference += (now[i] - before[i]) * (now[i] - before[i]);
        both += now[i] * now[i] + before[i] * before[i];
    }
    sums.difference += difference;
    sums.both += both;
}

}  // namespace

FrameIndex::FrameIndex(const RowLayout& layout) : layout_(layout) {
    open_.sum.resize(layout.feature_dim);
    open_.before.resize(layout.feature_dim);
}

FrameIndex::FrameIndex(const RowLayout& layout, PrefixList<FrameMark> marks, Open open)
    : layout_(layout), marks_(std::move(marks)), open_(std::move(open)) {
    require(open_.sum.size() == layout.feature_dim && open_.before.size() == layout.feature_dim,
            "Making a frame index: sums of ", open_.sum.size(), " and ", open_.before.size(), " columns, expected ",
            layout.feature_dim, ".");
}

void FrameIndex::add(ConstMatrix rows, std::span<const int64_t> times_us) {
    assert(rows.cols == layout_.feature_dim && times_us.size() == rows.rows);
    for (size_t row = 0; row < rows.rows; ++row) {
        if (open_.rows > 0 && open_.time_us != times_us[row]) close();
        open_.time_us = times_us[row];
        ++open_.rows;
        const std::span<const float> from = rows.row(row);
        float* sum = open_.sum.data();
#pragma omp simd
        for (size_t i = 0; i < from.size(); ++i) sum[i] += from[i];
    }
}

void FrameIndex::add_text(size_t rows) {
    if (open_.rows > 0) close();
    for (size_t row = 0; row < rows; ++row) marks_.push_back({1, whole_change});
}

void FrameIndex::keep(PrefixList<FrameMark> marks, uint32_t open_rows) {
    assert(open_rows <= open_.rows);
    marks_ = std::move(marks);
    open_.rows = open_rows;
}

void FrameIndex::close() {
    float change = whole_change;
    if (!open_.first) {
        const std::span<const float> now = open_.sum, before = open_.before;
        const size_t time_first = std::min(layout_.fourier_first, now.size());
        const size_t time_last = std::min(time_first + 2 * layout_.fourier_count, now.size());
        Sums sums;
        compare(now.first(time_first), before.first(time_first), sums);
        compare(now.subspan(time_last), before.subspan(time_last), sums);
        change = sums.both > 0 ? sums.difference / sums.both : 0;
    }
    marks_.push_back({open_.rows, change});
    open_.rows = 0;
    open_.first = false;
    open_.before.swap(open_.sum);
    open_.sum.assign(layout_.feature_dim, 0.0f);
}

}  // namespace lv
