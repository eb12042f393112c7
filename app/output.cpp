#include "app/output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace lv {

void print_out(std::string_view text) {
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    if (!written || std::fflush(stdout) != 0)
        throw OutputError(std::string("cannot write to standard output: ") + std::strerror(errno) +
                          (errno == ENOSPC ? "; free some space" : ""));
}

}  // namespace lv
