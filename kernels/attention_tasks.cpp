#include "kernels/attention_tasks.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "kernels/core/scratch.h"
#include "kernels/simd/simd.h"

namespace lv {
namespace {

// Keys [first, last) of a block that row `row` of q may see; empty when first >= last.
struct Span {
    size_t first, last;
};
Span visible(const AttentionInput& input, size_t row, uint64_t block_first, size_t block_keys) {
    if (!input.causal) return {0, block_keys};
    uint64_t own = input.first_row + row, end = own + 1;
    uint64_t begin = input.window && end > input.window ? end - input.window : 0;
    size_t first = begin > block_first ? size_t(std::min<uint64_t>(begin - block_first, block_keys)) : 0;
    size_t last = end > block_first ? size_t(std::min<uint64_t>(end - block_first, block_keys)) : 0;
    return {first, last};
}

// Calls fn(piece, row in the piece, keys, ordinal of the first) for blocks of at most attention_block_keys keys of one
// piece that some row of the task may see.
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

const std::byte* place(const KvPiece& piece, const void* data, size_t row, size_t col) {
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

// rows[i, key] *= scales[key * step] for `count` rows of attention_block_keys.
void scale_keys(const float* scales, size_t step, size_t keys, size_t count, float* rows) {
    float dense[attention_block_keys];
    for (size_t key = 0; key < keys; ++key) dense[key] = scales[key * step];
    for (size_t i = 0; i < count; ++i)
        simd().scale_by(rows + i * attention_block_keys, dense, 1, rows + i * attention_block_keys, keys);
}

// logits [queries, attention_block_keys] of a block by dotting the keys as they lie.
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
        default: break;
    }
    assert(piece.dtype == DType::i8);
    table.dots_i8(queries, dim, count, reinterpret_cast<const int8_t*>(at), piece.stride, keys, dim, logits,
                  attention_block_keys);
    scale_keys(piece.key_scales + row * kv_heads + kv_head, kv_heads, keys, count, logits);
}

// One row of logits becomes weights exp(s - max), zero outside what is visible; out, max and sum follow the new max.
void soften(float* logits, size_t keys, Span seen, float& max, float& sum, float* out, size_t dim) {
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

// out[queries, dim] += weights[queries, keys] values; `packed` has room for one strip of weights, `wide` for the
// block's values as f32, rounded up to whole panels.
void add_values(const KvPiece& piece, size_t row, size_t keys, size_t kv_head, size_t kv_heads, float* weights,
                size_t count, size_t dim, float* packed, float* wide, float* out) {
    const SimdTable& table = simd();
    if (piece.dtype == DType::i8)
        scale_keys(piece.value_scales + row * kv_heads + kv_head, kv_heads, keys, count, weights);
    GemmTile tile;
    tile.k = keys;
    tile.c_stride = dim;
    tile.accumulate = true;
    auto product = piece.dtype == DType::f32 ? table.gemm_f32 : piece.dtype == DType::f16 ? table.gemm_f16 : table.gemm_i8;
    const std::byte* values = place(piece, piece.values, row, kv_head * dim);
    size_t stride = piece.stride, value_bytes = dtype_bytes(piece.dtype);
    if (dim % panel_cols != 0) {
        // A tile reads whole panels; the copy keeps that inside our own memory.
        stride = (dim + panel_cols - 1) / panel_cols * panel_cols;
        std::byte* copy = reinterpret_cast<std::byte*>(wide);
        for (size_t key = 0; key < keys; ++key) {
            const std::byte* from = values + key * piece.stride * value_bytes;
            std::byte* to = copy + key * stride * value_bytes;
            std::copy(from, from + dim * value_bytes, to);
            std::fill(to + dim * value_bytes, to + stride * value_bytes, std::byte{0});
        }
        values = copy;
    }
    tile.b_stride = stride;
    for (size_t i = 0; i < count; i += table.tile_rows) {
        tile.m = std::min(table.tile_rows, count - i);
        table.pack_a(weights + i * attention_block_keys, attention_block_keys, 1, tile.m, keys, packed);
        tile.a = packed;
        for (size_t col = 0; col < dim; col += panel_cols) {
            tile.n = std::min(panel_cols, dim - col);
            tile.b = values + col * value_bytes;
            tile.c = out + i * dim + col;
            product(tile);
        }
    }
}

size_t padded_dim(size_t dim) { return (dim + panel_cols - 1) / panel_cols * panel_cols; }

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

}  // namespace

void attend_few_rows(const AttentionTask& task) {
    Queries queries(task);
    size_t count = queries.count(), dim = queries.dim, heads = task.last_kv_head - task.first_kv_head;
    size_t kv_heads = task.input.kv_heads;
    auto room = ScratchCursor::room;
    size_t per_head = 2 * room(count * dim) + 2 * room(count);
    ScratchCursor scratch(thread_scratch(ScratchSlot::attention_task,
                                         heads * per_head + room(count * attention_block_keys) +
                                             room(max_tile_rows * attention_block_keys) +
                                             room(attention_block_keys * padded_dim(dim))));
    float* logits = scratch.take(count * attention_block_keys);
    float* packed = scratch.take(max_tile_rows * attention_block_keys);
    float* wide = scratch.take(attention_block_keys * padded_dim(dim));
    float* per_heads = scratch.take(heads * per_head);
    auto of_head = [&](size_t index, float*& q) {
        ScratchCursor own(per_heads + index * per_head);
        q = own.take(count * dim);
        Running running;
        running.out = own.take(count * dim);
        running.max = own.take(count);
        running.sum = own.take(count);
        return running;
    };
    float* q;
    for (size_t index = 0; index < heads; ++index) {
        of_head(index, q).start(queries);
        queries.copy(task.first_kv_head + index, q);
    }
    // All heads of a block in turn, so that memory is read straight through.
    for_blocks(task, [&](const KvPiece& piece, size_t row, size_t keys, size_t) {
        for (size_t index = 0; index < heads; ++index) {
            size_t kv_head = task.first_kv_head + index;
            Running running = of_head(index, q);
            dot_keys(piece, row, keys, kv_head, kv_heads, q, count, dim, logits);
            for (size_t i = 0; i < count; ++i)
                soften(logits + i * attention_block_keys, keys,
                       visible(task.input, queries.row(i), piece.first_row + row, keys), running.max[i], running.sum[i],
                       running.out + i * dim, dim);
            add_values(piece, row, keys, kv_head, kv_heads, logits, count, dim, packed, wide, running.out);
        }
    });
    for (size_t index = 0; index < heads; ++index)
        of_head(index, q).finish(queries, task.first_kv_head + index);
}

void attend_many_rows(const AttentionTask& task) {
    const SimdTable& table = simd();
    Queries queries(task);
    size_t count = queries.count(), dim = queries.dim, kv_head = task.first_kv_head, kv_heads = task.input.kv_heads;
    auto room = ScratchCursor::room;
    ScratchCursor scratch(thread_scratch(
        ScratchSlot::attention_task, 3 * room(count * dim) + 2 * room(count) + room(count * attention_block_keys) +
                                         room(max_tile_rows * attention_block_keys) +
                                         3 * room(attention_block_keys * padded_dim(dim)) + room(attention_block_keys)));
    float* q = scratch.take(count * dim);
    float* packed_q = scratch.take(count * dim);
    Running running;
    running.out = scratch.take(count * dim);
    running.max = scratch.take(count);
    running.sum = scratch.take(count);
    float* logits = scratch.take(count * attention_block_keys);
    float* packed = scratch.take(max_tile_rows * attention_block_keys);
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
        add_values(piece, row, keys, kv_head, kv_heads, logits, count, dim, packed, wide, running.out);
    });
    running.finish(queries, kv_head);
}

