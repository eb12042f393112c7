// From a picture to the conv net's input: scaled, placed top left on grey. Twin of tools/train/objects/pictures.py.
#pragma once

#include "kernels/pictures.h"
#include "vision/frame_source.h"
#include "vision/vision_config.h"

namespace lv {

// 8-bit RGB scaled so that its long side is `long_side` (area filter when shrinking, linear when growing); sides round
// half to even, at least 1. A picture of that size is copied.
Picture scaled_picture(const Picture& picture, int long_side);

// How write_canvases() places a scaled picture: top left, the canvas's sides multiples of input.multiple. Boxes on the
// canvas become shares of the picture by dividing by the picture's width and height.
CanvasShape canvas_of(const Picture& scaled, const InputConfig& input);

// Mean absolute difference of two pictures' bytes; 255 when their sizes differ.
double mean_difference(const Picture& a, const Picture& b);

// How alike two pictures' colours are, whatever moved: 0 same to 1 wholly other (histogram of 4 x 4 x 4 colours in
// 2 x 2 fields, half the sum of absolute differences).
double colour_distance(const Picture& a, const Picture& b);

}  // namespace lv
