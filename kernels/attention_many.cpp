#include <algorithm>

#include "kernels/attention_blocks.h"

namespace lv {

void attend_many_rows(const AttentionTask& task) {
    const SimdTable& table = simd();
    Queries queries(task);
    size_t count = queries.count(), dim = queries.dim, kv_head = task.first_kv_head, kv_heads = task.input.kv_heads;
    auto room = ScratchCursor::room;
    ScratchCursor scratch(thread_scratch(ScratchSlot::attention_task,
                                         3 * room(count * dim) + 2 * room(count) + room(count * attention_block_keys) +
                                             room(count * attention_block_keys) +
                                             3 * room(attention_block_keys * padded_dim(dim)) +
                                             room(attention_block_keys)));
    float* q = scratch.take(count * dim);
    float* packed_q = scratch.take(count * dim);
    Running running;
    running.out = scratch.take(count * dim);
    running.max = scratch.take(count);
    running.sum = scratch.take(count);
    float* logits = scratch.take(count * attention_block_keys);
    float* packed = scratch.take(count * attention_block_keys);
    float* wide = scratch.take(attention_block_keys * padded_dim(dim));
    float* keys_f32 = scratch.take(attention_block_keys * padded_dim(dim));
    float* turned = scratch.take(attention_block_keys * padded_dim(dim));
    float* key_scales = scratch.take(attention_block_keys);
    running.start(queries);
    queries.copy(kv_head, q);
    for (size_t i = 0; i < count; i += table.tile_rows)
        table.pack_a(q + i * dim, dim, 1, std::min(table.tile_rows, count - i), dim, packed_q + i * dim);

    for_blocks(task, [&](const KvPiece& piece, size_t row, size_t keys, size_t) {
        // turned [dim, block keys] = the keys, as the right side of a product
        for (size_t key = 0; key < keys; ++key) {
            const std::byte* from = place(piece, piece.keys, row + key, kv_head * dim);
            float* to = keys_f32 + key * dim;
            if (piece.dtype == DType::f32) std::copy_n(reinterpret_cast<const float*>(from), dim, to);
            if (piece.dtype == DType::f16) table.half_to_float(reinterpret_cast<const Half*>(from), to, dim);
            if (piece.dtype == DType::i8) std::copy_n(reinterpret_cast<const int8_t*>(from), dim, to);
        }
        std::fill(keys_f32 + keys * dim, keys_f32 + attention_block_keys * dim, 0.0f);
        table.pack_a(keys_f32, dim, 1, attention_block_keys, dim, turned);
        GemmTile tile;
        tile.k = dim;
        tile.b_stride = attention_block_keys;
        tile.c_stride = attention_block_keys;
        if (piece.dtype == DType::i8)
            for (size_t key = 0; key < attention_block_keys; ++key)
                key_scales[key] = key < keys ? piece.key_scales[(row + key) * kv_heads + kv_head] : 0;
        for (size_t i = 0; i < count; i += table.tile_rows) {
            tile.m = std::min(table.tile_rows, count - i);
            tile.a = packed_q + i * dim;
            for (size_t col = 0; col < keys; col += panel_cols) {
                tile.n = panel_cols;
                tile.b = turned + col;
                tile.c = logits + i * attention_block_keys + col;
                tile.scales = piece.dtype == DType::i8 ? key_scales + col : nullptr;
                table.gemm_f32(tile);
            }
        }
        for (size_t i = 0; i < count; ++i)
            soften(logits + i * attention_block_keys, keys,
                   visible(task.input, queries.row(i), piece.first_row + row, keys), running.max[i], running.sum[i],
                   running.out + i * dim, dim);
        pack_weights(piece, row, keys, kv_head, kv_heads, logits, count, packed);
        add_values(piece, row, keys, 0, keys, kv_head, packed, count, dim, wide, running.out);
    });
    running.finish(queries, kv_head);
}

}  // namespace lv
