#include "engine/kv_rows.h"

#include <algorithm>
#include <cassert>

namespace lv {

void store_rows(ConstMatrix rows, DType type, std::byte* storage, size_t first) {
    assert(type == DType::f16 || type == DType::f32);
    for (size_t row = 0; row < rows.rows; ++row) {
        const size_t offset = (first + row) * rows.cols;
        if (type == DType::f32)
            std::ranges::copy(rows.row(row), reinterpret_cast<float*>(storage) + offset);
        else
            convert(rows.row(row), std::span(reinterpret_cast<Half*>(storage) + offset, rows.cols));
    }
}

}  // namespace lv
