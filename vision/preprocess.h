// From a picture to the conv net's input: scaled, placed top left on grey, normalised. Twin of tools/train/objects/pictures.py.
#pragma once

#include <span>
#include <vector>

#include "vision/frame_source.h"
#include "vision/vision_config.h"

namespace lv {

// A picture on its canvas. Boxes on the canvas become shares of the picture by dividing by width and height.
struct Canvas {
    int width = 0, height = 0;                // of the canvas, multiples of input.multiple
    int picture_width = 0, picture_height = 0;  // of the scaled picture inside it, at the top left
    std::vector<float> values;                // [height, width, 3] f32 channels-last, (byte - mean) / std
};

// 8-bit RGB scaled so that its long side is `long_side` (area filter when shrinking, linear when growing); sides round
// half to even, at least 1. A picture of that size is copied.
Picture scaled_picture(const Picture& picture, int long_side);

Canvas canvas_of(const Picture& picture, const InputConfig& input);

// Mean absolute difference of two pictures' bytes; 255 when their sizes differ.
double mean_difference(const Picture& a, const Picture& b);

// How alike two pictures' colours are, whatever moved: 0 same to 1 wholly other (histogram of 4 x 4 x 4 colours in
// 2 x 2 fields, half the sum of absolute differences).
double colour_distance(const Picture& a, const Picture& b);

}  // namespace lv
