#include "vision/objects.h"

#include <algorithm>
#include <cmath>

namespace lv {
namespace {

// `object` at the mean place of the boxes of its kind that overlap it by iou_fused or more (it is one), weighted by
// score.
Object fused(const Object& object, std::span<const Object> all, float iou_fused) {
    Object mean{object.kind, object.score};
    float weights = 0;
    for (const Object& other : all) {
        if (other.kind != object.kind || (&other != &object && overlap(object, other) < iou_fused)) continue;
        weights += other.score;
        mean.left += other.score * other.left;
        mean.top += other.score * other.top;
        mean.right += other.score * other.right;
        mean.bottom += other.score * other.bottom;
    }
    for (float* side : {&mean.left, &mean.top, &mean.right, &mean.bottom}) *side /= weights;
    return mean;
}

}  // namespace

float overlap(const Object& a, const Object& b) {
    const float width = std::min(a.right, b.right) - std::max(a.left, b.left);
    const float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
    if (width <= 0 || height <= 0) return 0;
    const float shared = width * height;
    return shared / std::max(a.area() + b.area() - shared, 1e-9f);
}

float floor_logit(const ObjectConfig& config) {
    return config.score_floor < 1 ? std::log(config.score_floor / (1 - config.score_floor)) : 1e30f;
}

std::vector<Object> listed_objects(std::span<const FoundBox> boxes, size_t pictures, size_t picture, size_t count) {
    std::vector<Object> objects;
    for (size_t i = 0; i < count; ++i) {
        const FoundBox& box = boxes[i * pictures + picture];
        objects.push_back({box.kind, box.score, box.left, box.top, box.right, box.bottom});
    }
    return objects;
}

std::vector<Object> suppressed(std::vector<Object> objects, const ObjectConfig& config) {
    std::stable_sort(objects.begin(), objects.end(),
                     [](const Object& a, const Object& b) { return a.score > b.score; });
    std::vector<const Object*> kept;
    const float same = std::min(config.iou_same_class, config.iou_any_class);
    for (const Object& object : objects) {
        const bool covered = std::any_of(kept.begin(), kept.end(), [&](const Object* better) {
            return overlap(object, *better) > (better->kind == object.kind ? same : config.iou_any_class);
        });
        if (covered) continue;
        kept.push_back(&object);
        if (kept.size() == static_cast<size_t>(config.max_boxes)) break;
    }
    std::vector<Object> result;
    for (const Object* object : kept) result.push_back(fused(*object, objects, config.iou_fused));
    return result;
}

void save_objects(StateWriter& writer, std::span<const Object> objects) {
    writer.put<uint64_t>(objects.size());
    for (const Object& object : objects) {
        writer.put<int32_t>(object.kind);
        for (float value : {object.score, object.left, object.top, object.right, object.bottom}) writer.put(value);
    }
}

std::vector<Object> restore_objects(StateReader& reader) {
    std::vector<Object> objects(reader.within<uint64_t>(0, 4096));
    for (Object& object : objects) {
        object.kind = reader.within<int32_t>(0, 79);
        for (float* value : {&object.score, &object.left, &object.top, &object.right, &object.bottom})
            reader.get(*value);
    }
    return objects;
}

}  // namespace lv
