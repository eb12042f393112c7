// What of a decoded libav picture is read, and its planes as kernels/picture_planes.h takes them (private to the FFmpeg
// source).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "kernels/picture_planes.h"

struct AVFrame;

namespace lv {

struct DecodedColours {
    int format = -1;              // AVPixelFormat in memory, without the old "J"
    bool full_range = false;      // 0..255, not 16..235
    const int* matrix = nullptr;  // libswscale's coefficients
};
DecodedColours colours_of(const AVFrame& picture);

// A whole picture, or one field of it, in the picture's memory: of one on the GPU the planes are addresses there.
struct DecodedView {
    std::array<const uint8_t*, 4> planes{};
    std::array<int, 4> strides{};  // bytes
    int width = 0, height = 0;     // px
};
DecodedView view_of(const AVFrame& picture);  // without what is to be cut off
DecodedView field_of(const DecodedView& picture, bool top);

// The planes of a view; empty where a kernel does not read them: RGB, palettes, grey, alpha, other orders of bytes,
// packed samples, rows from below. They lie where the picture lies.
std::optional<PlanarPicture> planes_of(const DecodedView& view, const DecodedColours& colours);

}  // namespace lv
