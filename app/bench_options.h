// What `longview bench` can be told, and how it is written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/memory_options.h"
#include "app/model_options.h"
#include "kernels/core/dtype.h"

namespace CLI {
class App;
}

namespace lv {

struct BenchOptions {
    ModelOptions model;
    std::vector<std::string> names;  // empty: all
    std::string video;               // empty: the bench makes its own clip
    bool json = false;
    bool quiet = false;
    bool full = false;  // the long lengths too

    std::vector<size_t> lengths;  // tokens in memory, rising; empty: each bench has its own

    // Of the benches that ask about a haystack.
    size_t trials = 0;                        // haystacks a length; 0: by length
    size_t depths = 10;                       // places of a needle, from the beginning to the end
    std::vector<size_t> needles{1, 2, 4, 8};  // hidden at once, rising
    DType cache = DType::f16;
    // Pages that a cross layer reads for a row, 0: all. The others beside the first are what 'needle' compares it with.
    std::vector<size_t> attends{0};
    uint64_t seed = 1;
};

constexpr size_t most_needles = 32;  // of the 80 kinds

// "4K" is 4096, "1M" 1048576, "1000" itself. Throws UsageError that names `what`.
size_t parse_count(std::string_view text, std::string_view what);

// Adds the command to the program; what is parsed is written to `options`.
CLI::App& add_bench_command(CLI::App& app, BenchOptions& options);

// Throws UsageError where options do not fit together.
void check_bench(const BenchOptions& options);

}  // namespace lv
