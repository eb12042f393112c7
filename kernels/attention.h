// Softmax attention over a key/value store that lies in pieces (pages); partial results merge.
//
// For query row r, head h, kv head g = h / (heads / kv_heads), over the keys j that row r may see:
//   s_j = (q[r, h] . k[j, g]) * scale * logit_scale[r, h]
//   out[r, h] = sum_j exp(s_j) v[j, g] / sum_j exp(s_j)
// Row r stands at index first_row + r, key j of a piece at piece.first_row + j. Causal: it sees keys up to its own
// index; with a window > 0 only the last `window` of these, its own counted. A row that sees no key yields zeros.
// Partial results (out, max, sum) as in flash attention (arXiv 2205.14135) and flashinfer's state.cuh.
// Many rows are bound by arithmetic; one row by reading keys and values once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/core/context.h"
#include "kernels/core/dtype.h"
#include "kernels/core/tensor.h"

namespace lv {

// Keys and values of neighbouring rows, [rows, kv_heads * head_dim] of `dtype` each (f32, f16 or i8).
struct KvPiece {
    DType dtype = DType::f16;
    const void* keys = nullptr;
    const void* values = nullptr;
    const float* key_scales = nullptr;    // i8 only: [rows, kv_heads]
    const float* value_scales = nullptr;  // i8 only: [rows, kv_heads]
    size_t rows = 0;
    size_t stride = 0;  // values from row to row, >= kv_heads * head_dim
    uint64_t first_row = 0;
};

// Pieces that lie listed on a device: see list_pieces() and choose_pieces().
struct DevicePieces {
    const void* list = nullptr;  // the device's own; null: none
    size_t count = 0;
    size_t most_keys = 0;  // of all together; where the device chose by itself there may be fewer
    DType dtype = DType::f16;
    bool vectors = false;  // keys and values of a head lie at multiples of 16 bytes
};

struct AttentionInput {
    size_t heads = 0, kv_heads = 0, head_dim = 0;  // heads a multiple of kv_heads; head_dim <= 512
    ConstMatrix q;                                 // [rows, heads * head_dim]
    std::span<const KvPiece> pieces;               // in rising order of first_row; the list itself is the host's
    DevicePieces listed = {};                      // when it lists some, these are read in place of `pieces`
    float scale = 1;                               // mostly head_dim^-0.5
    ConstMatrix logit_scale;                       // [rows, heads], or no data: 1
    uint64_t first_row = 0;                        // index of q's row 0
    bool causal = true;
    size_t window = 0;  // 0: no window; only with causal
};

// A partial result. `out` is not divided yet: sum_j exp(s_j - max) v_j.
struct AttentionPart {
    Matrix out;  // [rows, heads * head_dim]
    Matrix max;  // [rows, heads]; -inf where no key was seen
    Matrix sum;  // [rows, heads]: sum_j exp(s_j - max); 0 where no key was seen
    // [rows * heads, keys of all pieces], or no data: every s_j, left for attention_mass(); at most attention_few_rows.
    Matrix logits = {};
};
constexpr size_t attention_few_rows = 4;  // up to here keys are dotted as they lie; beyond, gemm tiles pay

// The whole: out [rows, heads * head_dim], may not overlap q. Allocates nothing once scratch has grown.
void attend(const Context& context, const AttentionInput& input, Matrix out);

// The same, undivided, for merging with other pieces or for attention_mass().
void attend_part(const Context& context, const AttentionInput& input, const AttentionPart& part);

// into = into merged with part: as if both had been attended at once. On the host only.
void merge_attention(const AttentionPart& part, const AttentionPart& into);

// As if each row had seen one more key with the logit sink[head] and a value of zero. sink [heads].
void add_sink(const Context& context, std::span<const float> sink, const AttentionPart& part);

// out = part.out / part.sum, zero where nothing was seen. `out` may be part.out.
void finish_attention(const Context& context, const AttentionPart& part, Matrix out);

// The pieces that rows of `input` see, listed on the device of the context, for calls that read the same ones; on the
// host nothing. Only the pieces, the mask, and the number and place of the rows are looked at. Valid until many other
// lists have been made (core/device.cuh).
DevicePieces list_pieces(const Context& context, const AttentionInput& input);

// Where attention_mass() adds up: rows[j - first_key] is of key j, in the memory that the context runs on.
struct KeyMass {
    std::span<float> rows;
    uint64_t first_key = 0;
    float weight = 1;
};

// Evidence: adds weight * sum over rows and heads of exp(s - max) / sum to each key of the pieces. `part` from
// attend_part() over the same pieces. One row's masses add up to heads * weight. Reads the keys once more, or the
// logits where the part holds them (10 times as fast over 340,000 keys, 12 heads on 4).
void attention_mass(const Context& context, const AttentionInput& input, const AttentionPart& part,
                    const KeyMass& mass);

// Rows for an int8 piece: each head of each row with its own scale. x [rows, heads * head_dim], to the same shape with
// `stride` values from row to row, scales [rows, heads].
void quantize_heads(ConstMatrix x, size_t heads, int8_t* to, size_t stride, float* scales);

namespace plain {
// The formula above, row by row and key by key.
void attend(const AttentionInput& input, Matrix out);
}  // namespace plain

}  // namespace lv
