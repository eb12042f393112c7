// Rows that only a product reads, left by who makes them in the type in which they are multiplied.
//
// Where a device multiplies in 16 bits, f32 rows would be written, read again and rounded; these are rounded at once,
// to the same bits. Linear::product_type() says which type to make.
#pragma once

#include <cstddef>

#include "kernels/core/dtype.h"
#include "kernels/core/tensor.h"

namespace lv {

// Values from one 16-bit row to the next, so that each begins at a multiple of 16 bytes.
constexpr size_t product_stride(size_t cols) { return (cols + 7) / 8 * 8; }

struct ProductRows {
    std::byte* data = nullptr;  // [rows, cols], a row every `stride` values
    DType type = DType::f32;    // f32; or, on a device only, bf16 or f16 (cut off at its largest, 65504)
    size_t rows = 0, cols = 0, stride = 0;

    ProductRows() = default;
    explicit ProductRows(Matrix plain)
        : data(reinterpret_cast<std::byte*>(plain.data)), rows(plain.rows), cols(plain.cols), stride(plain.stride) {}
    Matrix plain() const {
        assert(type == DType::f32);
        return {reinterpret_cast<float*>(data), rows, cols, stride};
    }
};

}  // namespace lv
