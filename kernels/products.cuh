// Matrix products by cuBLASLt for one thread: what is known of a shape is asked for once and kept.
#pragma once

#include <cstddef>
#include <map>
#include <tuple>

#include "kernels/core/dtype.h"
#include "kernels/products_library.cuh"

namespace lv::cuda {

class Lane;

// y[row, o] (+)= sum_i x[row, i] w[o, i] + bias[o]; x and w of `type` (f32, f16, bf16), y f32, sums f32.
struct Product {
    DType type = DType::f32;
    bool exact = false;  // f32 only: no TF32
    size_t rows = 0, in = 0, out = 0;
    const void* x = nullptr;
    size_t x_stride = 0;
    const void* w = nullptr;  // [out, in]
    size_t w_stride = 0;
    float* y = nullptr;
    size_t y_stride = 0;
    const float* bias = nullptr;  // [out], at a multiple of 16 bytes; or null
    bool accumulate = false;
};

class Products {
   public:
    explicit Products(const ProductsLibrary& library);  // which outlives it
    ~Products();
    Products(const Products&) = delete;
    Products& operator=(const Products&) = delete;

    void multiply(Lane& lane, const Product& product);

   private:
    struct Plan;
    using Key = std::tuple<DType, bool, size_t, size_t, size_t, size_t, size_t, size_t, bool, bool, uint64_t>;
    Plan& plan_of(const Product& product);

    const ProductsLibrary& library_;
    cublasLtHandle_t handle_ = nullptr;
    std::map<Key, Plan> plans_;
};

}  // namespace lv::cuda
