#include "kernels/boxes.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "kernels/core/device.h"

namespace lv {
namespace {

constexpr float largest_log_side = 6;

float share(float px, float side) { return std::clamp(px / side, 0.0f, 1.0f); }

}  // namespace

void append_boxes(const Context& context, const CellMaps& cells, std::span<uint32_t> counts,
                  std::span<FoundBox> boxes) {
    assert(counts.size() == cells.pictures && boxes.size() >= cells.pictures * cells.height * cells.width);
    if (Device* device = context.device()) return device->append_boxes(cells, counts, boxes);
    const size_t area = cells.height * cells.width;
    for (size_t i = 0; i < cells.pictures * area; ++i) {
        const float logit = cells.scores[i];
        if (!(logit >= cells.floor)) continue;
        const size_t picture = i / area, cell = i % area;
        float sides[4];
        for (size_t k = 0; k < 4; ++k)
            sides[k] = cells.stride * std::exp(std::min(cells.sides[i * 4 + k], largest_log_side));
        const float x = (float(cell % cells.width) + 0.5f) * cells.stride;
        const float y = (float(cell / cells.width) + 0.5f) * cells.stride;
        boxes[counts[picture]++ * cells.pictures + picture] = {cells.kinds[i],
                                                               1 / (1 + std::exp(-logit)),
                                                               share(x - sides[0], cells.picture_width),
                                                               share(y - sides[1], cells.picture_height),
                                                               share(x + sides[2], cells.picture_width),
                                                               share(y + sides[3], cells.picture_height)};
    }
}

}  // namespace lv
