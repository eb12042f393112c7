#include "app/time_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>
#include <vector>

#include "kernels/core/error.h"

namespace lv {
namespace {

constexpr double max_seconds = 1e9;  // 31 years; keeps every product inside int64

// A number without sign or exponent at the front of `text`, which is moved past it.
std::optional<double> take_number(std::string_view& text) {
    double value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (code != std::errc() || text.front() == '-' || text.front() == 'i' || text.front() == 'n') return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    return value;
}

double unit_seconds(std::string_view unit) {
    struct Unit {
        std::string_view name;
        double seconds;
    };
    static constexpr std::array<Unit, 5> units{{{"ms", 1e-3}, {"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}}};
    for (const Unit& known : units)
        if (known.name == unit) return known.seconds;
    return -1;
}

std::optional<double> parse_clock(std::string_view text) {
    double total = 0;
    int fields = 0;
    while (true) {
        const std::optional<double> field = take_number(text);
        const bool last = text.empty();
        if (!field || ++fields > 3 || (fields > 1 && *field >= 60)) return std::nullopt;
        if (!last && *field != std::floor(*field)) return std::nullopt;
        total = total * 60 + *field;
        if (last) return fields > 1 ? std::optional(total) : std::nullopt;
        if (text.front() != ':') return std::nullopt;
        text.remove_prefix(1);
    }
}

std::optional<double> parse_units(std::string_view text) {
    double total = 0;
    while (!text.empty()) {
        const std::optional<double> number = take_number(text);
        if (!number) return std::nullopt;
        const size_t length = std::min(text.find_first_of("0123456789."), text.size());
        const double unit = unit_seconds(text.substr(0, length));
        if (unit < 0) return std::nullopt;
        total += *number * unit;
        text.remove_prefix(length);
    }
    return total;
}

std::optional<double> parse_seconds(std::string_view text) {
    if (text.empty()) return std::nullopt;
    std::string_view rest = text;
    if (const std::optional<double> plain = take_number(rest); plain && rest.empty()) return plain;
    return text.find(':') != std::string_view::npos ? parse_clock(text) : parse_units(text);
}

}  // namespace

int64_t parse_time_us(std::string_view text, std::string_view what) {
    const std::optional<double> value = parse_seconds(text);
    if (!value || *value > max_seconds)
        throw UsageError(std::string(what) + ": '" + std::string(text) +
                         "' is not a time; write seconds (90), a clock (1:30, 1:02:03) or units (10s, 2m, 1h30m)");
    return std::llround(*value * 1e6);
}

std::string subtitle_time(int64_t time_us, char separator) {
    const long long total_ms = std::max<int64_t>(time_us, 0) / 1000;
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%02lld:%02lld:%02lld%c%03lld", total_ms / 3'600'000,
                  total_ms / 60'000 % 60, total_ms / 1000 % 60, separator, total_ms % 1000);
    return text.data();
}

}  // namespace lv
