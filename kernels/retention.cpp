#include "kernels/retention.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>

#include "kernels/core/device.h"
#include "kernels/core/scratch.h"
#include "kernels/gemm.h"
#include "kernels/rope.h"
#include "kernels/simd/simd.h"

namespace lv {
namespace {

// e^-10000 is 0 in every type, and sums of it stay finite: differences of prefixes then never become inf - inf.
float finite(float log_decay) { return std::max(log_decay, -1e4f); }

void check([[maybe_unused]] const RetentionInput& input, [[maybe_unused]] std::span<float> state,
           [[maybe_unused]] const Matrix& out) {
    assert(input.heads > 0 && input.q.cols % input.heads == 0);
    assert(input.k.rows == input.q.rows && input.v.rows == input.q.rows && out.rows == input.q.rows);
    assert(input.k.cols == input.q.cols && input.v.cols == input.q.cols && out.cols == input.q.cols);
    assert(input.log_decay.rows == input.q.rows && input.log_decay.cols == input.heads);
    assert(state.size() == input.q.cols * (input.q.cols / input.heads));
}

// One head of one chunk of rows.
struct Chunk {
    const RetentionInput& input;
    size_t head, dim, first, rows;

    const float* at(const ConstMatrix& matrix, size_t row) const {
        return matrix.data + (first + row) * matrix.stride + head * dim;
    }
    // log_sums[t] = sum of log_decay over rows 0..t of the chunk. In double: differences of large sums must stay exact.
    void prefix(double* log_sums) const {
        double sum = 0;
        for (size_t row = 0; row < rows; ++row) log_sums[row] = sum += finite(input.log_decay.at(first + row, head));
    }

    // out = the part of the chunk's own rows; gain = what the chunk adds to the state, to be decayed by nothing.
    void inner(Matrix out, float* gain) const {
        double log_sums[retention_chunk_rows];
        prefix(log_sums);
        ScratchCursor scratch(thread_scratch(
            ScratchSlot::retention_task, 2 * ScratchCursor::room(rows * dim) + ScratchCursor::room(rows * rows) + 256));
        float* keys = scratch.take(rows * dim);
        float* scores = scratch.take(rows * rows);
        float* weights = scratch.take(rows);
        const SimdTable& table = simd();

        // scores[t, s] = (q_t . k_s) exp(log_sums[t] - log_sums[s]) for s <= t
        for (size_t row = 0; row < rows; ++row)
            for (size_t i = 0; i < dim; ++i) keys[i * rows + row] = at(input.k, row)[i];
        gemm({.m = rows,
              .n = rows,
              .k = dim,
              .a = at(input.q, 0),
              .a_row = input.q.stride,
              .b = keys,
              .b_stride = rows,
              .c = scores,
              .c_stride = rows});
        for (size_t row = 0; row < rows; ++row) {
            for (size_t s = 0; s <= row; ++s) weights[s] = float(log_sums[row] - log_sums[s]);
            table.exp_sum(weights, row + 1, 1, 0);
            float* line = scores + row * rows;
            table.scale_by(line, weights, 1, line, row + 1);
            std::fill(line + row + 1, line + rows, 0.0f);
        }
        gemm({.m = rows,
              .n = dim,
              .k = rows,
              .a = scores,
              .a_row = rows,
              .b = at(input.v, 0),
              .b_stride = input.v.stride,
              .c = out.data + first * out.stride + head * dim,
              .c_stride = out.stride});

        // gain = sum_s exp(log_sums[last] - log_sums[s]) k_s^T v_s
        for (size_t row = 0; row < rows; ++row) {
            float weight = float(std::exp(log_sums[rows - 1] - log_sums[row]));
            table.scale_by(at(input.k, row), nullptr, weight, keys + row * dim, dim);
        }
        gemm({.m = dim,
              .n = dim,
              .k = rows,
              .a = keys,
              .a_row = 1,
              .a_k = dim,
              .b = at(input.v, 0),
              .b_stride = input.v.stride,
              .c = gain,
              .c_stride = dim});
    }

    // out += exp(log_sums[t]) q_t state, with the state before the chunk.
    void outer(const float* state, Matrix out) const {
        double log_sums[retention_chunk_rows];
        prefix(log_sums);
        float* queries = thread_scratch(ScratchSlot::retention_task, rows * dim);
        for (size_t row = 0; row < rows; ++row)
            simd().scale_by(at(input.q, row), nullptr, float(std::exp(log_sums[row])), queries + row * dim, dim);
        gemm({.m = rows,
              .n = dim,
              .k = dim,
              .a = queries,
              .a_row = dim,
              .b = state,
              .b_stride = dim,
              .c = out.data + first * out.stride + head * dim,
              .c_stride = out.stride,
              .accumulate = true});
    }

