// What choosing the next token needs from one row of logits: the largest, the k largest, and a draw by chance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/core/context.h"

namespace lv {

// Index of the largest; the first of equals. x must not be empty.
size_t argmax(std::span<const float> x);

struct Picked {
    uint32_t index = 0;
    float probability = 0;  // its share in softmax(x)
};
// The largest, the first of equals. x must not be empty. A device sends nothing else to the host, and is waited for.
Picked likeliest(const Context& context, std::span<const float> x);

// The min(top.size(), x.size()) largest indices, largest first, the lower index first among equals. Returns how many.
size_t top_k(std::span<const float> x, std::span<uint32_t> top);

struct DrawOptions {
    float temperature = 1;  // above 0
    size_t top_k = 0;       // only among the k largest; 0: all
    float top_p = 1;        // only among the largest that together have this share of softmax(x / temperature)
};
// One index by chance. With d[i] = max(x) - x[i], rounded to f32, index i weighs floor(2^40 exp(-d[i] / temperature)),
// exp in f32; so what is 2^40 times less likely than the first never comes. Allowed are the top_k least d, of equals
// those that come first; of these, in that order, as many as reach ceil(top_p * sum of all weights), the last
// included. Drawn is the first allowed i, by index, for which the weights of the allowed j <= i are more together than
// floor(random / 2^64 * sum of the allowed weights). `random` is any number, all equally likely.
//
// Weights are whole numbers: in whatever order they are added, and wherever, their sums are the same. Two back ends
// draw differently only where their exp differ in the last bits and `random`, or the end of top_p, falls between.
// x must not be empty, has no NaN, a finite largest (others may be -inf) and fewer than 2^23 values. As likeliest(), a
// device sends nothing but the result.
Picked draw(const Context& context, std::span<const float> x, const DrawOptions& options, uint64_t random);

}  // namespace lv
