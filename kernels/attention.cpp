#include "kernels/attention.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "kernels/attention_tasks.h"
#include "kernels/core/device.h"
#include "kernels/core/scratch.h"
#include "kernels/simd/simd.h"

namespace lv {
namespace {

constexpr float minus_infinity = -std::numeric_limits<float>::infinity();

void check([[maybe_unused]] const AttentionInput& input, [[maybe_unused]] size_t out_rows,
           [[maybe_unused]] size_t out_cols) {
    assert(input.kv_heads > 0 && input.heads % input.kv_heads == 0 && input.head_dim > 0 && input.head_dim <= 512);
    assert(input.q.cols == input.heads * input.head_dim);
    assert(out_rows == input.q.rows && out_cols == input.q.cols);
    assert(!input.logit_scale.data ||
           (input.logit_scale.rows == input.q.rows && input.logit_scale.cols == input.heads));
    assert(input.window == 0 || input.causal);
}

size_t count_keys(const AttentionInput& input) {
    size_t keys = 0;
    for (const KvPiece& piece : input.pieces) keys += piece.rows;
    return keys;
}

}  // namespace

void attend_part(const Context& context, const AttentionInput& input, const AttentionPart& part) {
    check(input, part.out.rows, part.out.cols);
    if (Device* device = context.device()) return device->attend_part(input, part);
    size_t rows = input.q.rows, keys = count_keys(input);
    if (rows == 0) return;
    // Few rows: every task takes all heads of a range of keys. Many rows: a task takes one kv head and a block of
    // rows; the keys are split too only where there would be too few tasks.
    size_t group = input.heads / input.kv_heads;
    bool few = rows <= attention_few_rows;
    assert(!part.logits.data || (few && part.logits.rows == rows * input.heads && part.logits.cols == keys));
    size_t block = few ? rows : std::max<size_t>(1, std::min<size_t>(rows, 112 / group));
    size_t blocks = (rows + block - 1) / block;
    size_t heads_at_once = few ? input.kv_heads : 1;
    size_t tasks = blocks * (input.kv_heads / heads_at_once);
    size_t least = std::max<size_t>(attention_block_keys,
                                    2000000 / std::max<size_t>(1, block * group * heads_at_once * input.head_dim));
    size_t splits = 1;
    if (context.threads() > 1 && tasks < 4 * context.threads())
        splits = std::clamp<size_t>(keys / least, 1, (4 * context.threads() + tasks - 1) / tasks);
    size_t split_keys = std::max<size_t>(1, (keys + splits - 1) / splits);
    split_keys = (split_keys + attention_block_keys - 1) / attention_block_keys * attention_block_keys;

    // Split 0 writes into `part` itself; the others beside it, to be merged at the end.
    size_t cols = input.heads * input.head_dim;
    size_t room = rows * (cols + 2 * input.heads);
    float* beside = splits > 1 ? thread_scratch(ScratchSlot::attention_parts, (splits - 1) * room) : nullptr;
    auto part_of = [&](size_t split) {
        if (split == 0) return part;
        float* at = beside + (split - 1) * room;
        return AttentionPart{{at, rows, cols},
                             {at + rows * cols, rows, input.heads},
                             {at + rows * (cols + input.heads), rows, input.heads},
                             part.logits};
    };
    context.parallel_for(0, splits * tasks, 1, [&](size_t first, size_t last) {
        for (size_t index = first; index < last; ++index) {
            size_t split = index / tasks, task = index % tasks;
            AttentionTask work{input, part_of(split)};
            work.first_key = std::min(keys, split * split_keys);
            work.last_key = std::min(keys, work.first_key + split_keys);
            work.first_row = task % blocks * block;
            work.last_row = std::min(rows, work.first_row + block);
            work.first_kv_head = task / blocks * heads_at_once;
            work.last_kv_head = work.first_kv_head + heads_at_once;
            few ? attend_few_rows(work) : attend_many_rows(work);
        }
    });
    for (size_t split = 1; split < splits; ++split) merge_attention(part_of(split), part);
}

DevicePieces list_pieces(const Context& context, const AttentionInput& input) {
    Device* const device = context.device();
    return device ? device->list_pieces(input) : DevicePieces{};
}

void attend(const Context& context, const AttentionInput& input, Matrix out) {
    check(input, out.rows, out.cols);
    if (Device* device = context.device()) return device->attend(input, out);
    size_t rows = input.q.rows;
    float* sums = thread_scratch(ScratchSlot::attention_sums, 2 * rows * input.heads);
    AttentionPart part{out, {sums, rows, input.heads}, {sums + rows * input.heads, rows, input.heads}};
    attend_part(context, input, part);
    finish_attention(context, part, out);
}

void merge_attention(const AttentionPart& part, const AttentionPart& into) {
    assert(part.out.rows == into.out.rows && part.out.cols == into.out.cols && part.max.cols == into.max.cols);
    size_t heads = part.max.cols, dim = part.out.cols / heads;
    for (size_t row = 0; row < part.out.rows; ++row)
        for (size_t head = 0; head < heads; ++head) {
            float theirs = part.max.at(row, head), ours = into.max.at(row, head);
            if (theirs == minus_infinity) continue;
            float both = std::max(theirs, ours);
            float keep = std::exp(ours - both), take = std::exp(theirs - both);  // exp(-inf) is 0
            const float* from = part.out.row(row).data() + head * dim;
            float* to = into.out.row(row).data() + head * dim;
            for (size_t i = 0; i < dim; ++i) to[i] = keep * to[i] + take * from[i];
            into.sum.at(row, head) = keep * into.sum.at(row, head) + take * part.sum.at(row, head);
            into.max.at(row, head) = both;
        }
}

void add_sink(const Context& context, std::span<const float> sink, const AttentionPart& part) {
    assert(sink.size() == part.max.cols);
    if (Device* device = context.device()) return device->add_sink(sink.data(), part);
    const size_t head_dim = part.out.cols / sink.size();
    for (size_t row = 0; row < part.out.rows; ++row)
        for (size_t head = 0; head < sink.size(); ++head) {
            float &max = part.max.at(row, head), &sum = part.sum.at(row, head);
            if (sink[head] <= max) {
                sum += std::exp(sink[head] - max);
                continue;
            }
            const float factor = std::exp(max - sink[head]);
            for (float& value : part.out.row(row).subspan(head * head_dim, head_dim)) value *= factor;
            sum = sum * factor + 1;
            max = sink[head];
        }
}

void finish_attention(const Context& context, const AttentionPart& part, Matrix out) {
    assert(part.out.rows == out.rows && part.out.cols == out.cols);
    if (Device* device = context.device()) return device->finish_attention(part, out);
    size_t heads = part.max.cols, dim = out.cols / heads;
    for (size_t row = 0; row < out.rows; ++row)
        for (size_t head = 0; head < heads; ++head) {
            float sum = part.sum.at(row, head);
            simd().scale_by(part.out.row(row).data() + head * dim, nullptr, sum > 0 ? 1 / sum : 0,
                            out.row(row).data() + head * dim, dim);
        }
}

void attention_mass(const Context& context, const AttentionInput& input, const AttentionPart& part,
                    const KeyMass& mass) {
    check(input, input.q.rows, input.q.cols);
    size_t keys = count_keys(input);
    assert(keys == 0 ||
           (mass.first_key <= input.pieces.front().first_row &&
            input.pieces.back().first_row + input.pieces.back().rows <= mass.first_key + mass.rows.size()));
    assert(part.max.rows == input.q.rows && part.sum.rows == input.q.rows);
    if (Device* device = context.device()) return device->attention_mass(input, part.max, part.sum, mass);
    size_t key_work = input.q.rows * input.heads * (part.logits.data ? 8 : input.head_dim);
    size_t grain = std::max<size_t>(attention_block_keys, 2000000 / std::max<size_t>(1, key_work));
    // Ranges of keys, so that each mass has one writer.
    context.parallel_for(0, keys, grain, [&](size_t first, size_t last) {
        AttentionTask work{input, part};
        work.first_key = first;
        work.last_key = last;
        work.last_kv_head = input.kv_heads;
        for (size_t row = 0; row < input.q.rows; row += attention_few_rows) {
            work.first_row = row;
            work.last_row = std::min(input.q.rows, row + attention_few_rows);
            part.logits.data ? add_mass_of_logits(work, mass) : add_mass(work, mass);
        }
    });
}

void quantize_heads(ConstMatrix x, size_t heads, int8_t* to, size_t stride, float* scales) {
    size_t dim = x.cols / heads;
    for (size_t row = 0; row < x.rows; ++row)
        for (size_t head = 0; head < heads; ++head)
            scales[row * heads + head] =
                quantize(x.row(row).subspan(head * dim, dim), {to + row * stride + head * dim, dim});
}

namespace plain {
namespace {

float value_at(const KvPiece& piece, const void* data, const float* scales, size_t row, size_t kv_heads, size_t head,
               size_t dim, size_t i) {
    size_t at = row * piece.stride + head * dim + i;
    if (piece.dtype == DType::f32) return static_cast<const float*>(data)[at];
    if (piece.dtype == DType::f16) return to_float(static_cast<const Half*>(data)[at]);
    return float(static_cast<const int8_t*>(data)[at]) * scales[row * kv_heads + head];
}

}  // namespace

void attend(const AttentionInput& input, Matrix out) {
    check(input, out.rows, out.cols);
    size_t dim = input.head_dim;
    for (size_t row = 0; row < out.rows; ++row)
        for (size_t head = 0; head < input.heads; ++head) {
            size_t kv_head = head / (input.heads / input.kv_heads);
            float factor = input.scale * (input.logit_scale.data ? input.logit_scale.at(row, head) : 1);
            uint64_t own = input.first_row + row;
            // Twice over the keys: the largest logit, then the weighted sum.
            float largest = minus_infinity, sum = 0;
            float* to = out.row(row).data() + head * dim;
            std::fill_n(to, dim, 0.0f);
            for (bool adding : {false, true})
                for (const KvPiece& piece : input.pieces)
                    for (size_t j = 0; j < piece.rows; ++j) {
                        uint64_t key = piece.first_row + j;
                        if (input.causal && (key > own || (input.window && key + input.window <= own))) continue;
                        float logit = 0;
                        for (size_t i = 0; i < dim; ++i)
                            logit += input.q.at(row, head * dim + i) *
                                     value_at(piece, piece.keys, piece.key_scales, j, input.kv_heads, kv_head, dim, i);
                        logit *= factor;
                        if (!adding) {
                            largest = std::max(largest, logit);
                            continue;
                        }
                        float weight = std::exp(logit - largest);
                        sum += weight;
                        for (size_t i = 0; i < dim; ++i)
                            to[i] += weight * value_at(piece, piece.values, piece.value_scales, j, input.kv_heads,
                                                       kv_head, dim, i);
                    }
            for (size_t i = 0; i < dim; ++i) to[i] = sum > 0 ? to[i] / sum : 0;
        }
}

}  // namespace plain
}  // namespace lv
