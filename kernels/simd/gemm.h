// The gemm tile of one level: up to tile_rows x 32 sums held in registers while k runs. Included by level.cpp only.
#pragma once

#include "kernels/simd/simd.h"
#include "kernels/simd/vec.h"

namespace lv::LV_SIMD_LEVEL {

// Registers: rows * vectors sums, plus `vectors` of b and one of a, out of 32 (AVX-512) or 16.
#if defined(__AVX512F__)
constexpr size_t tile_rows = 14, tile_vectors = 2, most_sums = 16;
#elif defined(__AVX2__)
constexpr size_t tile_rows = 6, tile_vectors = 2, most_sums = 8;
#else
constexpr size_t tile_rows = 4, tile_vectors = 2, most_sums = 8;
#endif
constexpr size_t tile_cols = tile_vectors * lanes;
static_assert(panel_cols % tile_cols == 0 && tile_rows <= max_tile_rows);

// `parts` independent sums a value, so that few rows do not wait for the latency of one addition.
template <size_t rows, size_t parts, size_t vectors, typename T>
LV_INLINE void tile_sums(const float* a, const T* b, size_t b_stride, size_t k, Vec (&sums)[rows][vectors]) {
    Vec part[parts][rows][vectors] = {};
    size_t i = 0;
    for (; i + parts <= k; i += parts) {
#pragma GCC unroll 8
        for (size_t p = 0; p < parts; ++p) {
            Vec column[vectors];
#pragma GCC unroll 4
            for (size_t v = 0; v < vectors; ++v) column[v] = load(b + v * lanes);
#pragma GCC unroll 16
            for (size_t row = 0; row < rows; ++row)
#pragma GCC unroll 4
                for (size_t v = 0; v < vectors; ++v) part[p][row][v] += a[row] * column[v];
            a += rows;
            b += b_stride;
        }
    }
    for (; i < k; ++i) {
#pragma GCC unroll 4
        for (size_t v = 0; v < vectors; ++v) {
            Vec column = load(b + v * lanes);
#pragma GCC unroll 16
            for (size_t row = 0; row < rows; ++row) part[0][row][v] += a[row] * column;
        }
        a += rows;
        b += b_stride;
    }
#pragma GCC unroll 16
    for (size_t row = 0; row < rows; ++row)
#pragma GCC unroll 4
        for (size_t v = 0; v < vectors; ++v) {
            sums[row][v] = part[0][row][v];
#pragma GCC unroll 8
            for (size_t p = 1; p < parts; ++p) sums[row][v] += part[p][row][v];
        }
}

// `vectors` of columns from `col` on, all of them wanted.
template <size_t rows, size_t parts, size_t vectors, typename T>
LV_INLINE void whole_tile(const GemmTile& tile, size_t col) {
    Vec sums[rows][vectors];
    tile_sums<rows, parts>(tile.a, static_cast<const T*>(tile.b) + col, tile.b_stride, tile.k, sums);
#pragma GCC unroll 16
    for (size_t row = 0; row < rows; ++row)
#pragma GCC unroll 4
        for (size_t v = 0; v < vectors; ++v) {
            float* c = tile.c + row * tile.c_stride + col + v * lanes;
            Vec value = sums[row][v];
            if (tile.scales) value *= load(tile.scales + col + v * lanes);
            if (tile.bias) value += load(tile.bias + col + v * lanes);
            if (tile.accumulate) value += load(c);
            store(c, value);
        }
}

// The last columns, fewer than a tile has.
template <size_t rows, typename T>
static void part_tile(const GemmTile& tile, size_t col) {
    Vec sums[rows][tile_vectors];
    tile_sums<rows, 1>(tile.a, static_cast<const T*>(tile.b) + col, tile.b_stride, tile.k, sums);
    for (size_t row = 0; row < rows; ++row) {
        float line[tile_cols];
        for (size_t v = 0; v < tile_vectors; ++v) store(line + v * lanes, sums[row][v]);
        float* c = tile.c + row * tile.c_stride + col;
        for (size_t i = 0; col + i < tile.n; ++i) {
            float value = line[i];
            if (tile.scales) value *= tile.scales[col + i];
            if (tile.bias) value += tile.bias[col + i];
            c[i] = tile.accumulate ? c[i] + value : value;
        }
    }
}

// Few rows leave registers for more columns: b is then read in longer runs, which is what bounds them.
template <size_t rows, size_t parts, typename T>
static void gemm_rows(const GemmTile& tile) {
    constexpr size_t wide = rows * 4 <= most_sums ? 4 : tile_vectors;
    constexpr size_t wide_parts = parts > 1 ? parts / 2 : 1;
    size_t col = 0;
    if constexpr (wide > tile_vectors)
        for (; col + wide * lanes <= tile.n; col += wide * lanes) whole_tile<rows, wide_parts, wide, T>(tile, col);
    for (; col + tile_cols <= tile.n; col += tile_cols) whole_tile<rows, parts, tile_vectors, T>(tile, col);
    if (col < tile.n) part_tile<rows, T>(tile, col);
}

template <typename T>
static void gemm(const GemmTile& tile) {
    switch (tile.m) {
        case 1:
            return gemm_rows<1, 4, T>(tile);
        case 2:
            return gemm_rows<2, 2, T>(tile);
        case 3:
            return gemm_rows<3, 2, T>(tile);
        case 4:
            return gemm_rows<4, 1, T>(tile);
#if defined(__AVX2__)
        case 5:
            return gemm_rows<5, 1, T>(tile);
        case 6:
            return gemm_rows<6, 1, T>(tile);
#endif
#if defined(__AVX512F__)
        case 7:
            return gemm_rows<7, 1, T>(tile);
        case 8:
            return gemm_rows<8, 1, T>(tile);
        case 9:
            return gemm_rows<9, 1, T>(tile);
        case 10:
            return gemm_rows<10, 1, T>(tile);
        case 11:
            return gemm_rows<11, 1, T>(tile);
        case 12:
            return gemm_rows<12, 1, T>(tile);
        case 13:
            return gemm_rows<13, 1, T>(tile);
        case 14:
            return gemm_rows<14, 1, T>(tile);
#endif
    }
}

static void pack_a(const float* a, size_t row_stride, size_t k_stride, size_t m, size_t k, float* packed) {
    if (k_stride != 1) {
        for (size_t i = 0; i < k; ++i)
            for (size_t row = 0; row < m; ++row) *packed++ = a[row * row_stride + i * k_stride];
        return;
    }
    // 16 columns of k at a time, so that a row's cache line is read once.
    constexpr size_t step = 16;
    size_t i = 0;
    for (; i + step <= k; i += step, packed += step * m)
        for (size_t row = 0; row < m; ++row) {
            const float* from = a + row * row_stride + i;
            for (size_t j = 0; j < step; ++j) packed[j * m + row] = from[j];
        }
    for (; i < k; ++i)
        for (size_t row = 0; row < m; ++row) *packed++ = a[row * row_stride + i];
}

}  // namespace lv::LV_SIMD_LEVEL
