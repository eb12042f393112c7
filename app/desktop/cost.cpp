#include "app/desktop/cost.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace lv {
namespace {

constexpr double day_us = 86'400e6;

// printf into a string; g++ 12 has no std::format.
template <typename... Values>
std::string printed(const char* format, Values... values) {
    std::array<char, 160> text{};
    std::snprintf(text.data(), text.size(), format, values...);
    return text.data();
}

// Three figures, without an exponent.
std::string three_figures(double value) {
    const double size = std::abs(value);
    return printed(size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : "%.2f", value);
}

std::string tokens_sum(double tokens, double price, double amount) {
    return short_count(tokens) + " tokens × " + dollars(price) + " a million = " + dollars(amount);
}

std::string power_sum(double hours, const CostRates& rates, double amount) {
    return printed("%.3g h × %.3g W × ", hours, rates.watts) + dollars(rates.price_per_kwh) +
           " a kWh = " + dollars(amount);
}

}  // namespace

Cost reckon_cost(const CostRates& rates, size_t tokens, int64_t video_us, int64_t elapsed_us) {
    Cost cost;
    const auto count = static_cast<double>(tokens);
    const double hours = static_cast<double>(elapsed_us) / 3600e6;
    const double hour_price = rates.watts / 1000 * rates.price_per_kwh;
    cost.elsewhere = count / 1e6 * rates.price_per_million;
    cost.here = hours * hour_price;
    cost.elsewhere_sum = tokens_sum(count, rates.price_per_million, cost.elsewhere);
    cost.here_sum = power_sum(hours, rates, cost.here);
    if (video_us <= 0) return cost;
    const double days = day_us / static_cast<double>(video_us);
    cost.day_tokens = count * days;
    cost.day_elsewhere = cost.elsewhere * days;
    cost.day_here = cost.here * days;
    cost.day_elsewhere_sum = tokens_sum(cost.day_tokens, rates.price_per_million, cost.day_elsewhere);
    cost.day_here_sum = power_sum(hours * days, rates, cost.day_here);
    return cost;
}

std::string dollars(double amount) {
    if (amount == 0) return "$0";
    if (amount >= 1000) {
        const auto whole = static_cast<long long>(std::llround(amount));
        std::string digits = std::to_string(whole);
        for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(static_cast<size_t>(at), ",");
        return "$" + digits;
    }
    if (amount >= 0.1) return printed("$%.2f", amount);
    const int decimals = std::clamp(1 - static_cast<int>(std::floor(std::log10(amount))), 2, 9);
    return printed("$%.*f", decimals, amount);
}

std::string short_count(double count) {
    constexpr std::array<const char*, 4> units{"", " K", " M", " G"};
    size_t unit = 0;
    for (; count >= 1000 && unit + 1 < units.size(); ++unit) count /= 1000;
    return (unit == 0 ? printed("%.0f", count) : three_figures(count)) + units[unit];
}

std::string short_bytes(double bytes) {
    constexpr std::array<const char*, 4> units{" B", " KiB", " MiB", " GiB"};
    size_t unit = 0;
    for (; bytes >= 1024 && unit + 1 < units.size(); ++unit) bytes /= 1024;
    return (unit == 0 || bytes >= 100 ? printed("%.0f", bytes) : printed("%.1f", bytes)) + units[unit];
}

}  // namespace lv
