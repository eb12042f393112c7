// Gated retention (YOCO, arXiv 2405.05254): a linear recurrence with a decay per row and head, in three forms.
//
//   S_t = exp(log_decay[t, h]) * S_{t-1} + k_t^T v_t        [head_dim, head_dim] f32
//   o_t = q_t S_t
//
// q, k, v, out [rows, heads * head_dim] (q and k already rotated and scaled), log_decay [rows, heads] <= 0 (may be
// -inf: everything before is forgotten), state [heads, head_dim, head_dim] (index of k, then index of v), read first
// and left as it stands after the last row. out may be none of the inputs. All three forms agree to rounding.
#pragma once

#include <span>

#include "kernels/core/context.h"
#include "kernels/core/tensor.h"

namespace lv {

struct RetentionInput {
    size_t heads = 0;
    ConstMatrix q, k, v;
    ConstMatrix log_decay;
    // For a device's forms alone, see rotary_retention(): q and k are rotated by the table, k scaled, as they are read.
    ConstMatrix table{};
    float k_factor = 1;
};

constexpr size_t retention_chunk_rows = 256;  // the longest chunk

// Row after row; bound by reading and writing the state. For decoding.
void retention_step(const Context& context, const RetentionInput& input, std::span<float> state, Matrix out);

// Chunks of `chunk` rows (1 to 256): products inside a chunk, the state from chunk to chunk. For prefill.
// On a device the chunk is as long as its kernel wants; an exact one goes row by row.
// The default was the fastest measured for head_dim 64 and 128: 0.46 us a row and head of 64 on one Zen 4 core, against
// 0.54 for 64 and 1.16 for 256.
void retention_chunk(const Context& context, const RetentionInput& input, std::span<float> state, Matrix out,
                     size_t chunk = 32);

// All rows against all earlier ones, then the state: work grows with rows^2. For tests, and as the plain way to see it.
// On the host only.
void retention_parallel(const Context& context, const RetentionInput& input, std::span<float> state, Matrix out);

// step for few rows, chunk for more.
void retention(const Context& context, const RetentionInput& input, std::span<float> state, Matrix out);

// q and k as they are projected, and what turns them: rope(q, table, 1), rope(k, table, k_factor); see rope.h.
struct RotaryRetentionInput {
    size_t heads = 0;
    Matrix q, k;  // used up: the host rotates them in place
    ConstMatrix v;
    ConstMatrix log_decay;
    ConstMatrix table;  // [rows, head_dim]
    float k_factor = 1;
};

// rope() of q and k, then retention(). A device rotates as it reads: q and k are not written and read once more, which
// is 16 * dim bytes a row.
void rotary_retention(const Context& context, const RotaryRetentionInput& input, std::span<float> state, Matrix out);

}  // namespace lv
