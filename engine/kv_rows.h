// Writes f32 key or value rows into storage of a cache's type.
#pragma once

#include <cstddef>

#include "kernels/core/dtype.h"
#include "kernels/core/tensor.h"

namespace lv {

// rows [n, dim] f32 to rows first, first + 1, ... of `storage` [.., dim], which is f16 or f32.
void store_rows(ConstMatrix rows, DType type, std::byte* storage, size_t first);

}  // namespace lv
