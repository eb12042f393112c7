#include "kernels/pictures.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "kernels/core/device.h"

namespace lv {
namespace {

void narrow(float from, float& to) { to = from; }
void narrow(float from, Half& to) { to = to_half(std::clamp(from, -65504.0f, 65504.0f)); }

template <typename T>
void write(const Context& context, const CanvasShape& shape, size_t batch, const uint8_t* pictures, T* canvases) {
    assert(shape.height <= shape.canvas_height && shape.width <= shape.canvas_width);
    if (Device* device = context.device()) return device->write_canvases(shape, batch, pictures, canvases);
    std::array<T, 256> value;
    for (int byte = 0; byte < 256; ++byte) narrow((float(byte) - shape.mean) / shape.std, value[size_t(byte)]);
    context.parallel_for(0, batch, 1, [&](size_t first, size_t last) {
        for (size_t index = first; index < last; ++index) {
            const uint8_t* from = pictures + index * shape.picture_bytes();
            T* to = canvases + index * shape.canvas_size();
            for (size_t y = 0; y < shape.canvas_height; ++y, to += shape.canvas_width * 3) {
                const size_t filled = y < shape.height ? shape.width * 3 : 0;
                for (size_t i = 0; i < filled; ++i) to[i] = value[*from++];
                std::fill(to + filled, to + shape.canvas_width * 3, value[shape.pad]);
            }
        }
    });
}

}  // namespace

void write_canvases(const Context& context, const CanvasShape& shape, size_t batch, const uint8_t* pictures,
                    float* canvases) {
    write(context, shape, batch, pictures, canvases);
}

void write_canvases(const Context& context, const CanvasShape& shape, size_t batch, const uint8_t* pictures,
                    Half* canvases) {
    write(context, shape, batch, pictures, canvases);
}

void best_columns(const Context& context, ConstMatrix x, std::span<float> values, std::span<int32_t> columns) {
    assert(x.cols > 0 && values.size() == x.rows && columns.size() == x.rows);
    if (Device* device = context.device()) return device->best_columns(x, values, columns);
    for (size_t row = 0; row < x.rows; ++row) {
        const std::span<const float> line = x.row(row);
        const auto best = std::max_element(line.begin(), line.end());
        values[row] = *best;
        columns[row] = int32_t(best - line.begin());
    }
}

}  // namespace lv
