// One vector level's table. Compiled once a level with LV_SIMD_LEVEL set to its name and with its -march flag.
#include "kernels/simd/codes.h"
#include "kernels/simd/gemm.h"
#include "kernels/simd/rows.h"
#include "kernels/simd/simd.h"

namespace lv::LV_SIMD_LEVEL {

#define LV_TEXT_OF(name) #name
#define LV_TEXT(name) LV_TEXT_OF(name)

extern const SimdTable table;
const SimdTable table = {
    .name = &LV_TEXT(LV_SIMD_LEVEL)[5],  // without "simd_": "v4", "v3", "baseline"
    .tile_rows = tile_rows,
    .half_to_float = half_to_float,
    .float_to_half = float_to_half,
    .pack_a = pack_a,
    .gemm_f32 = gemm<float>,
    .gemm_f16 = gemm<Half>,
    .gemm_bf16 = gemm<BFloat16>,
    .gemm_i8 = gemm<int8_t>,
    .dots_f32 = dots<float>,
    .dots_f16 = dots<Half>,
    .dots_i8 = dots<int8_t>,
    .most_coded = most_coded,
    .sum_of_squares = sum_of_squares,
    .max = max_of,
    .exp_sum = exp_sum,
    .scale_by = scale_by,
    .multiply_add = multiply_add,
    .add = add,
    .silu = silu,
    .swiglu = swiglu,
    .rotate = rotate,
    .retention_row = retention_row,
};

}  // namespace lv::LV_SIMD_LEVEL
