// Loops over the values of a row, for one level. Included by level.cpp only.
#pragma once

#include "kernels/simd/simd.h"
#include "kernels/simd/vec.h"

namespace lv::LV_SIMD_LEVEL {

template <typename From, typename To>
LV_INLINE void copy_convert(const From* from, To* to, size_t count) {
    size_t i = 0;
    for (; i + lanes <= count; i += lanes) store(to + i, load(from + i));
    if (i < count) {
        From in[lanes] = {};
        To out[lanes];
        for (size_t j = i; j < count; ++j) in[j - i] = from[j];
        store(out, load(in));
        for (size_t j = i; j < count; ++j) to[j] = out[j - i];
    }
}
static void half_to_float(const Half* from, float* to, size_t count) { copy_convert(from, to, count); }
static void float_to_half(const float* from, Half* to, size_t count) { copy_convert(from, to, count); }

// Calls body(Vec of x, index) for whole vectors, then for the rest once through a padded copy; body returns y.
template <typename Body>
LV_INLINE void for_each(const float* x, float* y, size_t count, Body body) {
    size_t i = 0;
    for (; i + lanes <= count; i += lanes) store(y + i, body(load(x + i)));
    if (i < count) {
        float in[lanes] = {}, out[lanes];
        for (size_t j = i; j < count; ++j) in[j - i] = x[j];
        store(out, body(load(in)));
        for (size_t j = i; j < count; ++j) y[j] = out[j - i];
    }
}
template <typename Body>
LV_INLINE void for_each(const float* a, const float* b, float* y, size_t count, Body body) {
    size_t i = 0;
    for (; i + lanes <= count; i += lanes) store(y + i, body(load(a + i), load(b + i)));
    if (i < count) {
        float in_a[lanes] = {}, in_b[lanes] = {}, out[lanes];
        for (size_t j = i; j < count; ++j) in_a[j - i] = a[j], in_b[j - i] = b[j];
        store(out, body(load(in_a), load(in_b)));
        for (size_t j = i; j < count; ++j) y[j] = out[j - i];
    }
}

static float sum_of_squares(const float* x, size_t count) {
    Vec sums[4] = {};
    size_t i = 0;
    for (; i + 4 * lanes <= count; i += 4 * lanes)
        for (size_t p = 0; p < 4; ++p) {
            Vec value = load(x + i + p * lanes);
            sums[p] += value * value;
        }
    float total = sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
    for (; i < count; ++i) total += x[i] * x[i];
    return total;
}

static float max_of(const float* x, size_t count) {
    float best = -__builtin_inff();
    size_t i = 0;
    if (count >= lanes) {
        Vec bests = load(x);
        for (i = lanes; i + lanes <= count; i += lanes) bests = larger(bests, load(x + i));
        float line[lanes];
        store(line, bests);
        for (size_t j = 0; j < lanes; ++j) best = line[j] > best ? line[j] : best;
    }
    for (; i < count; ++i) best = x[i] > best ? x[i] : best;
    return best;
}

static float exp_sum(float* x, size_t count, float factor, float shift) {
    Vec sums = {};
    size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        Vec value = exp(load(x + i) * factor - shift);
        store(x + i, value);
        sums += value;
    }
    float total = sum(sums);
    if (i < count) {
        float line[lanes] = {};
        for (size_t j = i; j < count; ++j) line[j - i] = x[j];
        store(line, exp(load(line) * factor - shift));
        for (size_t j = i; j < count; ++j) total += x[j] = line[j - i];
    }
    return total;
}

static void scale_by(const float* x, const float* weight, float factor, float* y, size_t count) {
    if (weight)
        for_each(x, weight, y, count, [factor](Vec value, Vec w) { return value * factor * w; });
    else
        for_each(x, y, count, [factor](Vec value) { return value * factor; });
}
static void multiply_add(const float* a, const float* b, float* y, size_t count) {
#pragma omp simd
    for (size_t i = 0; i < count; ++i) y[i] += a[i] * b[i];
}
static void add(const float* a, const float* b, float* y, size_t count) {
    for_each(a, b, y, count, [](Vec left, Vec right) { return left + right; });
}
static void silu(const float* x, float* y, size_t count) {
    for_each(x, y, count, [](Vec value) { return silu_of(value); });
}
static void swiglu(const float* gate, const float* up, float* y, size_t count) {
    for_each(gate, up, y, count, [](Vec g, Vec u) { return silu_of(g) * u; });
}

