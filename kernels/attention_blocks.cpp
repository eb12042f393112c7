#include "kernels/attention_blocks.h"

#include <cassert>
#include <cmath>

namespace lv {

void scale_keys(const float* scales, size_t step, size_t keys, size_t count, float* rows) {
    float dense[attention_block_keys];
    for (size_t key = 0; key < keys; ++key) dense[key] = scales[key * step];
    for (size_t i = 0; i < count; ++i)
        simd().scale_by(rows + i * attention_block_keys, dense, 1, rows + i * attention_block_keys, keys);
}

void dot_keys(const KvPiece& piece, size_t row, size_t keys, size_t kv_head, size_t kv_heads, const float* queries,
              size_t count, size_t dim, float* logits) {
    const SimdTable& table = simd();
    const std::byte* at = place(piece, piece.keys, row, kv_head * dim);
    switch (piece.dtype) {
        case DType::f32:
            return table.dots_f32(queries, dim, count, reinterpret_cast<const float*>(at), piece.stride, keys, dim,
                                  logits, attention_block_keys);
        case DType::f16:
            return table.dots_f16(queries, dim, count, reinterpret_cast<const Half*>(at), piece.stride, keys, dim,
                                  logits, attention_block_keys);
        default:
            break;
    }
    assert(piece.dtype == DType::i8);
    table.dots_i8(queries, dim, count, reinterpret_cast<const int8_t*>(at), piece.stride, keys, dim, logits,
                  attention_block_keys);
    scale_keys(piece.key_scales + row * kv_heads + kv_head, kv_heads, keys, count, logits);
}

void soften(float* logits, size_t keys, SeenKeys seen, float& max, float& sum, float* out, size_t dim) {
    if (seen.first >= seen.last) {
        std::fill_n(logits, keys, 0.0f);
        return;
    }
    const SimdTable& table = simd();
    float largest = std::max(max, table.max(logits + seen.first, seen.last - seen.first));
    if (largest > max) {
        float keep = std::exp(max - largest);  // 0 at first, when max is -infinity
        if (sum > 0) table.scale_by(out, nullptr, keep, out, dim);
        sum *= keep;
        max = largest;
    }
    std::fill(logits, logits + seen.first, 0.0f);
    std::fill(logits + seen.last, logits + keys, 0.0f);
    sum += table.exp_sum(logits + seen.first, seen.last - seen.first, 1, max);
}

void pack_weights(const KvPiece& piece, size_t row, size_t keys, size_t kv_head, size_t kv_heads, float* weights,
                  size_t count, float* packed) {
    if (piece.dtype == DType::i8)
        scale_keys(piece.value_scales + row * kv_heads + kv_head, kv_heads, keys, count, weights);
    const SimdTable& table = simd();
    for (size_t i = 0; i < count; i += table.tile_rows)
        table.pack_a(weights + i * attention_block_keys, attention_block_keys, 1, std::min(table.tile_rows, count - i),
                     keys, packed + i * keys);
}

void add_values(const KvPiece& piece, size_t row, size_t keys, size_t first, size_t some, size_t kv_head,
                const float* packed, size_t count, size_t dim, float* wide, float* out) {
    const SimdTable& table = simd();
    GemmTile tile;
    tile.k = some;
    tile.c_stride = dim;
    tile.accumulate = true;
    auto product = piece.dtype == DType::f32   ? table.gemm_f32
                   : piece.dtype == DType::f16 ? table.gemm_f16
                                               : table.gemm_i8;
    const std::byte* values = place(piece, piece.values, row + first, kv_head * dim);
    size_t value_bytes = dtype_bytes(piece.dtype);
    tile.b_stride = piece.stride;
    if (dim % panel_cols != 0) {
        // A tile reads whole panels; the copy keeps that inside our own memory.
        tile.b_stride = padded_dim(dim);
        std::byte* copy = reinterpret_cast<std::byte*>(wide);
        for (size_t key = 0; key < some; ++key) {
            const std::byte* from = values + key * piece.stride * value_bytes;
            std::byte* to = copy + key * tile.b_stride * value_bytes;
            std::copy(from, from + dim * value_bytes, to);
            std::fill(to + dim * value_bytes, to + tile.b_stride * value_bytes, std::byte{0});
        }
        values = copy;
    }
    for (size_t i = 0; i < count; i += table.tile_rows) {
        tile.m = std::min(table.tile_rows, count - i);
        tile.a = packed + i * keys + first * tile.m;
        tile.b = values;
        tile.n = dim;
        tile.c = out + i * dim;
        product(tile);
    }
}

}  // namespace lv
