#include "kernels/key_codes.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include "kernels/core/device.h"
#include "kernels/core/scratch.h"
#include "kernels/simd/simd.h"

namespace lv {
namespace {

constexpr float largest_half = 65504;
constexpr size_t most_dim = 512;

using Line = std::array<float, most_dim>;

void widen(const KvPiece& piece, size_t row, size_t head, size_t head_dim, size_t kv_heads, std::span<float> to) {
    const size_t at = row * piece.stride + head * head_dim;
    if (piece.dtype == DType::f32) {
        std::copy_n(static_cast<const float*>(piece.keys) + at, head_dim, to.data());
    } else if (piece.dtype == DType::f16) {
        convert(std::span(static_cast<const Half*>(piece.keys) + at, head_dim), to);
    } else {
        assert(piece.dtype == DType::i8);
        for (size_t i = 0; i < head_dim; ++i)
            to[i] = float(static_cast<const int8_t*>(piece.keys)[at + i]) * piece.key_scales[row * kv_heads + head];
    }
}

void code_head(const KvPiece& keys, size_t head, size_t kv_heads, size_t head_dim, std::byte* to) {
    Line line, least, largest, inverse;
    const std::span<float> values(line.data(), head_dim);
    const std::span<Half> leasts(reinterpret_cast<Half*>(to), head_dim), steps(leasts.data() + head_dim, head_dim);
    least.fill(largest_half);
    largest.fill(-largest_half);
    for (size_t row = 0; row < keys.rows; ++row) {
        widen(keys, row, head, head_dim, kv_heads, values);
        for (size_t i = 0; i < head_dim; ++i) {
            const float value = std::clamp(line[i], -largest_half, largest_half);
            least[i] = std::min(least[i], value);
            largest[i] = std::max(largest[i], value);
        }
    }
    for (size_t i = 0; i < head_dim; ++i) {
        leasts[i] = to_half(least[i]);
        least[i] = to_float(leasts[i]);
        steps[i] = to_half((largest[i] - least[i]) / 15);
        const float step = to_float(steps[i]);
        inverse[i] = step > 0 ? 1 / step : 0;
    }
    const size_t words = coded_words(head_dim), half = 4 * words;
    auto* const codes = reinterpret_cast<uint8_t*>(to + 4 * head_dim);
    std::array<uint8_t, most_dim> code{};
    for (size_t row = 0; row < coded_groups(keys.rows) * coded_group; ++row) {
        if (row < keys.rows) {
            widen(keys, row, head, head_dim, kv_heads, values);
            for (size_t i = 0; i < head_dim; ++i)
                code[i] = uint8_t(std::lrintf(std::clamp((line[i] - least[i]) * inverse[i], 0.0f, 15.0f)));
        }
        uint8_t* own = codes + (row / coded_group * words * coded_group + row % coded_group) * 4;
        for (size_t i = 0; i < half; ++i) own[i / 4 * coded_group * 4 + i % 4] = uint8_t(code[i] | code[half + i] << 4);
    }
}

}  // namespace

void code_keys(Device* device, const KvPiece& keys, size_t kv_heads, size_t head_dim, std::span<std::byte> to) {
    assert(head_dim <= most_dim && keys.rows > 0 && to.size() >= key_code_bytes(keys.rows, kv_heads, head_dim));
    if (device) return device->code_keys(keys, kv_heads, head_dim, to);
    for (size_t head = 0; head < kv_heads; ++head)
        code_head(keys, head, kv_heads, head_dim, to.data() + head * coded_head_bytes(keys.rows, head_dim));
}

void estimate_logits(const Context& context, const AttentionInput& input,
                     std::span<const std::span<const std::byte>> codes, std::span<float> estimates) {
    const size_t heads = input.heads, group = heads / input.kv_heads, dim = input.head_dim, pages = codes.size();
    assert(input.q.rows == 1 && dim <= most_dim && estimates.size() == heads * pages);
    if (Device* device = context.device()) return device->estimate_logits(input, codes, estimates);
    float* const queries = thread_scratch(ScratchSlot::key_queries, heads * dim);
    for (size_t head = 0; head < heads; ++head) {
        const float factor = input.scale * (input.logit_scale.data ? input.logit_scale.at(0, head) : 1);
        for (size_t i = 0; i < dim; ++i) queries[head * dim + i] = input.q.at(0, head * dim + i) * factor;
    }
    context.parallel_for(0, pages, 64, [&](size_t first, size_t last) {
        for (size_t page = first; page < last; ++page) {
            const size_t head_bytes = codes[page].size() / input.kv_heads;
            const size_t groups = (head_bytes - 4 * dim) / coded_group_bytes(dim);
            for (size_t kv_head = 0; kv_head < input.kv_heads; ++kv_head)
                simd().most_coded(queries + kv_head * group * dim, group, codes[page].data() + kv_head * head_bytes,
                                  groups, dim, &estimates[kv_head * group * pages + page], pages);
        }
    });
}

}  // namespace lv
