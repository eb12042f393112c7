#include "vision/stoppable_pipe.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

namespace lv {

std::unique_ptr<StoppablePipe> StoppablePipe::open(const std::string& path, bool is_stdin,
                                                   const std::stop_token& stop) {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0 || !S_ISFIFO(found.st_mode)) return nullptr;
    // A description of its own: another program may share that of standard input, and expect it to block.
    const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return nullptr;
    auto pipe = std::make_unique<StoppablePipe>(fd);
    // Opened anew, a pipe whose writers are gone looks like one whose writers have not come yet.
    if (!is_stdin) pipe->wait(stop);
    return pipe;
}

StoppablePipe::~StoppablePipe() { ::close(fd_); }

void StoppablePipe::wait(const std::stop_token& stop) const {
    const StoppablePipe wake(::eventfd(0, EFD_CLOEXEC));
    const std::stop_callback on_stop(stop, [&] {
        const uint64_t one = 1;
        [[maybe_unused]] const ssize_t written = ::write(wake.fd_, &one, sizeof one);
    });
    std::array<pollfd, 2> waits{pollfd{fd_, POLLIN, 0}, pollfd{wake.fd_, POLLIN, 0}};
    while (::poll(waits.data(), waits.size(), -1) < 0 && errno == EINTR) {
    }
}

}  // namespace lv
