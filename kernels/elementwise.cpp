#include "kernels/elementwise.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "kernels/core/device.h"
#include "kernels/simd/simd.h"

namespace lv {
namespace {

// fn(row) for every row, spread over the threads when there is enough to do.
template <typename Fn>
void for_rows(const Context& context, const Matrix& y, Fn fn) {
    size_t grain = std::max<size_t>(1, 32768 / std::max<size_t>(1, y.cols));
    context.parallel_for(0, y.rows, grain, [&](size_t first, size_t last) {
        for (size_t row = first; row < last; ++row) fn(row);
    });
}

[[maybe_unused]] bool same_shape(ConstMatrix a, ConstMatrix b) { return a.rows == b.rows && a.cols == b.cols; }

}  // namespace

void silu(const Context& context, ConstMatrix x, Matrix y) {
    assert(same_shape(x, y));
    if (Device* device = context.device()) return device->silu(x, y);
    for_rows(context, y, [&](size_t row) { simd().silu(x.row(row).data(), y.row(row).data(), y.cols); });
}

void swiglu(const Context& context, ConstMatrix gate, ConstMatrix up, Matrix y) {
    assert(same_shape(gate, y) && same_shape(up, y));
    if (Device* device = context.device()) return device->swiglu(gate, up, ProductRows(y));
    for_rows(context, y,
             [&](size_t row) { simd().swiglu(gate.row(row).data(), up.row(row).data(), y.row(row).data(), y.cols); });
}

void swiglu(const Context& context, ConstMatrix gate, ConstMatrix up, const ProductRows& y) {
    if (Device* device = context.device()) return device->swiglu(gate, up, y);
    swiglu(context, gate, up, y.plain());
}

void add(const Context& context, ConstMatrix a, ConstMatrix b, Matrix y) {
    assert(same_shape(a, y) && same_shape(b, y));
    if (Device* device = context.device()) return device->add(a, b, y);
    for_rows(context, y,
             [&](size_t row) { simd().add(a.row(row).data(), b.row(row).data(), y.row(row).data(), y.cols); });
}

void scale(const Context& context, ConstMatrix x, float factor, Matrix y) {
    assert(same_shape(x, y));
    if (Device* device = context.device()) return device->scale(x, factor, y);
    for_rows(context, y,
             [&](size_t row) { simd().scale_by(x.row(row).data(), nullptr, factor, y.row(row).data(), y.cols); });
}

void log_decay(const Context& context, ConstMatrix x, std::span<const float> bias, float divisor, Matrix y) {
    assert(same_shape(x, y) && (bias.empty() || bias.size() == x.cols));
    if (Device* device = context.device()) return device->log_decay(x, bias.data(), divisor, y);
    for_rows(context, y, [&](size_t row) {
        for (size_t col = 0; col < y.cols; ++col) {
            float value = x.at(row, col) + (bias.empty() ? 0 : bias[col]);
            // log(sigmoid(v)) = min(v, 0) - log(1 + e^-|v|), which neither overflows nor cancels
            y.at(row, col) = (std::min(value, 0.0f) - std::log1p(std::exp(-std::fabs(value)))) / divisor;
        }
    });
}

}  // namespace lv
