// The few doors to oneDNN besides conv_engine.h; a build without it has no_onednn.cpp instead. Internal.
#pragma once

#include <cstddef>

namespace lv {

// c = a b by oneDNN's sgemm, all [size, size] f32, with `threads` OpenMP threads. False when this build has none.
bool onednn_sgemm(size_t threads, size_t size, const float* a, const float* b, float* c);

}  // namespace lv