void add_mass(const AttentionTask& task, ConstMatrix max, ConstMatrix sum, float weight, float* mass) {
    Queries queries(task);
    size_t count = queries.count(), dim = queries.dim, heads = task.last_kv_head - task.first_kv_head;
    ScratchCursor scratch(thread_scratch(ScratchSlot::attention_task,
                                         ScratchCursor::room(heads * count * dim) + count * attention_block_keys));
    float* q = scratch.take(heads * count * dim);
    float* logits = scratch.take(count * attention_block_keys);
    for (size_t index = 0; index < heads; ++index) queries.copy(task.first_kv_head + index, q + index * count * dim);
    for_blocks(task, [&](const KvPiece& piece, size_t row, size_t keys, size_t ordinal) {
        for (size_t index = 0; index < heads; ++index) {
            size_t kv_head = task.first_kv_head + index;
            dot_keys(piece, row, keys, kv_head, task.input.kv_heads, q + index * count * dim, count, dim, logits);
            for (size_t i = 0; i < count; ++i) {
                size_t r = queries.row(i), h = queries.head(i, kv_head);
                Span seen = visible(task.input, r, piece.first_row + row, keys);
                if (seen.first >= seen.last || !(sum.at(r, h) > 0)) continue;
                float* line = logits + i * attention_block_keys;
                simd().exp_sum(line + seen.first, seen.last - seen.first, 1, max.at(r, h));
                float share = weight / sum.at(r, h);
                for (size_t key = seen.first; key < seen.last; ++key) mass[ordinal + key] += share * line[key];
            }
        }
    });
}

}  // namespace lv
