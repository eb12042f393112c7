// Planes made into RGB wherever that runs, beside a plain reckoning in doubles. What libswscale makes of the same
// stands in tests/vision/planes_test.cpp.
#include "kernels/picture_planes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "tests/devices/on_device.h"

namespace lv::test {
namespace {

class Planes : public Everywhere {};
INSTANTIATE_TEST_SUITE_P(On, Planes, everywhere, where_name);

// A value of a side: the mean over what its pixel covers, or between two neighbours.
double along(size_t in, size_t out, size_t i, const std::function<double(size_t)>& value) {
    if (in > out) {
        const double from = double(i) * double(in) / double(out), to = double(i + 1) * double(in) / double(out);
        double sum = 0;
        for (size_t k = 0; k < in; ++k)
            sum += std::max(0.0, std::min(double(k + 1), to) - std::max(double(k), from)) * value(k);
        return sum / (to - from);
    }
    const double at = std::clamp((double(i) + 0.5) * double(in) / double(out) - 0.5, 0.0, double(in - 1));
    const size_t first = size_t(at);
    return (1 - (at - double(first))) * value(first) + (at - double(first)) * value(std::min(first + 1, in - 1));
}

struct Case {
    size_t height, width;               // of the luma
    unsigned shift_y = 1, shift_x = 1;  // of the chroma
    bool interleaved = false;
    unsigned depth = 8, low_zeros = 0;  // bits of a sample, and empty ones below them
    size_t to_height, to_width;
    int xx = 1, xy = 0, yx = 0, yy = 1;
};

void expect_case(const Context& context, const Case& shape, uint32_t seed) {
    const size_t chroma_height = (shape.height + (1u << shape.shift_y) - 1) >> shape.shift_y;
    const size_t chroma_width = (shape.width + (1u << shape.shift_x) - 1) >> shape.shift_x;
    const size_t bytes = shape.depth > 8 ? 2 : 1, gap = 5 * bytes;  // at the end of each row
    std::vector<uint8_t> memory;
    uint32_t state = seed;
    // Rows of `samples` samples; the place of the first.
    const auto plane = [&](size_t height, size_t samples) {
        const size_t place = memory.size();
        for (size_t y = 0; y < height; ++y) {
            for (size_t x = 0; x < samples; ++x) {
                state = state * 1664525u + 1013904223u;
                const unsigned value = (state >> 16) % (1u << shape.depth) << shape.low_zeros;
                memory.push_back(uint8_t(value));
                if (bytes == 2) memory.push_back(uint8_t(value >> 8));
            }
            memory.insert(memory.end(), gap, 255);
        }
        return place;
    };
    PlanarPicture from{.sample_bytes = unsigned(bytes),
                       .unit = float(std::ldexp(1.0, 8 - int(shape.depth + shape.low_zeros))),
                       .black = 16,
                       .gain = 255 / 219.0f,
                       .v_to_r = 1.7927f,
                       .u_to_g = 0.2132f,
                       .v_to_g = 0.5329f,
                       .u_to_b = 2.1124f};
    const size_t step = shape.interleaved ? 2 * bytes : bytes;
    const size_t y = plane(shape.height, shape.width);
    const size_t u = plane(chroma_height, shape.interleaved ? 2 * chroma_width : chroma_width);
    const size_t v = shape.interleaved ? u + bytes : plane(chroma_height, chroma_width);
    Placed<uint8_t> placed(context, std::span<const uint8_t>(memory));
    const auto fill = [&](PicturePlane& to, size_t place, size_t height, size_t width, size_t step_bytes) {
        const size_t row = (&to == &from.y ? shape.width * bytes : chroma_width * step) + gap;
        to = {placed.span().data() + place, height, width, row, step_bytes};
    };
    fill(from.y, y, shape.height, shape.width, bytes);
    fill(from.u, u, chroma_height, chroma_width, step);
    fill(from.v, v, chroma_height, chroma_width, step);
    const ScaledLayout to{shape.to_height, shape.to_width, shape.xx, shape.xy, shape.yx, shape.yy};
    Placed<uint8_t> rgb(context, std::span<const uint8_t>(std::vector<uint8_t>(to.height * to.width * 3)));
    scale_planes(context, from, to, rgb.span().data());
    const std::vector<uint8_t> found = rgb.values();

    const auto value = [&](const PicturePlane& own, size_t place, size_t row, size_t col) {
        return along(own.height, to.height, row, [&](size_t k) {
            return along(own.width, to.width, col, [&](size_t j) {
                const uint8_t* at = &memory[place + k * own.row_bytes + j * own.step_bytes];
                return (bytes == 1 ? double(at[0]) : double(at[0] + 256 * at[1])) * double(from.unit);
            });
        });
    };
    for (size_t row = 0; row < to.height; ++row)
        for (size_t col = 0; col < to.width; ++col) {
            const double light = double(from.gain) * (value(from.y, y, row, col) - 16);
            const double blue = value(from.u, u, row, col) - 128, red = value(from.v, v, row, col) - 128;
            const double expected[] = {light + double(from.v_to_r) * red,
                                       light - double(from.u_to_g) * blue - double(from.v_to_g) * red,
                                       light + double(from.u_to_b) * blue};
            // Turned by hand: each of the four corners keeps its neighbours.
            const long width = long(to.shown_width()), height = long(to.shown_height());
            long x = to.xx * long(col) + to.xy * long(row), line = to.yx * long(col) + to.yy * long(row);
            if (x < 0 || to.xx + to.xy < 0) x += width - 1;
            if (line < 0 || to.yx + to.yy < 0) line += height - 1;
            for (size_t c = 0; c < 3; ++c)
                ASSERT_NEAR(found[size_t(line * width + x) * 3 + c], std::clamp(expected[c], 0.0, 255.0), 0.51)
                    << "row " << row << ", column " << col << ", colour " << c;
        }
}

TEST_P(Planes, BecomeTheScaledPicture) {
    const Context context = make_context();
    const Case cases[] = {
        {.height = 36, .width = 64, .to_height = 9, .to_width = 16},                        // whole samples
        {.height = 37, .width = 61, .to_height = 11, .to_width = 17},                       // shares; odd sides
        {.height = 16, .width = 24, .to_height = 16, .to_width = 24},                       // only the chroma grows
        {.height = 10, .width = 8, .to_height = 23, .to_width = 19},                        // grows
        {.height = 30, .width = 8, .to_height = 7, .to_width = 11},                         // shrinks and grows
        {.height = 1, .width = 1, .to_height = 3, .to_width = 2},                           // one pixel
        {.height = 33, .width = 40, .interleaved = true, .to_height = 12, .to_width = 14},  // nv12
        {.height = 22, .width = 18, .shift_y = 0, .shift_x = 0, .to_height = 9, .to_width = 7},
        {.height = 22, .width = 18, .shift_y = 0, .depth = 10, .to_height = 9, .to_width = 7},
        {.height = 22, .width = 18, .interleaved = true, .depth = 10, .low_zeros = 6, .to_height = 9, .to_width = 7},
    };
    for (const Case& shape : cases) {
        SCOPED_TRACE(std::to_string(shape.width) + " x " + std::to_string(shape.height) + " to " +
                     std::to_string(shape.to_width) + " x " + std::to_string(shape.to_height));
        expect_case(context, shape, uint32_t(shape.height * 7 + shape.depth));
    }
}

TEST_P(Planes, AreTurnedAndMirrored) {
    const Context context = make_context();
    for (const auto& [xx, xy, yx, yy] : {std::array{1, 0, 0, 1},
                                         {-1, 0, 0, 1},
                                         {1, 0, 0, -1},
                                         {-1, 0, 0, -1},
                                         {0, 1, -1, 0},
                                         {0, -1, 1, 0},
                                         {0, 1, 1, 0},
                                         {0, -1, -1, 0}})
        expect_case(context,
                    {.height = 12, .width = 20, .to_height = 5, .to_width = 9, .xx = xx, .xy = xy, .yx = yx, .yy = yy},
                    3);
}

}  // namespace
}  // namespace lv::test
