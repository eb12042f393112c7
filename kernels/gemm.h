// A product of f32 matrices on the calling thread, for kernels that build on it (retention, attention, conv).
#pragma once

#include <cstddef>

namespace lv {

// c[m, n] (+)= a[m, k] b[k, n];  a[i, j] at a[i * a_row + j * a_k], so a transposed a is only other strides;
// b and c row-major. c overlaps neither. Any sizes, zero too (k = 0 writes zeros unless accumulating).
struct Gemm {
    size_t m = 0, n = 0, k = 0;
    const float* a = nullptr;
    size_t a_row = 0, a_k = 1;
    const float* b = nullptr;
    size_t b_stride = 0;
    float* c = nullptr;
    size_t c_stride = 0;
    bool accumulate = false;
};
void gemm(const Gemm& gemm);

}  // namespace lv
