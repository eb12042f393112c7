// Lines from a pipe or terminal, given up as soon as a stop is requested.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

namespace lv {

// Reads a file descriptor that somebody else owns. Blocks in next() until a line, the end, or a stop.
class LineReader {
   public:
    LineReader(int fd, std::stop_token stop);
    ~LineReader();
    LineReader(const LineReader&) = delete;
    LineReader& operator=(const LineReader&) = delete;

    // The next line without its line end; empty optional at the end of the input or after a stop. A last line without
    // a line end counts. Lines over 64 KiB throw UsageError.
    std::optional<std::string> next();

   private:
    bool fill();
    const int fd_;
    const std::stop_token stop_;
    int wake_fd_ = -1;  // an eventfd that the stop callback writes to
    std::string buffer_;
};

}  // namespace lv
