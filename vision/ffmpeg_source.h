// A FrameSource over libav: files, -, URLs, camera:N, screen:, test: (generated pictures).
#pragma once

#include <memory>
#include <string>

#include "vision/frame_source.h"

namespace lv {

// Opens the location and reads its header; decodes nothing yet. Throws Error with what was found and what to do.
// Sparse sampling (options.period_us) never decodes a group of pictures, nor a picture that no other refers to, when
// the packets ahead show that nobody will see it; SamplingMode::exact still gives what decoding everything would.
std::unique_ptr<FrameSource> open_source(const std::string& location, const SourceOptions& options = {});

}  // namespace lv
