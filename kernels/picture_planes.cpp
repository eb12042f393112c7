#include "kernels/picture_planes.h"

#include <algorithm>
#include <cassert>
#include <vector>

#include "kernels/core/device.h"

namespace lv {
namespace {

// What one value takes of a side of a plane.
struct Taps {
    size_t first = 0;
    std::vector<float> weights;
};

std::vector<Taps> taps_of(size_t in, size_t out) {
    std::vector<Taps> all(out);
    for (size_t i = 0; i < out; ++i) {
        Taps& taps = all[i];
        if (in > out) {  // in 1 / out of a sample: from i * in to (i + 1) * in
            taps.first = i * in / out;
            for (size_t k = taps.first; k * out < (i + 1) * in; ++k)
                taps.weights.push_back(float(std::min((k + 1) * out, (i + 1) * in) - std::max(k * out, i * in)) /
                                       float(in));
        } else {  // in 1 / 2 out of a sample, from the first centre
            const size_t at = std::max((2 * i + 1) * in, out) - out;
            taps.first = at / (2 * out);
            const float second = taps.first + 1 < in ? float(at % (2 * out)) / float(2 * out) : 0;
            taps.weights = {1 - second};
            if (taps.first + 1 < in) taps.weights.push_back(second);
        }
    }
    return all;
}

float sample(const PlanarPicture& picture, const PicturePlane& plane, size_t y, size_t x) {
    const uint8_t* at = plane.data + y * plane.row_bytes + x * plane.step_bytes;
    return picture.unit * (picture.sample_bytes == 1 ? float(at[0]) : float(at[0] | at[1] << 8));
}

std::vector<float> scaled(const PlanarPicture& picture, const PicturePlane& plane, const ScaledLayout& to) {
    const std::vector<Taps> rows = taps_of(plane.height, to.height), cols = taps_of(plane.width, to.width);
    std::vector<float> out;
    for (const Taps& row : rows)
        for (const Taps& col : cols) {
            float sum = 0;
            for (size_t k = 0; k < row.weights.size(); ++k) {
                float line = 0;
                for (size_t j = 0; j < col.weights.size(); ++j)
                    line += col.weights[j] * sample(picture, plane, row.first + k, col.first + j);
                sum += row.weights[k] * line;
            }
            out.push_back(sum);
        }
    return out;
}

uint8_t byte_of(float value) { return uint8_t(std::clamp(value, 0.0f, 255.0f) + 0.5f); }

}  // namespace

void scale_planes(const Context& context, const PlanarPicture& from, const ScaledLayout& to, uint8_t* rgb) {
    for ([[maybe_unused]] const PicturePlane* plane : {&from.y, &from.u, &from.v})
        assert(plane->height - 1 < most_plane_side && plane->width - 1 < most_plane_side);
    if (Device* device = context.device()) return device->scale_planes(from, to, rgb);
    const std::vector<float> y = scaled(from, from.y, to), u = scaled(from, from.u, to), v = scaled(from, from.v, to);
    const ptrdiff_t x0 = to.xx + to.xy < 0 ? ptrdiff_t(to.shown_width()) - 1 : 0;
    const ptrdiff_t y0 = to.yx + to.yy < 0 ? ptrdiff_t(to.shown_height()) - 1 : 0;
    for (size_t i = 0; i < y.size(); ++i) {
        const ptrdiff_t row = ptrdiff_t(i / to.width), col = ptrdiff_t(i % to.width);
        const size_t shown =
            size_t(y0 + to.yx * col + to.yy * row) * to.shown_width() + size_t(x0 + to.xx * col + to.xy * row);
        const float light = from.gain * (y[i] - from.black), blue = u[i] - 128, red = v[i] - 128;
        rgb[shown * 3] = byte_of(light + from.v_to_r * red);
        rgb[shown * 3 + 1] = byte_of(light - from.u_to_g * blue - from.v_to_g * red);
        rgb[shown * 3 + 2] = byte_of(light + from.u_to_b * blue);
    }
}

}  // namespace lv
