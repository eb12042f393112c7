#include "app/bench_row_cost.h"

#include <algorithm>
#include <cassert>

namespace lv {

void RowCost::add(double rows, double seconds_a_row) {
    assert(points_.empty() || rows > points_.back().rows);
    points_.push_back({rows, seconds_a_row});
}

double RowCost::at(double rows) const {
    if (rows <= points_.front().rows || points_.size() == 1) return points_.front().seconds;
    const auto after = std::find_if(points_.begin(), points_.end(), [&](const Point& p) { return p.rows >= rows; });
    const Point& high = after == points_.end() ? points_.back() : *after;
    const Point& low = *(&high - 1);
    const double slope = (high.seconds - low.seconds) / (high.rows - low.rows);
    return high.seconds + (after == points_.end() ? std::max(slope, 0.0) : slope) * (rows - high.rows);
}

double RowCost::sum(double rows) const {
    double total = 0, from = 0;
    const auto add = [&](double to) {
        total += (at(from) + at(to)) / 2 * (to - from);
        from = to;
    };
    for (const Point& point : points_)
        if (point.rows > from && point.rows < rows) add(point.rows);
    add(rows);
    return total;
}

}  // namespace lv
