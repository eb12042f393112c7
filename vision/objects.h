// From the conv net's maps to objects: decoding, suppression and fusion of boxes. Twin of
// tools/train/objects/detect.py.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vision/state_bytes.h"
#include "vision/vision_config.h"

namespace lv {

// A box in shares of the picture (0..1, x right, y down) around an object of a kind (index of its class name).
struct Object {
    int kind = 0;
    float score = 0;  // 0..1
    float left = 0, top = 0, right = 0, bottom = 0;

    float width() const { return right - left; }
    float height() const { return bottom - top; }
    float area() const { return width() * height(); }
    float cx() const { return (left + right) / 2; }
    float cy() const { return (top + bottom) / 2; }
};

float overlap(const Object& a, const Object& b);  // intersection over union, 0..1

// What the net says of the cells of one stride, for one picture.
struct ObjectMaps {
    int stride = 8;  // px of the canvas a cell
    size_t height = 0, width = 0;
    const float* scores = nullptr;   // [height, width] logit of the likeliest kind
    const int32_t* kinds = nullptr;  // [height, width] that kind
    const float* boxes = nullptr;    // [height, width, 4] logs of left, top, right, bottom in strides
};

// Objects of one picture, best first, at most config.max_boxes. picture_width and picture_height: px of the picture
// inside the canvas, whose sides the boxes become shares of.
std::vector<Object> find_objects(std::span<const ObjectMaps> maps, int picture_width, int picture_height,
                                 const ObjectConfig& config);

// Best first. A box goes when a better one overlaps it by more than the config's limits. One that stays keeps its score
// and takes the mean place of the boxes of its kind, gone or not, that overlap it by iou_fused or more, weighted by
// score.
std::vector<Object> suppressed(std::vector<Object> objects, const ObjectConfig& config);

// For a saved memory; restoring throws Error where the bytes are no such list (at most 4096, kinds 0..79).
void save_objects(StateWriter& writer, std::span<const Object> objects);
std::vector<Object> restore_objects(StateReader& reader);

}  // namespace lv
