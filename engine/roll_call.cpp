#include "engine/roll_call.h"

#include <algorithm>
#include <cassert>

namespace lv {

RollCall::RollCall(const RowLayout& layout) : layout_(layout) {
    for (size_t kind = 0; layout.roll > 0 && kind < layout.kinds; ++kind)
        newest_.push_back(std::make_shared<const Row>(Row{.values = std::vector<float>(layout.feature_dim)}));
}

void RollCall::add(ConstMatrix rows, std::span<const int64_t> times_us) {
    assert(newest_.empty() || rows.cols == layout_.feature_dim);
    assert(times_us.size() == rows.rows);
    if (newest_.empty()) return;
    for (size_t index = 0; index < rows.rows; ++index) {
        const std::span<const float> from = rows.row(index);
        if (from[layout_.is_object] == 0) continue;
        const auto kinds = from.subspan(layout_.kind, layout_.kinds);
        const auto kind = std::ranges::find_if(kinds, [](float value) { return value != 0; });
        if (kind == kinds.end()) continue;
        auto& newest = newest_[static_cast<size_t>(kind - kinds.begin())];
        if (!newest->came) ++size_;
        newest = std::make_shared<const Row>(Row{true, times_us[index], {from.begin(), from.end()}});
    }
}

void RollCall::write(std::vector<float>& values, std::vector<int64_t>& times_us) const {
    values.clear();
    times_us.clear();
    for (const auto& newest : newest_) {
        if (!newest->came) continue;
        values.insert(values.end(), newest->values.begin(), newest->values.end());
        values[values.size() - layout_.feature_dim + layout_.roll] = 1;
        times_us.push_back(newest->time_us);
    }
}

size_t RollCall::bytes() const {
    return newest_.size() * (sizeof(newest_[0]) + sizeof(Row) + layout_.feature_dim * sizeof(float));
}

}  // namespace lv
