// The clocks as whole microseconds.
#pragma once

#include <time.h>

#include <chrono>
#include <cstdint>

namespace lv {

// For durations and deadlines: never falls, its origin means nothing; stands still while the machine sleeps.
inline int64_t steady_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

// The same, and it goes on while the machine sleeps: for the times of what is watched live (Linux's CLOCK_BOOTTIME).
inline int64_t boot_us() {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

// Of the calendar, since 1970 in UTC: may jump when the machine's clock is set.
inline int64_t wall_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

}  // namespace lv