static void rotate(const float* x, const float* cos_sin, float factor, float* y, size_t count) {
#pragma omp simd
    for (size_t i = 0; i < count / 2; ++i) {
        float even = x[2 * i] * factor, odd = x[2 * i + 1] * factor;
        float cos = cos_sin[2 * i], sin = cos_sin[2 * i + 1];
        y[2 * i] = even * cos - odd * sin;
        y[2 * i + 1] = even * sin + odd * cos;
    }
}

static void retention_row(const float* q, const float* k, const float* v, float decay, float* state, float* out,
                          size_t dim) {
    for (size_t i = 0; i < dim; ++i) out[i] = 0;
    for (size_t i = 0; i < dim; ++i) {
        float* line = state + i * dim;
        float key = k[i], query = q[i];
#pragma omp simd
        for (size_t j = 0; j < dim; ++j) {
            float value = decay * line[j] + key * v[j];
            line[j] = value;
            out[j] += query * value;
        }
    }
}

// Up to 4 rows of q against up to 4 keys at a time: each key is read and widened once for all rows.
template <size_t rows, size_t keys, typename T>
LV_INLINE void dot_block(const float* q, size_t q_stride, const T* k, size_t k_stride, size_t dim, float* scores,
                         size_t score_stride) {
    Vec sums[rows][keys] = {};
    size_t i = 0;
    for (; i + lanes <= dim; i += lanes) {
        Vec key[keys];
#pragma GCC unroll 4
        for (size_t j = 0; j < keys; ++j) key[j] = load(k + j * k_stride + i);
#pragma GCC unroll 4
        for (size_t row = 0; row < rows; ++row) {
            Vec query = load(q + row * q_stride + i);
#pragma GCC unroll 4
            for (size_t j = 0; j < keys; ++j) sums[row][j] += query * key[j];
        }
    }
    float rest[rows][keys] = {};
    if (i < dim) {
        for (size_t j = 0; j < keys; ++j) {
            T in[lanes] = {};
            float key[lanes];
            for (size_t d = i; d < dim; ++d) in[d - i] = k[j * k_stride + d];
            store(key, load(in));
            for (size_t row = 0; row < rows; ++row)
                for (size_t d = i; d < dim; ++d) rest[row][j] += q[row * q_stride + d] * key[d - i];
        }
    }
#pragma GCC unroll 4
    for (size_t row = 0; row < rows; ++row) {
        float* to = scores + row * score_stride;
        if constexpr (keys == 4) {
            Four four = sums_of(sums[row][0], sums[row][1], sums[row][2], sums[row][3]);
#pragma GCC unroll 4
            for (size_t j = 0; j < keys; ++j) to[j] = four[j] + rest[row][j];
        } else {
#pragma GCC unroll 4
            for (size_t j = 0; j < keys; ++j) to[j] = sum(sums[row][j]) + rest[row][j];
        }
    }
}

template <typename T>
static void dots(const float* q, size_t q_stride, size_t rows, const T* k, size_t k_stride, size_t keys, size_t dim,
                 float* scores, size_t score_stride) {
    size_t key = 0;
    for (; key + 4 <= keys; key += 4) {
        const T* at = k + key * k_stride;
        size_t row = 0;
        for (; row + 3 <= rows; row += 3)
            dot_block<3, 4>(q + row * q_stride, q_stride, at, k_stride, dim, scores + row * score_stride + key,
                            score_stride);
        const float* rest = q + row * q_stride;
        float* to = scores + row * score_stride + key;
        if (rows - row == 2) dot_block<2, 4>(rest, q_stride, at, k_stride, dim, to, score_stride);
        if (rows - row == 1) dot_block<1, 4>(rest, q_stride, at, k_stride, dim, to, score_stride);
    }
    for (; key < keys; ++key)
        for (size_t row = 0; row < rows; ++row)
            dot_block<1, 1>(q + row * q_stride, q_stride, k + key * k_stride, k_stride, dim,
                            scores + row * score_stride + key, score_stride);
}

}  // namespace lv::LV_SIMD_LEVEL
