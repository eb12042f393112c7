#include "app/desktop/evidence_curve.h"

#include <algorithm>
#include <cmath>

#include "app/time_text.h"

namespace lv {

std::vector<float> curve_over(std::span<const AttentionPoint> points, double from_s, double to_s, size_t width) {
    std::vector<float> heights(width);
    float largest = 0;
    for (const AttentionPoint& point : points) largest = std::max(largest, point.share);
    if (!(largest > 0) || !(to_s > from_s)) return heights;
    const double px_a_second = static_cast<double>(width) / (to_s - from_s);
    const auto place = [&](const AttentionPoint& point) { return (seconds(point.time_us) - from_s) * px_a_second; };
    const auto raise = [&](double x, float share) {
        if (x < 0 || x >= static_cast<double>(width)) return;
        float& height = heights[static_cast<size_t>(x)];
        height = std::max(height, share / largest);
    };
    for (size_t i = 0; i < points.size(); ++i) {
        const double x = place(points[i]);
        raise(x, points[i].share);
        if (i + 1 == points.size()) break;
        const double next = place(points[i + 1]);
        const double last = std::min(next, static_cast<double>(width));
        for (double at = std::max(std::floor(x) + 1, 0.0); at < last; ++at) {
            const auto along = static_cast<float>((at - x) / (next - x));
            raise(at, points[i].share + (points[i + 1].share - points[i].share) * along);
        }
    }
    return heights;
}

}  // namespace lv
