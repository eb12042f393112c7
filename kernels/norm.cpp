#include "kernels/norm.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "kernels/core/device.h"
#include "kernels/elementwise.h"
#include "kernels/simd/simd.h"

namespace lv {

void rms_norm(const Context& context, ConstMatrix x, std::span<const float> weight, float eps, Matrix y) {
    assert(x.rows == y.rows && x.cols == y.cols && weight.size() == x.cols);
    if (Device* device = context.device()) return device->rms_norm(x, weight.data(), eps, ProductRows(y));
    const SimdTable& table = simd();
    size_t grain = std::max<size_t>(1, 65536 / std::max<size_t>(1, x.cols));
    context.parallel_for(0, x.rows, grain, [&](size_t first, size_t last) {
        for (size_t row = first; row < last; ++row) {
            const float* from = x.row(row).data();
            float factor = 1 / std::sqrt(table.sum_of_squares(from, x.cols) / float(x.cols) + eps);
            table.scale_by(from, weight.data(), factor, y.row(row).data(), x.cols);
        }
    });
}

void rms_norm_heads(const Context& context, ConstMatrix x, size_t heads, float eps, Matrix y) {
    assert(x.rows == y.rows && x.cols == y.cols && x.cols % heads == 0);
    if (Device* device = context.device()) return device->rms_norm_heads(x, heads, eps, ProductRows(y));
    const SimdTable& table = simd();
    size_t head_dim = x.cols / heads;
    size_t grain = std::max<size_t>(1, 65536 / std::max<size_t>(1, x.cols));
    context.parallel_for(0, x.rows, grain, [&](size_t first, size_t last) {
        for (size_t row = first; row < last; ++row)
            for (size_t head = 0; head < heads; ++head) {
                const float* from = x.row(row).data() + head * head_dim;
                float factor = 1 / std::sqrt(table.sum_of_squares(from, head_dim) / float(head_dim) + eps);
                table.scale_by(from, nullptr, factor, y.row(row).data() + head * head_dim, head_dim);
            }
    });
}

void rms_norm(const Context& context, ConstMatrix x, std::span<const float> weight, float eps, const ProductRows& y) {
    assert(x.rows == y.rows && x.cols == y.cols && weight.size() == x.cols);
    if (Device* device = context.device()) return device->rms_norm(x, weight.data(), eps, y);
    rms_norm(context, x, weight, eps, y.plain());
}

void gated_norm_heads(const Context& context, ConstMatrix x, ConstMatrix gate, size_t heads, float eps,
                      const ProductRows& y) {
    assert(x.rows == y.rows && x.cols == y.cols && x.cols % heads == 0 && gate.rows == x.rows && gate.cols == x.cols);
    if (Device* device = context.device()) return device->gated_norm_heads(x, gate, heads, eps, y);
    rms_norm_heads(context, x, heads, eps, y.plain());
    swiglu(context, gate, y.plain(), y.plain());
}

}  // namespace lv
