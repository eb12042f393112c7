#include "kernels/rope.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "kernels/core/device.h"
#include "kernels/core/error.h"
#include "kernels/simd/simd.h"

namespace lv {

std::vector<double> rope_frequencies(size_t head_dim, double theta) {
    require(head_dim >= 2 && head_dim % 2 == 0, "rotary positions: head_dim is ", head_dim,
            ", expected an even number");
    std::vector<double> frequencies(head_dim / 2);
    for (size_t i = 0; i < frequencies.size(); ++i)
        frequencies[i] = std::pow(theta, -2.0 * double(i) / double(head_dim));
    return frequencies;
}

std::vector<double> retention_frequencies(size_t head_dim, double theta) {
    require(head_dim >= 2 && head_dim % 2 == 0, "rotary positions: head_dim is ", head_dim,
            ", expected an even number");
    std::vector<double> frequencies(head_dim / 2);
    double steps = double(std::max<size_t>(2, frequencies.size()) - 1);  // linspace(0, 1, 1) is 0
    for (size_t i = 0; i < frequencies.size(); ++i) frequencies[i] = 1 / std::pow(theta, double(i) / steps);
    return frequencies;
}

void rope_table(const Context& context, std::span<const double> frequencies, int64_t first_position, Matrix table) {
    assert(table.cols == 2 * frequencies.size());
    if (Device* device = context.device()) return device->rope_table(frequencies, first_position, table);
    // A turn by the frequency leads from row to row; every 64 rows the angle is taken anew, so that rounding
    // (64 x 1e-16) never shows in f32.
    for (size_t i = 0; i < frequencies.size(); ++i) {
        double step_cos = std::cos(frequencies[i]), step_sin = std::sin(frequencies[i]);
        double cos = 0, sin = 0;
        for (size_t row = 0; row < table.rows; ++row) {
            if (row % 64 == 0) {
                double angle = double(first_position + int64_t(row)) * frequencies[i];
                cos = std::cos(angle);
                sin = std::sin(angle);
            }
            float* at = table.data + row * table.stride + 2 * i;
            at[0] = float(cos);
            at[1] = float(sin);
            double next = cos * step_cos - sin * step_sin;
            sin = cos * step_sin + sin * step_cos;
            cos = next;
        }
    }
}

void rope(const Context& context, ConstMatrix x, ConstMatrix table, float factor, Matrix y) {
    size_t head_dim = table.cols;
    assert(x.rows == y.rows && x.cols == y.cols && table.rows >= x.rows && head_dim > 0 && x.cols % head_dim == 0);
    if (Device* device = context.device()) return device->rope(x, table, factor, y);
    size_t grain = std::max<size_t>(1, 32768 / std::max<size_t>(1, x.cols));
    context.parallel_for(0, x.rows, grain, [&](size_t first, size_t last) {
        for (size_t row = first; row < last; ++row)
            for (size_t col = 0; col < x.cols; col += head_dim)
                simd().rotate(x.row(row).data() + col, table.row(row).data(), factor, y.row(row).data() + col,
                              head_dim);
    });
}

}  // namespace lv
