// What choosing the next token needs from one row of logits: softmax, the largest, the k largest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/core/context.h"

namespace lv {

// x[i] = exp((x[i] - max) * inverse_temperature) / sum. In place; no NaN inside; -inf means probability 0.
void softmax(std::span<float> x, float inverse_temperature = 1);

// Index of the largest; the first of equals. x must not be empty.
size_t argmax(std::span<const float> x);

struct Likeliest {
    uint32_t index = 0;     // of the largest; the first of equals
    float probability = 0;  // its share in softmax(x)
};
// x must not be empty. A device sends nothing else to the host, and is waited for.
Likeliest likeliest(const Context& context, std::span<const float> x);

// The min(top.size(), x.size()) largest indices, largest first, the lower index first among equals. Returns how many.
size_t top_k(std::span<const float> x, std::span<uint32_t> top);

}  // namespace lv
