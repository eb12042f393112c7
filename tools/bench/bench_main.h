// The command line of a benchmark: its lists of numbers, its help, its errors as one sentence and an exit status 0, 1
// or 2.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/core/error.h"

namespace lv {

// Numbers from `least` to `most` with commas between. Throws UsageError, which calls what was expected `expected`.
inline std::vector<size_t> numbers(std::string_view text, std::string_view option,
                                   const char* expected = "numbers above 0", size_t most = SIZE_MAX, size_t least = 1) {
    std::vector<size_t> out;
    for (const char *at = text.data(), *end = at + text.size(); at <= end; ++at) {
        size_t number = 0;
        const auto [next, error] = std::from_chars(at, end, number);
        if (error != std::errc() || number < least || number > most || (next != end && *next != ','))
            throw UsageError(std::string(option) + ": found \"" + std::string(text) + "\", expected " + expected +
                             " with commas between");
        out.push_back(number);
        at = next;
    }
    return out;
}

// run(parse(argc, argv)), but for a lone --help or -h.
template <typename Parse, typename Run>
int bench_main(const char* name, const char* help, int argc, char** argv, const Parse& parse, const Run& run) {
    try {
        if (argc == 2 && (argv[1] == std::string_view("--help") || argv[1] == std::string_view("-h"))) {
            std::fputs(help, stdout);
            return 0;
        }
        return run(parse(argc, argv));
    } catch (const UsageError& error) {
        std::fprintf(stderr, "%s: %s\n", name, error.what());
        return 2;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", name, error.what());
        return 1;
    }
}

}  // namespace lv
