#include "kernels/key_summary.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace lv {
namespace {

constexpr float largest_half = 65504;

// The nearest f16 that is not above (down) or not below (up); what f16 cannot hold is cut off at its ends.
Half outwards(float value, bool down) {
    value = std::clamp(value, -largest_half, largest_half);
    Half half = to_half(value);
    float rounded = to_float(half);
    if (down ? rounded <= value : rounded >= value) return half;
    if (rounded == 0) return {uint16_t(down ? 0x8001 : 0x0001)};
    // One step towards zero or away from it: the bits of a finite f16 count its magnitude.
    return {uint16_t((rounded > 0) == down ? half.bits - 1 : half.bits + 1)};
}

void widen(const KvPiece& piece, size_t row, size_t head, size_t head_dim, const float* scales, size_t kv_heads,
           std::span<float> to) {
    size_t at = row * piece.stride + head * head_dim;
    if (piece.dtype == DType::f32) {
        std::copy_n(static_cast<const float*>(piece.keys) + at, head_dim, to.data());
    } else if (piece.dtype == DType::f16) {
        convert(std::span(static_cast<const Half*>(piece.keys) + at, head_dim), to);
    } else {
        assert(piece.dtype == DType::i8);
        for (size_t i = 0; i < head_dim; ++i)
            to[i] = float(static_cast<const int8_t*>(piece.keys)[at + i]) * scales[row * kv_heads + head];
    }
}

}  // namespace

void summarise_keys(const KvPiece& keys, size_t kv_heads, size_t head_dim, std::span<Half> to) {
    assert(head_dim <= 512 && to.size() >= summary_blocks(keys.rows) * kv_heads * 2 * head_dim);
    float least[512], largest[512], line[512];
    for (size_t first = 0; first < keys.rows; first += summary_keys)
        for (size_t head = 0; head < kv_heads; ++head) {
            size_t last = std::min(keys.rows, first + summary_keys);
            for (size_t row = first; row < last; ++row) {
                widen(keys, row, head, head_dim, keys.key_scales, kv_heads, {line, head_dim});
                for (size_t i = 0; i < head_dim; ++i) {
                    least[i] = row == first ? line[i] : std::min(least[i], line[i]);
                    largest[i] = row == first ? line[i] : std::max(largest[i], line[i]);
                }
            }
            Half* block = to.data() + (first / summary_keys * kv_heads + head) * 2 * head_dim;
            for (size_t i = 0; i < head_dim; ++i) {
                block[i] = outwards(least[i], true);
                block[head_dim + i] = outwards(largest[i], false);
            }
        }
}

}  // namespace lv
