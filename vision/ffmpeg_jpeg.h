// A picture as the bytes of a JPEG file: for thumbnails.
#pragma once

#include <cstdint>
#include <vector>

#include "vision/frame_source.h"

namespace lv {

// Any thread. Throws Error where this FFmpeg cannot write JPEG.
std::vector<uint8_t> jpeg_of(const Picture& picture);

}  // namespace lv
