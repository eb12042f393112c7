// From what a detector says of the cells of its maps to a list of boxes for each picture.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/core/context.h"

namespace lv {

// The cells of one map, of pictures of one size.
struct CellMaps {
    size_t pictures = 0, height = 0, width = 0;
    float stride = 8;                // px of the picture a cell
    const float* scores = nullptr;   // [pictures, height, width] logit of the likeliest kind
    const int32_t* kinds = nullptr;  // [pictures, height, width] that kind
    const float* sides = nullptr;    // [pictures, height, width, 4] logs of left, top, right, bottom in strides
    float floor = 0;                 // the logit from which a cell holds a box
    float picture_height = 1, picture_width = 1;  // px
};

struct FoundBox {
    int32_t kind = 0;
    float score = 0;                                 // sigmoid of the logit
    float left = 0, top = 0, right = 0, bottom = 0;  // shares of the picture, 0..1
};

// Appends, in the order of the cells, of each that reaches the floor its box: around the cell's centre as far as its
// sides tell, at most e^6 strides. counts [pictures] rises by as many; box i of picture p is boxes[i * pictures + p],
// so that the first boxes of all pictures lie together. There is room for all cells that were ever appended. On a
// device all lies in that device's memory; the exponentials there differ from the host's in the last bit.
void append_boxes(const Context& context, const CellMaps& cells, std::span<uint32_t> counts, std::span<FoundBox> boxes);

}  // namespace lv
