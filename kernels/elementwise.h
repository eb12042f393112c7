// Element by element: activations, sums, and the decay of retention. The output may be either input.
#pragma once

#include <span>

#include "kernels/core/context.h"
#include "kernels/core/tensor.h"
#include "kernels/product_rows.h"

namespace lv {

// y = x * sigmoid(x)
void silu(const Context& context, ConstMatrix x, Matrix y);
// y = silu(gate) * up: the middle of a SwiGLU block, and the gate of retention's output. All [rows, dim].
void swiglu(const Context& context, ConstMatrix gate, ConstMatrix up, Matrix y);
// The same, left for a product; only an f32 y may be gate or up.
void swiglu(const Context& context, ConstMatrix gate, ConstMatrix up, const ProductRows& y);
// y = a + b
void add(const Context& context, ConstMatrix a, ConstMatrix b, Matrix y);
// y = x * factor
void scale(const Context& context, ConstMatrix x, float factor, Matrix y);
// y[row, h] = log(sigmoid(x[row, h] + bias[h])) / divisor, always <= 0; retention has divisor 16. bias [cols] or empty.
void log_decay(const Context& context, ConstMatrix x, std::span<const float> bias, float divisor, Matrix y);

}  // namespace lv
