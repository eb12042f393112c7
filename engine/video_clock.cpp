#include "engine/video_clock.h"

#include <algorithm>
#include <cassert>
#include <cstdio>

namespace lv {

namespace {

constexpr int64_t second_us = 1'000'000;

// m:ss or h:mm:ss of whole seconds.
std::string_view clock_text(long long seconds, bool hours, std::span<char> out) {
    const long long h = seconds / 3600, m = seconds / 60 % 60, s = seconds % 60;
    const int size = h > 0 || hours ? std::snprintf(out.data(), out.size(), "%lld:%02lld:%02lld", h, m, s)
                                    : std::snprintf(out.data(), out.size(), "%lld:%02lld", m, s);
    return {out.data(), size_t(size)};
}

long long whole_seconds(int64_t time_us) { return std::max<int64_t>(time_us, 0) / second_us; }

}  // namespace

VideoClock::VideoClock(std::vector<int64_t> starts_us) : starts_us_(std::move(starts_us)) {
    assert(!starts_us_.empty() && std::ranges::is_sorted(starts_us_));
}

size_t VideoClock::video_at(int64_t time_us) const {
    const auto later = std::ranges::upper_bound(starts_us_, time_us);
    return later == starts_us_.begin() ? 0 : size_t(later - starts_us_.begin()) - 1;
}

int64_t VideoClock::last_us(size_t video, int64_t now_us) const {
    return video + 1 < starts_us_.size() ? std::max(starts_us_[video], starts_us_[video + 1] - second_us) : now_us;
}

std::string_view write_time(int64_t time_us, const VideoClock& clock, std::span<char> out) {
    if (!clock.several()) return clock_text(whole_seconds(time_us), false, out);
    const size_t video = clock.video_at(time_us);
    const int size = std::snprintf(out.data(), out.size(), "video %zu, ", video + 1);
    const std::string_view time =
        clock_text(whole_seconds(time_us - clock.start_us(video)), true, out.subspan(size_t(size)));
    return {out.data(), size_t(size) + time.size()};
}

std::string written_time(int64_t time_us) {
    char text[32];
    return std::string(clock_text(whole_seconds(time_us), false, text));
}

std::string written_time(int64_t time_us, const VideoClock& clock) {
    char text[64];
    return std::string(write_time(time_us, clock, text));
}

std::string written_own_time(int64_t time_us, int64_t of_us, const VideoClock& clock) {
    char text[32];
    const int64_t zero_us = clock.start_us(clock.video_at(of_us));
    return std::string(clock_text(whole_seconds(time_us - zero_us), clock.several(), text));
}

}  // namespace lv
