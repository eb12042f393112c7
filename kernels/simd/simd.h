// The hot loops, compiled once for each vector level and chosen by what this processor has.
//
// Plain pointers and counts; no threads, no allocation, no checks: the doors in kernels/*.cpp do that. level.cpp is
// compiled for every level with that level's flags, so nothing here may be an inline function that two levels share.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/core/dtype.h"

namespace lv {

constexpr size_t panel_cols = 32;     // columns of one packed weight panel
constexpr size_t max_tile_rows = 16;  // no level's tile has more rows

// c[m, n] tile = a[m, k] b[k, n]: one product of a strip of a (packed by pack_a) with columns of b.
struct GemmTile {
    const float* a = nullptr;  // packed: [k][m], m <= tile_rows
    size_t m = 0;              // rows
    size_t n = 0;              // columns
    size_t k = 0;
    const void* b = nullptr;  // [k] rows, b_stride values apart; each readable up to n rounded up to panel_cols
    size_t b_stride = 0;
    float* c = nullptr;
    size_t c_stride = 0;
    const float* scales = nullptr;  // [n]: c = ... product * scales; null: 1
    const float* bias = nullptr;    // [n]: added; null: none
    bool accumulate = false;        // c += instead of c =
};

struct SimdTable {
    const char* name;  // "v4", "v3" (of x86-64), "baseline"
    size_t tile_rows;  // rows of the largest gemm tile; strips of a are packed for this many

    void (*half_to_float)(const Half* from, float* to, size_t count);
    void (*float_to_half)(const float* from, Half* to, size_t count);

    // packed[k][m] = a[m * row_stride + k * k_stride]
    void (*pack_a)(const float* a, size_t row_stride, size_t k_stride, size_t m, size_t k, float* packed);
    // The tile, by the type of b.
    void (*gemm_f32)(const GemmTile& tile);
    void (*gemm_f16)(const GemmTile& tile);
    void (*gemm_bf16)(const GemmTile& tile);
    void (*gemm_i8)(const GemmTile& tile);

    // scores[row * score_stride + key] = q[row] . k[key] for rows of q, q_stride apart, keys k_stride values apart.
    void (*dots_f32)(const float* q, size_t q_stride, size_t rows, const float* k, size_t k_stride, size_t keys,
                     size_t dim, float* scores, size_t score_stride);
    void (*dots_f16)(const float* q, size_t q_stride, size_t rows, const Half* k, size_t k_stride, size_t keys,
                     size_t dim, float* scores, size_t score_stride);
    void (*dots_i8)(const float* q, size_t q_stride, size_t rows, const int8_t* k, size_t k_stride, size_t keys,
                    size_t dim, float* scores, size_t score_stride);

    // Keys of one head of a page in codes, as kernels/key_codes.h lays them out: most[row * most_stride] = about the
    // largest q[row] . key, for q [rows, dim]; dim at most 512.
    void (*most_coded)(const float* q, size_t rows, const std::byte* codes, size_t groups, size_t dim, float* most,
                       size_t most_stride);

    float (*sum_of_squares)(const float* x, size_t count);
    float (*max)(const float* x, size_t count);
    // x[i] = exp(x[i] * factor - shift); returns the sum.
    float (*exp_sum)(float* x, size_t count, float factor, float shift);
    void (*scale_by)(const float* x, const float* weight, float factor, float* y, size_t count);  // weight may be null
    void (*multiply_add)(const float* a, const float* b, float* y, size_t count);                 // y += a * b
    void (*add)(const float* a, const float* b, float* y, size_t count);
    void (*silu)(const float* x, float* y, size_t count);
    void (*swiglu)(const float* gate, const float* up, float* y, size_t count);
    // y = x rotated by interleaved (cos, sin) pairs, times factor; count even
    void (*rotate)(const float* x, const float* cos_sin, float factor, float* y, size_t count);
    // One row of retention for one head: state = decay * state + k^T v; out = q state. dim values each.
    void (*retention_row)(const float* q, const float* k, const float* v, float decay, float* state, float* out,
                          size_t dim);
};

// The best level this processor runs.
const SimdTable& simd();

// Every level this processor runs, best first, at most 3; for tests that compare them.
struct SimdLevels {
    const SimdTable* table[3];
    size_t count;
};
SimdLevels simd_levels();

namespace simd_v4 {
extern const SimdTable table;
}
namespace simd_v3 {
extern const SimdTable table;
}
namespace simd_baseline {
extern const SimdTable table;
}

}  // namespace lv
