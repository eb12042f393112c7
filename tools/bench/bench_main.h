// The main() of a benchmark: its help, and its errors as one sentence and an exit status, 0, 1 or 2.
#pragma once

#include <cstdio>
#include <exception>
#include <string_view>

#include "kernels/core/error.h"

namespace lv {

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
