#include <algorithm>

#include "kernels/attention_blocks.h"

namespace lv {
namespace {

// Keys that are dotted for every head before the next ones: about a memory page of whole rows, so that rows are read
// straight through. One thread over 500,000 keys, 6 heads on 2: 26 ms, against 30 head by head over the whole block;
// 21 since values are read in runs of 64 (gemm.h).
size_t keys_at_once(const KvPiece& piece) {
    return std::clamp<size_t>(4096 / (piece.stride * dtype_bytes(piece.dtype)), 16, attention_block_keys);
}

// Fetches rows of keys that will be dotted next: head by head they are read in pieces of 128 bytes, which the processor
// foresees badly. One Zen 3 thread over 340,000 keys, 12 heads on 4: the dots take 40 ms instead of 57.
void prefetch_keys(const KvPiece& piece, size_t first, size_t rows) {
    const size_t row_bytes = piece.stride * dtype_bytes(piece.dtype), last = std::min(piece.rows, first + rows);
    if (first >= last) return;
    const std::byte* at = place(piece, piece.keys, first, 0);
    for (size_t byte = 0; byte < (last - first) * row_bytes; byte += 64) __builtin_prefetch(at + byte);
}

// What one kv head of the task works in.
struct HeadRoom {
    float *q, *logits, *packed;
    Running running;
};

struct Query {
    size_t row, head;
};

// Logits of a block of keys from first_key on become the query's shares, added to the keys' mass.
void add_shares(const AttentionTask& task, const Query& query, uint64_t first_key, size_t keys, float* logits,
                const KeyMass& mass) {
    const float sum = task.part.sum.at(query.row, query.head);
    const SeenKeys seen = visible(task.input, query.row, first_key, keys);
    if (seen.first >= seen.last || !(sum > 0)) return;
    simd().exp_sum(logits + seen.first, seen.last - seen.first, 1, task.part.max.at(query.row, query.head));
    const float share = mass.weight / sum;
    float* to = mass.rows.data() + (first_key - mass.first_key);
    for (size_t key = seen.first; key < seen.last; ++key) to[key] += share * logits[key];
}

class FewRows {
   public:
    explicit FewRows(const AttentionTask& task)
        : task_(task),
          queries_(task),
          count_(queries_.count()),
          dim_(queries_.dim),
          heads_(task.last_kv_head - task.first_kv_head) {
        auto room = ScratchCursor::room;
        size_t per_head = 2 * room(count_ * dim_) + 2 * room(count_) + 2 * room(count_ * attention_block_keys);
        size_t wide = room(attention_block_keys * padded_dim(dim_));
        block_ = thread_scratch(ScratchSlot::attention_task, heads_ * per_head + wide);
        per_head_ = per_head;
        wide_ = block_ + heads_ * per_head;
        for (size_t index = 0; index < heads_; ++index) queries_.copy(kv_head(index), of_head(index).q);
    }

    size_t kv_head(size_t index) const { return task_.first_kv_head + index; }

    HeadRoom of_head(size_t index) const {
        ScratchCursor own(block_ + index * per_head_);
        HeadRoom head;
        head.q = own.take(count_ * dim_);
        head.logits = own.take(count_ * attention_block_keys);
        head.packed = own.take(count_ * attention_block_keys);
        head.running.out = own.take(count_ * dim_);
        head.running.max = own.take(count_);
        head.running.sum = own.take(count_);
        return head;
    }

    // Logits of all heads for a block of keys.
    void dot(const KvPiece& piece, size_t row, size_t keys) const {
        size_t step = keys_at_once(piece);
        for (size_t first = 0; first < keys; first += step) {
            prefetch_keys(piece, row + first + step, step);
            for (size_t index = 0; index < heads_; ++index) {
                HeadRoom head = of_head(index);
                dot_keys(piece, row + first, std::min(step, keys - first), kv_head(index), task_.input.kv_heads, head.q,
                         count_, dim_, head.logits + first);
            }
        }
    }

    // Copies the logits of a block to where the part keeps them all.
    void keep(size_t keys, size_t number) const {
        const Matrix& logits = task_.part.logits;
        for (size_t index = 0; logits.data && index < heads_; ++index)
            for (size_t i = 0; i < count_; ++i) {
                size_t line = queries_.row(i) * task_.input.heads + queries_.head(i, kv_head(index));
                std::copy_n(of_head(index).logits + i * attention_block_keys, keys, logits.row(line).data() + number);
            }
    }

    void attend() const {
        for (size_t index = 0; index < heads_; ++index) of_head(index).running.start(queries_);
        for_blocks(task_, [&](const KvPiece& piece, size_t row, size_t keys, size_t number) {
            dot(piece, row, keys);
            keep(keys, number);
            for (size_t index = 0; index < heads_; ++index) {
                HeadRoom head = of_head(index);
                for (size_t i = 0; i < count_; ++i)
                    soften(head.logits + i * attention_block_keys, keys,
                           visible(task_.input, queries_.row(i), piece.first_row + row, keys), head.running.max[i],
                           head.running.sum[i], head.running.out + i * dim_, dim_);
                pack_weights(piece, row, keys, kv_head(index), task_.input.kv_heads, head.logits, count_, head.packed);
            }
            size_t step = keys_at_once(piece);
            for (size_t first = 0; first < keys; first += step)
                for (size_t index = 0; index < heads_; ++index) {
                    HeadRoom head = of_head(index);
                    add_values(piece, row, keys, first, std::min(step, keys - first), kv_head(index), head.packed,
                               count_, dim_, wide_, head.running.out);
                }
        });
        for (size_t index = 0; index < heads_; ++index) of_head(index).running.finish(queries_, kv_head(index));
    }

    void add_mass(const KeyMass& mass) const {
        for_blocks(task_, [&](const KvPiece& piece, size_t row, size_t keys, size_t) {
            dot(piece, row, keys);
            for (size_t index = 0; index < heads_; ++index)
                for (size_t i = 0; i < count_; ++i) {
                    float* line = of_head(index).logits + i * attention_block_keys;
                    add_shares(task_, {queries_.row(i), queries_.head(i, kv_head(index))}, piece.first_row + row, keys,
                               line, mass);
                }
        });
    }

   private:
    const AttentionTask& task_;
    Queries queries_;
    size_t count_, dim_, heads_;
    size_t per_head_ = 0;
    float *block_ = nullptr, *wide_ = nullptr;
};

}  // namespace

void attend_few_rows(const AttentionTask& task) { FewRows(task).attend(); }

void add_mass(const AttentionTask& task, const KeyMass& mass) { FewRows(task).add_mass(mass); }

void add_mass_of_logits(const AttentionTask& task, const KeyMass& mass) {
    for_blocks(task, [&](const KvPiece& piece, size_t row, size_t keys, size_t number) {
        float line[attention_block_keys];
        for (size_t r = task.first_row; r < task.last_row; ++r)
            for (size_t head = 0; head < task.input.heads; ++head) {
                std::copy_n(task.part.logits.row(r * task.input.heads + head).data() + number, keys, line);
                add_shares(task, {r, head}, piece.first_row + row, keys, line, mass);
            }
    });
}

}  // namespace lv
