// The attention of an answer as a curve to be drawn, a height for every px.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/evidence.h"

namespace lv {

// Heights in 0..1 (1: the largest share of all of them, shown or not) at `width` px from from_s to to_s, straight
// between the points; where several points fall on a px, the largest.
std::vector<float> curve_over(std::span<const AttentionPoint> points, double from_s, double to_s, size_t width);

}  // namespace lv
