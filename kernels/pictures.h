// What stands around a conv net: pictures as bytes made into its input, and the best column of each row it answers.
//
// On a device all of it lies in that device's memory, and the results are the same to the last bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/core/context.h"
#include "kernels/core/dtype.h"
#include "kernels/core/tensor.h"

namespace lv {

// A picture at the top left of a canvas; sides in px, height <= canvas_height, width <= canvas_width.
struct CanvasShape {
    size_t height = 0, width = 0;
    size_t canvas_height = 0, canvas_width = 0;
    uint8_t pad = 0;          // the byte around the picture
    float mean = 0, std = 1;  // value = (byte - mean) / std, std above 0

    size_t picture_bytes() const { return height * width * 3; }
    size_t canvas_size() const { return canvas_height * canvas_width * 3; }
};

// pictures [batch, height, width, 3] -> canvases [batch, canvas_height, canvas_width, 3]. A picture a thread.
void write_canvases(const Context& context, const CanvasShape& shape, size_t batch, const uint8_t* pictures,
                    float* canvases);
// The values rounded to f16, what is too large for it to its largest number.
void write_canvases(const Context& context, const CanvasShape& shape, size_t batch, const uint8_t* pictures,
                    Half* canvases);

// values[row] = max over x[row, column], columns[row] the first column that has it. x [rows, cols], at least one column
// and no NaN; values, columns [rows].
void best_columns(const Context& context, ConstMatrix x, std::span<float> values, std::span<int32_t> columns);

}  // namespace lv
