// What watching a video will take, reckoned before it starts.
#pragma once

#include <cstdint>
#include <string>

#include "app/session.h"

namespace lv {

struct MemoryNeed {
    const Config& config;
    MemoryOptions options;
    Meters now;  // of the memory that it joins
    std::string source{};
    int64_t first_us = 0, end_us = 0;  // what is to be watched; end 0: not known
    int64_t period_us = 1'000'000;     // between frames
};

// Rows a frame of mini: 3.0 on the bundled clip, 3.9 in the made-up day of `bench memory`, rounded up.
constexpr double usual_rows_a_frame = 5;

// Bytes that the memory will take in all: by the rows a frame of what it holds already, else by the usual ones. 0: the
// end is not known.
size_t reckon_need(const MemoryNeed& need);

// Throws Error with the sum when it exceeds `free_bytes` (0: not known).
void require_room(const MemoryNeed& need, size_t free_bytes);

// What this machine can still give; 0: not known.
size_t free_memory_bytes();

}  // namespace lv
