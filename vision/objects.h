// From the boxes found in the conv net's maps to objects: suppression and fusion. Twin of
// tools/train/objects/detect.py.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/boxes.h"
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

// The logit from which a cell holds an object: sigmoid(logit) >= config.score_floor exactly when logit >= this, so that
// the many empty cells need no exponential.
float floor_logit(const ObjectConfig& config);

// Boxes as kernels/boxes.h lists them, of picture `picture` of `pictures`: `count` of them.
std::vector<Object> listed_objects(std::span<const FoundBox> boxes, size_t pictures, size_t picture, size_t count);

// Best first, at most config.max_boxes. A box goes when a better one overlaps it by more than the config's limits. One
// that stays keeps its score and takes the mean place of the boxes of its kind, gone or not, that overlap it by
// iou_fused or more, weighted by score.
std::vector<Object> suppressed(std::vector<Object> objects, const ObjectConfig& config);

// For a saved memory; restoring throws Error where the bytes are no such list (at most 4096, kinds 0..79).
void save_objects(StateWriter& writer, std::span<const Object> objects);
std::vector<Object> restore_objects(StateReader& reader);

}  // namespace lv
