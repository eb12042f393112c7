// Parts that attention over few and over many rows share: blocks of keys, dense queries, the running softmax.
// Internal to attention_*.cpp.
#pragma once

#include <algorithm>
#include <limits>

#include "kernels/attention_tasks.h"
#include "kernels/core/scratch.h"
#include "kernels/simd/simd.h"

namespace lv {

// Keys [first, last) of a block that row `row` of q may see; empty when first >= last.
struct SeenKeys {
    size_t first, last;
};
inline SeenKeys visible(const AttentionInput& input, size_t row, uint64_t block_first, size_t block_keys) {
    if (!input.causal) return {0, block_keys};
    uint64_t own = input.first_row + row, end = own + 1;
    uint64_t begin = input.window && end > input.window ? end - input.window : 0;
    size_t first = begin > block_first ? size_t(std::min<uint64_t>(begin - block_first, block_keys)) : 0;
    size_t last = end > block_first ? size_t(std::min<uint64_t>(end - block_first, block_keys)) : 0;
    return {first, last};
}

// Calls fn(piece, row in the piece, keys, number of the first among all pieces' keys) for blocks of at most
// attention_block_keys keys of one piece that some row of the task may see.
template <typename Fn>
void for_blocks(const AttentionTask& task, Fn fn) {
    size_t ordinal = 0;
    for (const KvPiece& piece : task.input.pieces) {
        // Rows see rising ranges: the first row's begins, the last row's ends what the task needs of the piece.
        size_t first = visible(task.input, task.first_row, piece.first_row, piece.rows).first;
        size_t last = visible(task.input, task.last_row - 1, piece.first_row, piece.rows).last;
        size_t begin = std::max(task.first_key, ordinal + first), end = std::min(task.last_key, ordinal + last);
        for (size_t at = begin; at < end; at += attention_block_keys)
            fn(piece, at - ordinal, std::min(attention_block_keys, end - at), at);
        ordinal += piece.rows;
        if (ordinal >= task.last_key) break;
    }
}

inline const std::byte* place(const KvPiece& piece, const void* data, size_t row, size_t col) {
    return static_cast<const std::byte*>(data) + (row * piece.stride + col) * dtype_bytes(piece.dtype);
}

// The queries of one kv head as a dense [rows * group, head_dim], logit factors multiplied in.
struct Queries {
    const AttentionTask& task;
    size_t group, dim;
    explicit Queries(const AttentionTask& task_)
        : task(task_), group(task_.input.heads / task_.input.kv_heads), dim(task_.input.head_dim) {}
    size_t count() const { return (task.last_row - task.first_row) * group; }
    size_t row(size_t index) const { return task.first_row + index / group; }
    size_t head(size_t index, size_t kv_head) const { return kv_head * group + index % group; }

    void copy(size_t kv_head, float* to) const {
        const AttentionInput& input = task.input;
        for (size_t i = 0; i < count(); ++i) {
            size_t r = row(i), h = head(i, kv_head);
            float factor = input.scale * (input.logit_scale.data ? input.logit_scale.at(r, h) : 1);
            simd().scale_by(input.q.data + r * input.q.stride + h * dim, nullptr, factor, to + i * dim, dim);
        }
    }
};

// Running results of the task's rows for one kv head, dense while the task runs.
struct Running {
    float *out, *max, *sum;  // [queries, dim], [queries], [queries]

    void start(const Queries& queries) {
        std::fill_n(out, queries.count() * queries.dim, 0.0f);
        std::fill_n(max, queries.count(), -std::numeric_limits<float>::infinity());
        std::fill_n(sum, queries.count(), 0.0f);
    }
    void finish(const Queries& queries, size_t kv_head) const {
        const AttentionPart& part = queries.task.part;
        for (size_t i = 0; i < queries.count(); ++i) {
            size_t row = queries.row(i), head = queries.head(i, kv_head);
            std::copy_n(out + i * queries.dim, queries.dim, part.out.data + row * part.out.stride + head * queries.dim);
            part.max.at(row, head) = max[i];
            part.sum.at(row, head) = sum[i];
        }
    }
};

inline size_t padded_dim(size_t dim) { return (dim + panel_cols - 1) / panel_cols * panel_cols; }

// rows[i, key] *= scales[key * step] for `count` rows of attention_block_keys.
void scale_keys(const float* scales, size_t step, size_t keys, size_t count, float* rows);

// logits [count, attention_block_keys] of `keys` keys from `row` of the piece on, by dotting them as they lie.
void dot_keys(const KvPiece& piece, size_t row, size_t keys, size_t kv_head, size_t kv_heads, const float* queries,
              size_t count, size_t dim, float* logits);

// One row of logits becomes weights exp(s - max), zero outside what is visible; out, max and sum follow the new max.
void soften(float* logits, size_t keys, SeenKeys seen, float& max, float& sum, float* out, size_t dim);

// weights [count, attention_block_keys] of a block of `keys` keys, times the values' scales where they are int8, packed
// into strips for add_values: strip i at i * tile_rows * keys, [keys][rows of the strip].
void pack_weights(const KvPiece& piece, size_t row, size_t keys, size_t kv_head, size_t kv_heads, float* weights,
                  size_t count, float* packed);

// out [count, dim] += weights values for keys [first, first + some) of that block. `wide` has room for `some` rows of
// padded_dim(dim) floats.
void add_values(const KvPiece& piece, size_t row, size_t keys, size_t first, size_t some, size_t kv_head,
                const float* packed, size_t count, size_t dim, float* wide, float* out);

}  // namespace lv