    float whole_decay() const {
        double log_sums[retention_chunk_rows];
        prefix(log_sums);
        return float(std::exp(log_sums[rows - 1]));
    }
};

}  // namespace

void retention_step(const Context& context, const RetentionInput& input, std::span<float> state, Matrix out) {
    check(input, state, out);
    if (Device* device = context.device()) return device->retention_step(input, state, out);
    size_t dim = input.q.cols / input.heads;
    size_t grain = std::max<size_t>(1, 262144 / std::max<size_t>(1, input.q.rows * dim * dim));
    context.parallel_for(0, input.heads, grain, [&](size_t first, size_t last) {
        for (size_t head = first; head < last; ++head)
            for (size_t row = 0; row < input.q.rows; ++row) {
                size_t col = head * dim;
                simd().retention_row(&input.q.at(row, col), &input.k.at(row, col), &input.v.at(row, col),
                                     std::exp(input.log_decay.at(row, head)), state.data() + head * dim * dim,
                                     &out.at(row, col), dim);
            }
    });
}

void retention_chunk(const Context& context, const RetentionInput& input, std::span<float> state, Matrix out,
                     size_t chunk) {
    check(input, state, out);
    assert(chunk >= 1 && chunk <= retention_chunk_rows);
    if (Device* device = context.device()) return device->retention_chunk(input, state, out);
    size_t heads = input.heads, dim = input.q.cols / heads, rows = input.q.rows, area = dim * dim;
    if (rows == 0) return;
    size_t chunks = (rows + chunk - 1) / chunk;
    auto at = [&](size_t head, size_t index) {
        return Chunk{input, head, dim, index * chunk, std::min(chunk, rows - index * chunk)};
    };
    // A round of chunks at a time: what is inside the chunks in parallel, then the states one after another (cheap),
    // then what the states add in parallel. So few heads still keep every thread busy. Rounds are long, for threads
    // meet three times in each, but their states stay in cache (2 MiB).
    size_t round = std::max((context.threads() * 4 + heads - 1) / heads, (size_t{1} << 19) / (heads * area));
    round = std::min(chunks, round);
    float* states = thread_scratch(ScratchSlot::retention_states, round * heads * area);
    size_t grain = std::max<size_t>(1, 1000000 / (std::min(chunk, rows) * dim * (chunk + dim) * 2));
    for (size_t start = 0; start < chunks; start += round) {
        size_t count = std::min(round, chunks - start);
        context.parallel_for(0, count * heads, grain, [&](size_t first, size_t last) {
            for (size_t index = first; index < last; ++index)
                at(index % heads, start + index / heads).inner(out, states + index * area);
        });
        // states[index] becomes the state before its chunk, `state` the one after it.
        context.parallel_for(0, heads, std::max<size_t>(1, 100000 / (count * area)), [&](size_t first, size_t last) {
            for (size_t head = first; head < last; ++head)
                for (size_t index = head; index < count * heads; index += heads) {
                    float* now = state.data() + head * area;
                    float* gain = states + index * area;
                    float decay = at(head, start + index / heads).whole_decay();
                    for (size_t i = 0; i < area; ++i) {
                        float before = now[i];
                        now[i] = decay * before + gain[i];
                        gain[i] = before;
                    }
                }
        });
        context.parallel_for(0, count * heads, grain, [&](size_t first, size_t last) {
            for (size_t index = first; index < last; ++index)
                at(index % heads, start + index / heads).outer(states + index * area, out);
        });
    }
}

void retention_parallel(const Context& context, const RetentionInput& input, std::span<float> state, Matrix out) {
    check(input, state, out);
    size_t dim = input.q.cols / input.heads, rows = input.q.rows;
    context.parallel_for(0, input.heads, 1, [&](size_t first_head, size_t last_head) {
        for (size_t head = first_head; head < last_head; ++head) {
            const size_t col = head * dim;
            float* own = state.data() + head * dim * dim;
            for (size_t t = 0; t < rows; ++t) {
                float* to = &out.at(t, col);
                std::fill(to, to + dim, 0.0f);
                double log_sum = 0;  // from t back to s + 1
                for (size_t s = t + 1; s-- > 0;) {
                    float score = 0;
                    for (size_t i = 0; i < dim; ++i) score += input.q.at(t, col + i) * input.k.at(s, col + i);
                    score *= float(std::exp(log_sum));
                    for (size_t j = 0; j < dim; ++j) to[j] += score * input.v.at(s, col + j);
                    log_sum += finite(input.log_decay.at(s, head));
                }
                for (size_t i = 0; i < dim; ++i) {
                    float query = input.q.at(t, col + i) * float(std::exp(log_sum));
                    for (size_t j = 0; j < dim; ++j) to[j] += query * own[i * dim + j];
                }
            }
            double log_sum = 0;
            for (size_t t = 0; t < rows; ++t) log_sum += finite(input.log_decay.at(t, head));
            float decay = float(std::exp(log_sum));
            for (size_t i = 0; i < dim * dim; ++i) own[i] *= decay;
            log_sum = 0;
            for (size_t s = rows; s-- > 0;) {
                float weight = float(std::exp(log_sum));
                for (size_t i = 0; i < dim; ++i)
                    for (size_t j = 0; j < dim; ++j)
                        own[i * dim + j] += weight * input.k.at(s, col + i) * input.v.at(s, col + j);
                log_sum += finite(input.log_decay.at(s, head));
            }
        }
    });
}

void retention(const Context& context, const RetentionInput& input, std::span<float> state, Matrix out) {
    if (input.q.rows <= 4)
        retention_step(context, input, state, out);
    else
        retention_chunk(context, input, state, out);
}

void rotary_retention(const Context& context, const RotaryRetentionInput& input, std::span<float> state, Matrix out) {
    assert(input.table.rows == input.q.rows && input.table.cols * input.heads == input.q.cols);
    assert(input.table.cols % 2 == 0);
    RetentionInput own{input.heads, input.q, input.k, input.v, input.log_decay};
    if (context.device()) {
        own.table = input.table;
        own.k_factor = input.k_factor;
    } else {
        rope(context, input.q, input.table, 1, input.q);
        rope(context, input.k, input.table, input.k_factor, input.k);
    }
    retention(context, own, state, out);
}

}  // namespace lv
