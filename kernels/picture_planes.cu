// See picture_planes.h. Every sample is read once, or as often as pixels share it; the weights are reckoned on the way.
#include "kernels/picture_planes.h"

#include "kernels/core/device.cuh"

namespace lv::cuda {
namespace {

constexpr unsigned cols_a_block = 32, rows_a_block = 8;

// The samples first..last that value `i` of `out` takes of a side of `in` samples, and what each weighs. All products
// stay below 2^32: sides are at most most_plane_side.
struct Taps {
    unsigned in, out, first, last;
    unsigned from, to;  // where the pixel begins and ends, in 1 / out of a sample
    float second;       // of the second of two neighbours

    __device__ Taps(unsigned i, unsigned in_, unsigned out_) : in(in_), out(out_), from(i * in_), to(from + in_) {
        if (in > out) {
            first = from / out;
            last = (to - 1) / out;
            second = 0;
        } else {
            const unsigned at = max((2 * i + 1) * in, out) - out;  // in 1 / 2 out of a sample, from the first centre
            first = at / (2 * out);
            last = min(first + 1, in - 1);
            second = last > first ? float(at % (2 * out)) / float(2 * out) : 0;
        }
    }
    __device__ float weight(unsigned k) const {
        if (in > out) return float(min((k + 1) * out, to) - max(k * out, from)) / float(in);
        return k > first ? second : 1 - second;
    }
};

__device__ float scaled(const PlanarPicture& picture, const PicturePlane& plane, unsigned y, unsigned x,
                        const ScaledLayout& layout) {
    const Taps rows(y, unsigned(plane.height), unsigned(layout.height));
    const Taps cols(x, unsigned(plane.width), unsigned(layout.width));
    float sum = 0;
    for (unsigned row = rows.first; row <= rows.last; ++row) {
        const uint8_t* at = plane.data + row * plane.row_bytes + cols.first * plane.step_bytes;
        float line = 0;
        for (unsigned col = cols.first; col <= cols.last; ++col, at += plane.step_bytes)
            line += cols.weight(col) * (picture.sample_bytes == 1 ? float(at[0]) : float(at[0] | at[1] << 8));
        sum += rows.weight(row) * line;
    }
    return sum * picture.unit;
}

__device__ uint8_t byte_of(float value) { return uint8_t(fminf(fmaxf(value, 0.0f), 255.0f) + 0.5f); }

// A thread owns a pixel.
__global__ void __launch_bounds__(cols_a_block* rows_a_block)
    make_rgb(PlanarPicture from, ScaledLayout to, unsigned shown_height, unsigned shown_width, uint8_t* rgb) {
    const unsigned x = blockIdx.x * cols_a_block + threadIdx.x, y = blockIdx.y * rows_a_block + threadIdx.y;
    if (x >= to.width || y >= to.height) return;
    const float light = from.gain * (scaled(from, from.y, y, x, to) - from.black);
    const float blue = scaled(from, from.u, y, x, to) - 128, red = scaled(from, from.v, y, x, to) - 128;
    const int x0 = to.xx + to.xy < 0 ? int(shown_width) - 1 : 0, y0 = to.yx + to.yy < 0 ? int(shown_height) - 1 : 0;
    const int shown_x = x0 + to.xx * int(x) + to.xy * int(y), shown_y = y0 + to.yx * int(x) + to.yy * int(y);
    uint8_t* pixel = rgb + (size_t(shown_y) * shown_width + unsigned(shown_x)) * 3;
    pixel[0] = byte_of(light + from.v_to_r * red);
    pixel[1] = byte_of(light - from.u_to_g * blue - from.v_to_g * red);
    pixel[2] = byte_of(light + from.u_to_b * blue);
}

}  // namespace

void CudaDevice::scale_planes(const PlanarPicture& from, const ScaledLayout& to, uint8_t* rgb) {
    launch(dim3(blocks_of(to.width, cols_a_block), blocks_of(to.height, rows_a_block)),
           dim3(cols_a_block, rows_a_block), 0, make_rgb, from, to, unsigned(to.shown_height()),
           unsigned(to.shown_width()), rgb);
}

}  // namespace lv::cuda
