#include "app/recent_memory.h"

#include <algorithm>
#include <utility>

namespace lv {

std::string dated(std::string_view question, int64_t now_us) {
    constexpr std::string_view now = " now?";
    if (!question.ends_with(now)) return std::string(question);
    question.remove_suffix(now.size());
    return std::string(question) + " at " + written_time(now_us) + "?";
}

namespace {

Answer ask_of(const RecentStretch& stretch, Workspace& work, std::string_view question, const GenerateOptions& options,
              std::stop_token stop) {
    const auto stream_us = [&](int64_t time_us) {
        if (stretch.times_us.empty()) return time_us;
        const auto frame = static_cast<size_t>(std::max<int64_t>(time_us, 0) / RowsAnew::period_us);
        return stretch.times_us[std::min(frame, stretch.times_us.size() - 1)];
    };
    Answer answer = lv::ask(work, stretch.memory, question, options, {}, stop);
    for (Moment& moment : answer.evidence)
        moment.start_us = stream_us(moment.start_us), moment.end_us = stream_us(moment.end_us);
    for (AttentionPoint& point : answer.attention) point.time_us = stream_us(point.time_us);
    return answer;
}

}  // namespace

RecentAnswer RecentPast::ask(Workspace& work, std::string_view question, GenerateOptions options,
                             std::stop_token stop) const {
    options.clock = {};
    return {ask_of(shorter_, work, dated(question, shorter_.memory.last_time_us()), options, stop),
            ask_of(longer_, work, question, options, stop)};
}

void RecentMemory::append(Workspace& work, ConstMatrix rows, std::span<const int64_t> times_us) {
    if (rows.rows == 0) return;
    // What left bears the time of the frame before.
    if (!parts_[0].times_us.empty() && times_us.back() - parts_[0].times_us.back() > longest_step_us)
        for (Part& part : parts_) part = Part(model_);
    for (Part& part : parts_) {
        part.rows.make(rows, values_, times_us_);
        part.memory.append(work, {values_.data(), times_us_.size(), rows.cols}, times_us_);
        for (size_t i = 0; i < rows.rows; ++i)
            if (rows.row(i)[row::is_scene] > 0) part.times_us.push_back(times_us[i]);
    }
    if (parts_[2].times_us.size() < most_) return;
    parts_[0] = std::exchange(parts_[1], std::exchange(parts_[2], Part(model_)));
}

}  // namespace lv
