// A decoded picture, in the planes that decoders give, made into upright RGB of another size.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/core/context.h"

namespace lv {

// Samples of one kind, spread evenly over the whole picture.
struct PicturePlane {
    const uint8_t* data = nullptr;  // the sample at the top left
    size_t height = 0, width = 0;   // samples, 1..most_plane_side
    size_t row_bytes = 0;           // from a row to the next
    size_t step_bytes = 1;          // from a sample to the next: interleaved planes have wider steps
};
constexpr size_t most_plane_side = 32768;

struct PlanarPicture {
    PicturePlane y{}, u{}, v{};
    unsigned sample_bytes = 1;  // 1, or 2 (little-endian)
    float unit = 1;             // value = sample * unit, where 8 bits have 0..255
    // light = gain (y - black); r = light + v_to_r (v - 128), g = light - u_to_g (u - 128) - v_to_g (v - 128),
    // b = light + u_to_b (u - 128)
    float black = 16, gain = 1, v_to_r = 0, u_to_g = 0, v_to_g = 0, u_to_b = 0;
};

// The scaled picture as stored, and how it is turned: pixel (x, y) is shown at column x0 + xx x + xy y of row
// y0 + yx x + yy y, quarter turns and mirrors; x0, y0 are such that the picture begins at 0, 0.
struct ScaledLayout {
    size_t height = 0, width = 0;  // px, 1..most_plane_side, before the turn
    int xx = 1, xy = 0, yx = 0, yy = 1;

    size_t shown_height() const { return xy != 0 ? width : height; }
    size_t shown_width() const { return xy != 0 ? height : width; }
};

// rgb [shown_height, shown_width, 3]. Along each side of each plane by itself: where the picture shrinks, a value is
// the mean of the samples that its pixel covers, by the share of each; else it lies between its two neighbours, centres
// on centres, edges repeated. Colours are reckoned from the scaled planes in f32, rounded to nearest, limited to
// 0..255. On a device planes and rgb lie in its memory, and a value may differ from the host's by 1.
void scale_planes(const Context& context, const PlanarPicture& from, const ScaledLayout& to, uint8_t* rgb);

}  // namespace lv
