#include "app/byte_text.h"

#include <array>
#include <cctype>
#include <charconv>
#include <cstdio>

#include "kernels/core/error.h"

namespace lv {
namespace {

constexpr double most_bytes = 1e18;

double unit_bytes(std::string_view unit) {
    struct Unit {
        std::string_view name;
        double bytes;
    };
    static constexpr std::array<Unit, 14> units{{{"", 1},
                                                 {"b", 1},
                                                 {"kib", 1024.0},
                                                 {"mib", 1048576.0},
                                                 {"gib", 1073741824.0},
                                                 {"tib", 1099511627776.0},
                                                 {"kb", 1e3},
                                                 {"mb", 1e6},
                                                 {"gb", 1e9},
                                                 {"tb", 1e12},
                                                 {"k", 1024.0},
                                                 {"m", 1048576.0},
                                                 {"g", 1073741824.0},
                                                 {"t", 1099511627776.0}}};
    for (const Unit& known : units)
        if (known.name == unit) return known.bytes;
    return 0;
}

}  // namespace

size_t parse_bytes(std::string_view text, std::string_view what) {
    double number = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    std::string unit;
    for (const char* at = end; code == std::errc() && at != text.data() + text.size(); ++at)
        if (*at != ' ') unit += static_cast<char>(std::tolower(static_cast<unsigned char>(*at)));
    const double bytes = code == std::errc() ? number * unit_bytes(unit) : 0;
    if (!(bytes >= 1) || bytes > most_bytes)
        throw UsageError(std::string(what) + ": '" + std::string(text) +
                         "' is not a size; write 256MiB, 1.5GiB, 500MB or a number of bytes");
    return static_cast<size_t>(bytes);
}

std::string byte_text(size_t bytes) {
    static constexpr std::array<const char*, 6> units{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double value = static_cast<double>(bytes);
    size_t unit = 0;
    for (; value >= 1024 && unit + 1 < units.size(); ++unit) value /= 1024;
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), unit > 0 && value < 10 ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return text.data();
}

std::string grouped(int64_t number) {
    std::string text = std::to_string(number);
    const size_t digits_at = number < 0 ? 1 : 0;
    for (size_t at = text.size(); at > digits_at + 3;) text.insert(at -= 3, 1, ',');
    return text;
}

}  // namespace lv
