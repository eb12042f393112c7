#include "app/output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace lv {

void hold_standard_streams() {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
        if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
        if (open("/dev/null", O_RDONLY) < 0) return;  // the lowest free number: this one
    }
}

std::string shown(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
        const bool wide = byte == 0xC2 && next >= 0x80 && next < 0xA0;
        if (wide) ++i;
        out += wide || byte == 0x7F || (byte < 0x20 && byte != '\n' && byte != '\t') ? '?' : text[i];
    }
    return out;
}

void print_out(std::string_view text) {
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    if (written && std::fflush(stdout) == 0) return;
    const int code = errno;
    throw OutputError(std::string("cannot write to standard output: ") + std::strerror(code) +
                          (code == ENOSPC ? "; free some space" : ""),
                      code == EPIPE);
}

}  // namespace lv
