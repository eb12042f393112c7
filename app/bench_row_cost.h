// What one more row costs at different lengths, as far as it was measured, and what a whole video costs by that: for
// reading that would take hours.
#pragma once

#include <cstddef>
#include <vector>

namespace lv {

// The cost of a row as a line through the measured points: level before the first, going on as the last two behind the
// last (never falling).
class RowCost {
   public:
    // Lengths rise from call to call.
    void add(double rows, double seconds_a_row);

    size_t points() const { return points_.size(); }
    double longest() const { return points_.empty() ? 0 : points_.back().rows; }
    // At least one point was added.
    double at(double rows) const;
    // Seconds of reading `rows` rows from the first: the area under the line.
    double sum(double rows) const;

   private:
    struct Point {
        double rows, seconds;
    };
    std::vector<Point> points_;
};

}  // namespace lv
