#include "kernels/key_summary.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "kernels/core/device.h"
#include "kernels/core/scratch.h"
#include "kernels/simd/simd.h"

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

void summarise_keys(Device* device, const KvPiece& keys, size_t kv_heads, size_t head_dim, std::span<Half> to) {
    assert(head_dim <= 512 && to.size() >= summary_blocks(keys.rows) * kv_heads * 2 * head_dim);
    if (device) return device->summarise_keys(keys, kv_heads, head_dim, to);
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

void bound_logits(const Context& context, const AttentionInput& input, std::span<const std::span<const Half>> summaries,
                  std::span<float> bounds) {
    const size_t heads = input.heads, group = heads / input.kv_heads, dim = input.head_dim, pages = summaries.size();
    assert(input.q.rows == 1 && bounds.size() == heads * pages);
    if (Device* device = context.device()) return device->bound_logits(input, summaries, bounds);
    // sum_i max(q_i least_i, q_i largest_i) is one dot product: the negative q_i meet the least, the others the
    // largest.
    float* split = thread_scratch(ScratchSlot::key_bounds, ScratchCursor::room(heads * 2 * dim));
    for (size_t head = 0; head < heads; ++head) {
        const float factor = input.scale * (input.logit_scale.data ? input.logit_scale.at(0, head) : 1);
        for (size_t i = 0; i < dim; ++i) {
            const float value = input.q.at(0, head * dim + i) * factor;
            split[head * 2 * dim + i] = std::min(value, 0.0f);
            split[head * 2 * dim + dim + i] = std::max(value, 0.0f);
        }
    }
    context.parallel_for(0, pages, 64, [&](size_t first, size_t last) {
        constexpr size_t at_once = 64;  // blocks
        float* logits = thread_scratch(ScratchSlot::key_bound_blocks, group * at_once);
        for (size_t page = first; page < last; ++page) {
            const size_t blocks = summaries[page].size() / (input.kv_heads * 2 * dim);
            for (size_t head = 0; head < heads; ++head)
                bounds[head * pages + page] = -std::numeric_limits<float>::infinity();
            for (size_t block = 0; block < blocks; block += at_once) {
                const size_t count = std::min(at_once, blocks - block);
                for (size_t kv_head = 0; kv_head < input.kv_heads; ++kv_head) {
                    simd().dots_f16(split + kv_head * group * 2 * dim, 2 * dim, group,
                                    summaries[page].data() + (block * input.kv_heads + kv_head) * 2 * dim,
                                    input.kv_heads * 2 * dim, count, 2 * dim, logits, at_once);
                    for (size_t i = 0; i < group; ++i) {
                        float& bound = bounds[(kv_head * group + i) * pages + page];
                        bound = std::max(bound, *std::max_element(logits + i * at_once, logits + i * at_once + count));
                    }
                }
            }
        }
    });
}

}  // namespace lv
