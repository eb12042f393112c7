// RMSNorm, with a weight over whole rows, and without one over each head.
#pragma once

#include <span>

#include "kernels/core/context.h"
#include "kernels/core/tensor.h"
#include "kernels/product_rows.h"

namespace lv {

// y[row, i] = x[row, i] / sqrt(mean_j x[row, j]^2 + eps) * weight[i];   x, y [rows, dim], weight [dim].
// y may be x. (Zhang and Sennrich, arXiv 1910.07467)
void rms_norm(const Context& context, ConstMatrix x, std::span<const float> weight, float eps, Matrix y);

// The same over each head by itself and without weight: x, y [rows, heads * head_dim]. y may be x.
void rms_norm_heads(const Context& context, ConstMatrix x, size_t heads, float eps, Matrix y);

// As rms_norm(), left for a product. y may be x when it is f32.
void rms_norm(const Context& context, ConstMatrix x, std::span<const float> weight, float eps, const ProductRows& y);

// y = silu(gate) * rms_norm_heads(x), left for a product: how gated retention ends. gate as x; y may be x when it is
// f32.
void gated_norm_heads(const Context& context, ConstMatrix x, ConstMatrix gate, size_t heads, float eps,
                      const ProductRows& y);

}  // namespace lv
