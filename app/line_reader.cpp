#include "app/line_reader.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "kernels/core/error.h"

namespace lv {
namespace {

constexpr size_t longest_line = 64 * 1024;

}  // namespace

LineReader::LineReader(int fd, std::stop_token stop)
    : fd_(fd), stop_(std::move(stop)), wake_fd_(eventfd(0, EFD_CLOEXEC)) {
    require(wake_fd_ >= 0, "cannot make an eventfd: ", std::strerror(errno));
}

LineReader::~LineReader() { close(wake_fd_); }

bool LineReader::fill() {
    const std::stop_callback wake(stop_, [this] {
        const uint64_t one = 1;
        [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof one);
    });
    std::array<pollfd, 2> waits{pollfd{fd_, POLLIN, 0}, pollfd{wake_fd_, POLLIN, 0}};
    while (poll(waits.data(), waits.size(), -1) < 0)
        require(errno == EINTR, "cannot wait for input: ", std::strerror(errno));
    if (stop_.stop_requested()) return false;
    std::array<char, 4096> chunk;
    const ssize_t count = read(fd_, chunk.data(), chunk.size());
    require(count >= 0, "cannot read standard input: ", std::strerror(errno));
    buffer_.append(chunk.data(), static_cast<size_t>(count));
    return count > 0;
}

std::optional<std::string> LineReader::next() {
    size_t end;
    while ((end = buffer_.find('\n')) == std::string::npos) {
        if (buffer_.size() > longest_line)
            throw UsageError("a line of standard input is longer than 64 KiB; write one question a line");
        if (fill()) continue;
        if (stop_.stop_requested() || buffer_.empty()) return std::nullopt;
        end = buffer_.size();
        break;
    }
    std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    return line;
}

}  // namespace lv
