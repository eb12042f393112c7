// The vector type of one level, and loads that widen to f32. Included by level.cpp only; everything is internal.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "kernels/core/dtype.h"

#define LV_INLINE [[gnu::always_inline]] static inline

namespace lv::LV_SIMD_LEVEL {

#if defined(__AVX512F__)
constexpr size_t lanes = 16;
#elif defined(__AVX2__)
constexpr size_t lanes = 8;
#else
constexpr size_t lanes = 4;
#endif
typedef float Vec __attribute__((vector_size(lanes * 4)));
typedef float VecLoose __attribute__((vector_size(lanes * 4), aligned(4), may_alias));
typedef uint32_t Bits __attribute__((vector_size(lanes * 4)));
typedef int32_t Ints __attribute__((vector_size(lanes * 4)));

LV_INLINE Vec splat(float value) { return value - Vec{}; }
LV_INLINE Vec load(const float* from) { return *reinterpret_cast<const VecLoose*>(from); }
LV_INLINE void store(float* to, Vec value) { *reinterpret_cast<VecLoose*>(to) = value; }

#if defined(__AVX512F__)
LV_INLINE Vec load(const Half* from) {
    return (Vec)_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}
LV_INLINE Vec load(const BFloat16* from) {
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
    return (Vec)_mm512_slli_epi32(wide, 16);
}
LV_INLINE Vec load(const int8_t* from) {
    return (Vec)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
}
LV_INLINE void store(Half* to, Vec value) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtps_ph((__m512)value, _MM_FROUND_TO_NEAREST_INT));
}
#elif defined(__AVX2__)
LV_INLINE Vec load(const Half* from) {
    return (Vec)_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}
LV_INLINE Vec load(const BFloat16* from) {
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
    return (Vec)_mm256_slli_epi32(wide, 16);
}
LV_INLINE Vec load(const int8_t* from) {
    return (Vec)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
}
LV_INLINE void store(Half* to, Vec value) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_cvtps_ph((__m256)value, _MM_FROUND_TO_NEAREST_INT));
}
#else
typedef uint16_t Shorts __attribute__((vector_size(lanes * 2)));
typedef int8_t Bytes __attribute__((vector_size(lanes)));
LV_INLINE Vec load(const Half* from) {
    Shorts raw;
    std::memcpy(&raw, from, sizeof raw);
    Bits bits = __builtin_convertvector(raw, Bits);
    Bits sign = (bits & 0x8000) << 16, rest = (bits & 0x7fff) << 13;
    Bits finite = (Bits)((Vec)rest * 0x1p112f);  // as lv::to_float
    Bits special = (Bits)(rest >= 0x0f800000);
    return (Vec)(sign | (special & (rest | 0x7f800000)) | (~special & finite));
}
LV_INLINE Vec load(const BFloat16* from) {
    Shorts raw;
    std::memcpy(&raw, from, sizeof raw);
    return (Vec)(__builtin_convertvector(raw, Bits) << 16);
}
LV_INLINE Vec load(const int8_t* from) {
    Bytes raw;
    std::memcpy(&raw, from, sizeof raw);
    return __builtin_convertvector(raw, Vec);
}
LV_INLINE void store(Half* to, Vec value) {
    Bits bits = (Bits)value;
    Bits sign = (bits >> 16) & 0x8000;
    bits &= 0x7fffffff;
    Bits nan = (Bits)(bits > 0x7f800000), large = (Bits)(bits >= 0x477ff000), small = (Bits)(bits < 0x38800000);
    Bits normal = (bits - 0x38000000 + 0xfff + ((bits >> 13) & 1)) >> 13;  // as lv::to_half
    Bits tiny = (Bits)((Vec)bits + 0.5f) - 0x3f000000;
    Bits half = (small & tiny) | (~small & normal);
    half = (large & 0x7c00) | (~large & half);
    half = (nan & 0x7e00) | (~nan & half);
    Shorts raw = __builtin_convertvector(half | sign, Shorts);
    std::memcpy(to, &raw, sizeof raw);
}
#endif

typedef float Four __attribute__((vector_size(16)));

// Down to four sums of every fourth lane.
LV_INLINE Four fold(Vec v) {
#if defined(__AVX512F__)
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256((__m512)v), _mm512_extractf32x8_ps((__m512)v, 1));
    return (Four)_mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
#elif defined(__AVX2__)
    return (Four)_mm_add_ps(_mm256_castps256_ps128((__m256)v), _mm256_extractf128_ps((__m256)v, 1));
#else
    return v;
#endif
}
LV_INLINE float sum(Vec v) {
    Four four = fold(v);
    Four two = four + __builtin_shufflevector(four, four, 2, 3, 0, 1);
    return two[0] + two[1];
}
// The sum of each of four vectors.
LV_INLINE Four sums_of(Vec a, Vec b, Vec c, Vec d) {
    Four one = fold(a), two = fold(b), three = fold(c), four = fold(d);
    Four low = __builtin_shufflevector(one, two, 0, 4, 1, 5), high = __builtin_shufflevector(one, two, 2, 6, 3, 7);
    Four left = low + high;  // a b a b
    low = __builtin_shufflevector(three, four, 0, 4, 1, 5), high = __builtin_shufflevector(three, four, 2, 6, 3, 7);
    Four right = low + high;  // c d c d
    return __builtin_shufflevector(left, right, 0, 1, 4, 5) + __builtin_shufflevector(left, right, 2, 3, 6, 7);
}

LV_INLINE Vec select(Ints mask, Vec yes, Vec no) { return (Vec)((mask & (Ints)yes) | (~mask & (Ints)no)); }
LV_INLINE Vec larger(Vec a, Vec b) { return select(a > b, a, b); }
LV_INLINE Vec smaller(Vec a, Vec b) { return select(a < b, a, b); }

// e^x to 2 units in the last place; 0 below -87.3 (where e^x leaves the normal numbers), infinity above 88.7.
LV_INLINE Vec exp(Vec x) {
    // x = n ln 2 + r, |r| <= ln 2 / 2; e^r by its Taylor-like minimax polynomial (Cephes expf).
    const float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to whole numbers
    Vec clamped = smaller(larger(x, splat(-90)), splat(90));
    Vec n = (clamped * 1.44269504f + magic) - magic;
    Vec r = clamped - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    Vec p = splat(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    // 2^n in two steps, so that n = 128 does not leave the exponent too early.
    Ints whole = __builtin_convertvector(n, Ints);
    Ints half = whole >> 1;
    Vec low = (Vec)((half + 127) << 23), high = (Vec)((whole - half + 127) << 23);
    Vec result = p * low * high;
    return select(x < splat(-87.3f), Vec{}, result);
}

// NaN-safe enough for activations: x / (1 + e^-x).
LV_INLINE Vec silu_of(Vec x) { return x / (1.0f + exp(-x)); }

}  // namespace lv::LV_SIMD_LEVEL
