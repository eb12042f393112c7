// The cost meter: what the watched tokens would cost at somebody's price, and what this machine's power cost instead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace lv {

struct CostRates {
    double price_per_million = 0;  // dollars for a million tokens
    double watts = 0;              // of this machine while it watches
    double price_per_kwh = 0;      // dollars
};

struct Cost {
    double elsewhere = 0;      // dollars: tokens at the price
    double here = 0;           // dollars: power while watching
    double day_tokens = 0;     // of 24 hours at the rate seen so far; 0: nothing seen yet
    double day_elsewhere = 0;  // dollars
    double day_here = 0;
    // The arithmetic, one line each, e.g. "0.4 M tokens x $0.30/M = $0.12".
    std::string elsewhere_sum, here_sum, day_elsewhere_sum, day_here_sum;
};

// tokens: rows of the memory; video_us: how much video they are; elapsed_us: how long watching it took here.
Cost reckon_cost(const CostRates& rates, size_t tokens, int64_t video_us, int64_t elapsed_us);

// "$0.12", "$1,234", "$0.000021": three figures that count.
std::string dollars(double amount);

// "950", "12.3 K", "4.56 M", "7.8 G".
std::string short_count(double count);

// "812 B", "256 KiB", "32.3 MiB", "1.5 GiB".
std::string short_bytes(double bytes);

}  // namespace lv
