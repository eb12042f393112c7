// The tensor cores' product of small tiles, as one warp does it together (PTX mma.sync.m16n8k16 and ldmatrix).
//
// c [16, 8] f32 += a [16, 16] b [16, 8], 16-bit a and b. Of lane l, with g = l / 4 and t = l % 4, a register holds two
// neighbouring values (the lower column, or the lower row of b, in its lower half):
//   a[0] row g, columns 2t, 2t+1    a[1] row g+8, the same    a[2] row g, columns 2t+8, 2t+9    a[3] row g+8, these
//   b[0] rows 2t, 2t+1 of column g  b[1] rows 2t+8, 2t+9
//   c[0], c[1] row g, columns 2t, 2t+1    c[2], c[3] row g+8
// So the c of two neighbouring tiles is, rounded, the a of a product that follows: pack(c[0], c[1]), pack(c[2], c[3]).
#pragma once

#include "kernels/core/device.cuh"

#ifdef LV_EMULATED_CUDA
#include <tensor_core.h>
#endif

namespace lv::cuda {

constexpr unsigned mma_rows = 16, mma_cols = 8, mma_depth = 16;

// Of two values, the first in the lower half.
__device__ inline unsigned pack(float low, float high, Half) {
    return unsigned(__half_as_ushort(__float2half_rn(low))) | unsigned(__half_as_ushort(__float2half_rn(high))) << 16;
}
__device__ inline unsigned pack(float low, float high, BFloat16) {
    return unsigned(__bfloat16_as_ushort(__float2bfloat16_rn(low))) |
           unsigned(__bfloat16_as_ushort(__float2bfloat16_rn(high))) << 16;
}

#ifdef LV_EMULATED_CUDA

template <typename T>
void mma(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1, T type) {
    emulation::mma(c, a, b0, b1, type);
}
inline void load_turned(unsigned (&to)[4], const void* row) { emulation::load_turned(to, row); }
inline unsigned turned(unsigned two) { return emulation::turned(two); }
inline uint2 halves_of(unsigned bytes) { return emulation::halves_of(bytes); }

#else

__device__ inline void mma(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1, Half) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
__device__ inline void mma(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1, BFloat16) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Four matrices of 8 x 8 16-bit values in shared memory, turned around: lane l says where row l % 8 of matrix l / 8
// begins (16 bytes, aligned so), and to[i] holds rows 2t, 2t+1 of column g of matrix i: the b of a product.
__device__ inline void load_turned(unsigned (&to)[4], const void* row) {
    const unsigned at = unsigned(__cvta_generic_to_shared(row));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(at)
                 : "memory");
}

// A matrix of 8 x 8 16-bit values, of which lane l holds columns 2t, 2t+1 of row g, turned around: rows 2t, 2t+1 of
// column g. What c leaves of a product in two registers, packed, becomes the b of the next.
__device__ inline unsigned turned(unsigned two) {
    unsigned to;
    asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(to) : "r"(two));
    return to;
}

// Four int8 as f16, two a register. A byte b of them plus 128 is the f16 number 1024 + 128 + b with 0x64 above it.
__device__ inline uint2 halves_of(unsigned bytes) {
    bytes ^= 0x80808080u;
    const unsigned low = __byte_perm(bytes, 0x64646464u, 0x4140), high = __byte_perm(bytes, 0x64646464u, 0x4342);
    uint2 to;
    asm("sub.f16x2 %0, %1, %2;" : "=r"(to.x) : "r"(low), "r"(0x64806480u));
    asm("sub.f16x2 %0, %1, %2;" : "=r"(to.y) : "r"(high), "r"(0x64806480u));
    return to;
}

#endif

}  // namespace lv::cuda
