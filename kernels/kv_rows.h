// Writes f32 key or value rows into storage of a cache's type.
#pragma once

#include <cstddef>

#include "kernels/core/dtype.h"
#include "kernels/core/tensor.h"

namespace lv {

class Device;

// Rows of keys or of values as they are kept: f32, f16, or i8 with a scale for each row and kv head.
struct KvStore {
    DType type = DType::f16;
    size_t kv_heads = 0;
    std::byte* values = nullptr;  // [.., kv_heads * head_dim] of `type`
    float* scales = nullptr;      // i8 only: [.., kv_heads]
};

// rows [n, kv_heads * head_dim] f32 to rows first, first + 1, ... of the store, all in the memory of `device`
// (null: the host). On the calling thread.
void store_rows(Device* device, ConstMatrix rows, const KvStore& store, size_t first);

}  // namespace lv
