// The 16-bit numbers of CUDA that kernels/*.cu use, on the host.
#pragma once

#include <bit>
#include <cstdint>

#include "kernels/core/dtype.h"
#include "tests/cuda_emulation/cuda_runtime.h"

struct __half {
    uint16_t bits;
};
struct __nv_bfloat16 {
    uint16_t bits;
};

inline __half __ushort_as_half(unsigned short bits) { return {bits}; }
inline unsigned short __half_as_ushort(__half value) { return value.bits; }
inline float __half2float(__half value) { return lv::to_float(lv::Half{value.bits}); }
inline __half __float2half_rn(float value) { return {lv::to_half(value).bits}; }
inline __nv_bfloat16 __float2bfloat16_rn(float value) { return {lv::to_bfloat16(value).bits}; }
inline unsigned short __bfloat16_as_ushort(__nv_bfloat16 value) { return value.bits; }
