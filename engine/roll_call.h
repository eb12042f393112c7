// The last row about each kind of thing, kept beside the cache and read once more when a question comes: the roll call.
//
// When and where a thing was last stands in the newest of its many rows. Those are alike, and a softmax over likeness
// does not find the newest of hundreds; so a memory holds that row itself, for every kind: bounded, as the state is,
// whatever the length. A question's fork reads these rows behind the video's, each marked in the column
// RowLayout::roll.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/config.h"
#include "kernels/core/tensor.h"

namespace lv {

// Copies share their rows. One thread at a time.
class RollCall {
   public:
    // Of a layout without a roll call it stays empty.
    RollCall() = default;
    explicit RollCall(const RowLayout& layout);

    // Rows of a video [n, feature_dim] with their times: each about a kind takes the place of the one before it.
    void add(ConstMatrix rows, std::span<const int64_t> times_us);

    // The kinds that were there so far.
    size_t size() const { return size_; }
    // Their rows, by kind: values [size(), feature_dim], marked, and times [size()].
    void write(std::vector<float>& values, std::vector<int64_t>& times_us) const;
    size_t bytes() const;  // the same at any length

   private:
    struct Row {
        bool came = false;
        int64_t time_us = 0;
        std::vector<float> values;  // [feature_dim]
    };

    RowLayout layout_;
    std::vector<std::shared_ptr<const Row>> newest_;  // [kinds]
    size_t size_ = 0;
};

}  // namespace lv
