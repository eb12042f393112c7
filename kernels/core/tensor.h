// A matrix that somebody else owns: rows of `cols` values, `stride` values apart.
//
// Every kernel takes rows [rows, cols]; what the columns mean is said at the kernel. Views are cheap to copy and
// never own; the memory behind them must outlive them.
#pragma once

#include <cassert>
#include <cstddef>
#include <span>

namespace lv {

template <typename T>
struct MatrixView {
    T* data = nullptr;
    size_t rows = 0;
    size_t cols = 0;
    size_t stride = 0;  // values from one row to the next, >= cols

    MatrixView() = default;
    MatrixView(T* data_, size_t rows_, size_t cols_) : MatrixView(data_, rows_, cols_, cols_) {}
    MatrixView(T* data_, size_t rows_, size_t cols_, size_t stride_)
        : data(data_), rows(rows_), cols(cols_), stride(stride_) {
        assert(stride >= cols);
    }

    // A writable view reads as a const one.
    operator MatrixView<const T>() const { return {data, rows, cols, stride}; }

    std::span<T> row(size_t index) const {
        assert(index < rows);
        return {data + index * stride, cols};
    }
    T& at(size_t row_index, size_t col) const {
        assert(row_index < rows && col < cols);
        return data[row_index * stride + col];
    }
    // Rows [first, first + count).
    MatrixView slice(size_t first, size_t count) const {
        assert(first + count <= rows);
        return {data + first * stride, count, cols, stride};
    }
    // Columns [first, first + count) of every row.
    MatrixView columns(size_t first, size_t count) const {
        assert(first + count <= cols);
        return {data + first, rows, count, stride};
    }
    size_t size() const { return rows * cols; }
};

using Matrix = MatrixView<float>;             // [rows, cols] f32
using ConstMatrix = MatrixView<const float>;  // the same, read only

}  // namespace lv
