#include "kernels/kv_rows.h"

#include <algorithm>
#include <cassert>

#include "kernels/attention.h"
#include "kernels/core/device.h"

namespace lv {

void store_rows(Device* device, ConstMatrix rows, const KvStore& store, size_t first) {
    if (device) return device->store_rows(rows, store, first);
    if (store.type == DType::i8) {
        quantize_heads(rows, store.kv_heads, reinterpret_cast<int8_t*>(store.values) + first * rows.cols, rows.cols,
                       store.scales + first * store.kv_heads);
        return;
    }
    assert(store.type == DType::f16 || store.type == DType::f32);
    for (size_t row = 0; row < rows.rows; ++row) {
        const size_t offset = (first + row) * rows.cols;
        if (store.type == DType::f32)
            std::ranges::copy(rows.row(row), reinterpret_cast<float*>(store.values) + offset);
        else
            convert(rows.row(row), std::span(reinterpret_cast<Half*>(store.values) + offset, rows.cols));
    }
}

}  // namespace lv
