// The two clocks as whole microseconds.
#pragma once

#include <chrono>
#include <cstdint>

namespace lv {

// For durations and deadlines: never falls, its origin means nothing.
inline int64_t steady_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

// Of the calendar, since 1970 in UTC: may jump when the machine's clock is set.
inline int64_t wall_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

}  // namespace lv
