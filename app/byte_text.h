// Sizes and large numbers as people write them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lv {

// Bytes of "256MiB", "1.5 GiB", "500KB", "4000000": units KiB MiB GiB TiB (1024), KB MB GB TB (1000), B or none; any
// case. Throws UsageError that names `what` when it is no size or not above 0.
size_t parse_bytes(std::string_view text, std::string_view what);

// "812 B", "3.4 MiB", "12 GiB".
std::string byte_text(size_t bytes);

// "1,204".
std::string grouped(int64_t number);

}  // namespace lv
