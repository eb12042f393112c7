#include "kernels/gemm.h"

#include <algorithm>
#include <cstring>

#include "kernels/core/scratch.h"
#include "kernels/simd/simd.h"

namespace lv {

void gemm(const Gemm& g) {
    if (g.m == 0 || g.n == 0) return;
    const SimdTable& table = simd();
    constexpr size_t k_block = 512;    // 512 x 32 of b is 64 KiB and stays near while strips of a pass
    constexpr size_t row_block = 112;  // 112 x 512 of a is 224 KiB, half of a small second-level cache
    size_t strip = table.tile_rows;
    size_t block = std::max(strip, row_block / strip * strip);
    if (g.k == 0) {
        if (!g.accumulate)
            for (size_t row = 0; row < g.m; ++row) std::fill_n(g.c + row * g.c_stride, g.n, 0.0f);
        return;
    }
    size_t tail = g.n % panel_cols;
    ScratchCursor scratch(thread_scratch(ScratchSlot::gemm, (std::min(g.m, block) + panel_cols) * k_block + 32));
    float* packed = scratch.take(std::min(g.m, block) * k_block);
    float* padded = scratch.take(panel_cols * k_block);

    for (size_t k0 = 0; k0 < g.k; k0 += k_block) {
        size_t k = std::min(k_block, g.k - k0);
        if (tail)  // the last columns, in rows that may be read in full
            for (size_t i = 0; i < k; ++i) {
                std::memcpy(padded + i * panel_cols, g.b + (k0 + i) * g.b_stride + g.n - tail, tail * sizeof(float));
                std::fill_n(padded + i * panel_cols + tail, panel_cols - tail, 0.0f);
            }
        for (size_t m0 = 0; m0 < g.m; m0 += block) {
            size_t rows = std::min(block, g.m - m0);
            for (size_t row = 0; row < rows; row += strip)
                table.pack_a(g.a + (m0 + row) * g.a_row + k0 * g.a_k, g.a_row, g.a_k, std::min(strip, rows - row), k,
                             packed + row * k);
            for (size_t col = 0; col < g.n; col += panel_cols) {
                GemmTile tile;
                tile.n = std::min(panel_cols, g.n - col);
                tile.k = k;
                tile.b = tile.n < panel_cols ? padded : g.b + k0 * g.b_stride + col;
                tile.b_stride = tile.n < panel_cols ? panel_cols : g.b_stride;
                tile.c_stride = g.c_stride;
                tile.accumulate = g.accumulate || k0 > 0;
                for (size_t row = 0; row < rows; row += strip) {
                    tile.a = packed + row * k;
                    tile.m = std::min(strip, rows - row);
                    tile.c = g.c + (m0 + row) * g.c_stride + col;
                    table.gemm_f32(tile);
                }
            }
        }
    }
}

}  // namespace lv
