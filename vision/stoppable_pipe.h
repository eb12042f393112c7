// A pipe read without blocking, so that whoever waits for it can be stopped: standard input, or a FIFO by its name.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

namespace lv {

class StoppablePipe {
   public:
    // Null where `path` is no pipe, or may not be opened a second time: it is read like a file then. A FIFO is waited
    // for until somebody writes to it or a stop is asked for; `is_stdin` has its writers already.
    static std::unique_ptr<StoppablePipe> open(const std::string& path, bool is_stdin, const std::stop_token& stop);
    explicit StoppablePipe(int fd) : fd_(fd) {}
    ~StoppablePipe();
    StoppablePipe(const StoppablePipe&) = delete;
    StoppablePipe& operator=(const StoppablePipe&) = delete;

    int fd() const { return fd_; }  // O_NONBLOCK; open as long as this lives

   private:
    void wait(const std::stop_token& stop) const;

    const int fd_;
};

}  // namespace lv
