// Queries against keys in 4-bit codes, as kernels/key_codes.h lays them out, for one level. Included by level.cpp only.
#pragma once

#include "kernels/simd/simd.h"
#include "kernels/simd/vec.h"

namespace lv::LV_SIMD_LEVEL {

constexpr size_t coded_keys = 8, most_coded_dim = 512;  // keys of a group; values of a head

// A query folded with the steps of its codes: q . key ~ base + scale * sum_i values[i] code[i].
struct FoldedQuery {
    float base, scale;
    int8_t values[most_coded_dim];  // those from the head's last on are 0
};

static void fold_query(const float* q, const Half* least, const Half* step, size_t dim, FoldedQuery& to) {
    float folded[most_coded_dim];
    Vec bases = {}, most = {};
    for (size_t i = 0; i < dim; i += lanes) {
        float query[lanes] = {};
        Half low[lanes] = {}, width[lanes] = {};
        const bool whole = i + lanes <= dim;
        if (!whole)
            for (size_t j = i; j < dim; ++j) query[j - i] = q[j], low[j - i] = least[j], width[j - i] = step[j];
        const Vec value = whole ? load(q + i) : load(query);
        const Vec product = value * (whole ? load(step + i) : load(width));
        bases += value * (whole ? load(least + i) : load(low));
        most = larger(most, larger(product, -product));
        store(folded + i, product);
    }
    float line[lanes], largest = 0;
    store(line, most);
    for (size_t j = 0; j < lanes; ++j) largest = line[j] > largest ? line[j] : largest;
    to.base = sum(bases);
    to.scale = largest > 1e-30f ? largest / 127 : 1;
    const float inverse = 1 / to.scale;
    size_t i = 0;
#if defined(__AVX2__)
    const __m256i lowest_bytes = _mm256_set1_epi32(0x0c080400);
    for (; i + 8 <= dim; i += 8) {
        const __m256i whole = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(folded + i), _mm256_set1_ps(inverse)));
        const __m256i bytes = _mm256_shuffle_epi8(whole, lowest_bytes);
        const int32_t four[2] = {_mm256_extract_epi32(bytes, 0), _mm256_extract_epi32(bytes, 4)};
        std::memcpy(to.values + i, four, sizeof four);
    }
#endif
    for (; i < dim; ++i) to.values[i] = int8_t(__builtin_lrintf(folded[i] * inverse));
    for (; i % 8 != 0; ++i) to.values[i] = 0;
}

#if defined(__AVX2__)
// One group of keys at a time, a lane of 32 bits a key; of each word the lower, then the upper halves of its bytes.
template <size_t rows>
LV_INLINE void most_of_groups(const FoldedQuery* queries, const uint8_t* codes, size_t groups, size_t words,
                              int32_t* most) {
    constexpr size_t words_at_once = 4;  // 8 products of at most 2 * 15 * 127 fit 16 bits
    const __m256i low_half = _mm256_set1_epi8(15), ones = _mm256_set1_epi16(1);
    __m256i best[rows];
#pragma GCC unroll 4
    for (size_t row = 0; row < rows; ++row) best[row] = _mm256_set1_epi32(INT32_MIN);
    for (size_t group = 0; group < groups; ++group) {
        __m256i sums[rows] = {};
        for (size_t first = 0; first < words; first += words_at_once) {
            const size_t last = first + words_at_once < words ? first + words_at_once : words;
            __m256i shorts[rows] = {};
            for (size_t word = first; word < last; ++word) {
                const __m256i both = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + word * 32));
                const __m256i low = _mm256_and_si256(both, low_half);
                const __m256i high = _mm256_and_si256(_mm256_srli_epi16(both, 4), low_half);
#pragma GCC unroll 4
                for (size_t row = 0; row < rows; ++row) {
                    int32_t near, far;
                    std::memcpy(&near, queries[row].values + 4 * word, 4);
                    std::memcpy(&far, queries[row].values + 4 * (words + word), 4);
                    shorts[row] = _mm256_add_epi16(shorts[row], _mm256_maddubs_epi16(low, _mm256_set1_epi32(near)));
                    shorts[row] = _mm256_add_epi16(shorts[row], _mm256_maddubs_epi16(high, _mm256_set1_epi32(far)));
                }
            }
#pragma GCC unroll 4
            for (size_t row = 0; row < rows; ++row)
                sums[row] = _mm256_add_epi32(sums[row], _mm256_madd_epi16(shorts[row], ones));
        }
#pragma GCC unroll 4
        for (size_t row = 0; row < rows; ++row) best[row] = _mm256_max_epi32(best[row], sums[row]);
        codes += words * 32;
    }
    for (size_t row = 0; row < rows; ++row) {
        int32_t line[8];
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(line), best[row]);
        most[row] = line[0];
        for (size_t key = 1; key < 8; ++key) most[row] = line[key] > most[row] ? line[key] : most[row];
    }
}
#else
template <size_t rows>
LV_INLINE void most_of_groups(const FoldedQuery* queries, const uint8_t* codes, size_t groups, size_t words,
                              int32_t* most) {
    for (size_t row = 0; row < rows; ++row) most[row] = INT32_MIN;
    for (size_t group = 0; group < groups; ++group)
        for (size_t row = 0; row < rows; ++row) {
            int32_t sums[coded_keys] = {};
            const int8_t* near = queries[row].values;
            const int8_t* far = near + 4 * words;
            for (size_t word = 0; word < words; ++word)
                for (size_t key = 0; key < coded_keys; ++key) {
                    const uint8_t* four = codes + ((group * words + word) * coded_keys + key) * 4;
                    for (size_t i = 0; i < 4; ++i)
                        sums[key] += near[4 * word + i] * (four[i] & 15) + far[4 * word + i] * (four[i] >> 4);
                }
            for (size_t key = 0; key < coded_keys; ++key) most[row] = sums[key] > most[row] ? sums[key] : most[row];
        }
}
#endif

static void most_coded(const float* q, size_t rows, const std::byte* codes, size_t groups, size_t dim, float* most,
                       size_t most_stride) {
    const Half* least = reinterpret_cast<const Half*>(codes);
    const uint8_t* grouped = reinterpret_cast<const uint8_t*>(codes) + 4 * dim;
    for (size_t first = 0; first < rows; first += 4) {
        const size_t count = rows - first < 4 ? rows - first : 4, words = (dim + 7) / 8;
        FoldedQuery queries[4];
        int32_t sums[4];
        for (size_t row = 0; row < count; ++row)
            fold_query(q + (first + row) * dim, least, least + dim, dim, queries[row]);
        if (count == 4) most_of_groups<4>(queries, grouped, groups, words, sums);
        if (count == 3) most_of_groups<3>(queries, grouped, groups, words, sums);
        if (count == 2) most_of_groups<2>(queries, grouped, groups, words, sums);
        if (count == 1) most_of_groups<1>(queries, grouped, groups, words, sums);
        for (size_t row = 0; row < count; ++row)
            most[(first + row) * most_stride] = queries[row].base + queries[row].scale * float(sums[row]);
    }
}

}  // namespace lv::LV_SIMD_LEVEL
