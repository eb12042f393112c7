#include "app/line_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "kernels/core/error.h"

namespace lv {
namespace {

constexpr size_t most_callers = 16;
constexpr size_t longest_line = 64 * 1024;
constexpr size_t most_unread = 1 << 20;  // bytes that wait for a caller

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        throw UsageError("--socket " + path + ": the path is longer than the " +
                         std::to_string(sizeof address.sun_path - 1) + " bytes of a socket's; choose a shorter one");
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

// Whether a program listens there.
bool answers(const sockaddr_un& address) {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool answered = fd >= 0 && connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    if (fd >= 0) close(fd);
    return answered;
}

}  // namespace

LineSocket::LineSocket(std::string path, LineFunction take) : path_(std::move(path)), take_(std::move(take)) {
    const sockaddr_un address = address_of(path_);
    struct stat status {};
    if (stat(path_.c_str(), &status) == 0) {
        require(S_ISSOCK(status.st_mode), "--socket ", path_, ": this is a file, not a socket; choose another name");
        require(!answers(address), "--socket ", path_, ": another program listens there; choose another name");
        unlink(path_.c_str());
    }
    const auto failed = [&] {
        const int code = errno;
        if (listen_fd_ >= 0) close(listen_fd_);
        if (wake_fd_ >= 0) close(wake_fd_);
        fail("--socket ", path_, ": ", std::strerror(code), "; name a path in a folder that you may write to");
    };
    listen_fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (listen_fd_ < 0 || wake_fd_ < 0) failed();
    const mode_t mask = umask(0177);
    const int bound = bind(listen_fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    umask(mask);
    if (bound != 0 || listen(listen_fd_, 8) != 0) failed();
    thread_ = std::thread([this] { run(); });
}

LineSocket::~LineSocket() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    wake();
    thread_.join();
    for (auto& [number, caller] : callers_) {
        write_some(caller);  // what it can take at once
        close(caller.fd);
    }
    close(listen_fd_);
    close(wake_fd_);
    unlink(path_.c_str());
}

void LineSocket::wake() const {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof one);
}

void LineSocket::send(uint64_t number, std::string_view line) {
    {
        const std::lock_guard lock(mutex_);
        const auto found = callers_.find(number);
        if (found == callers_.end()) return;
        found->second.out += line;
        found->second.out += '\n';
    }
    wake();
}

void LineSocket::run() {
    while (true) {
        std::vector<pollfd> waits{{wake_fd_, POLLIN, 0}, {listen_fd_, POLLIN, 0}};
        std::vector<uint64_t> numbers;
        {
            const std::lock_guard lock(mutex_);
            if (closing_) return;
            for (const auto& [number, caller] : callers_) {
                const auto events =
                    static_cast<short>((caller.ended ? 0 : POLLIN) | (caller.out.empty() ? 0 : POLLOUT));
                waits.push_back({caller.fd, events, 0});
                numbers.push_back(number);
            }
            if (callers_.size() >= most_callers) waits[1].events = 0;
        }
        if (poll(waits.data(), waits.size(), -1) < 0) continue;  // interrupted
        uint64_t count = 0;
        [[maybe_unused]] const ssize_t drained = read(wake_fd_, &count, sizeof count);
        if (waits[1].revents & POLLIN) accept_one();
        for (size_t i = 0; i < numbers.size(); ++i) {
            Caller& caller = callers_.at(numbers[i]);  // this thread alone adds and removes
            const short events = waits[i + 2].revents;
            bool stays = !(events & (POLLERR | POLLNVAL));
            if (stays && (events & (POLLIN | POLLHUP)) && !caller.ended) stays = read_some(numbers[i], caller);
            const std::lock_guard lock(mutex_);
            stays = stays && write_some(caller) && caller.out.size() <= most_unread;
            if (stays && !((events & POLLHUP) && caller.ended)) continue;
            close(caller.fd);
            callers_.erase(numbers[i]);
        }
    }
}

void LineSocket::accept_one() {
    const int fd = accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    const std::lock_guard lock(mutex_);
    callers_[++last_caller_].fd = fd;
}

// False when the caller is to be left.
bool LineSocket::read_some(uint64_t number, Caller& caller) {
    std::array<char, 4096> chunk;
    const ssize_t count = read(caller.fd, chunk.data(), chunk.size());
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) caller.ended = true;  // it may still read the answers
    caller.in.append(chunk.data(), static_cast<size_t>(count));
    for (size_t end; (end = caller.in.find('\n')) != std::string::npos;) {
        const std::string line = caller.in.substr(0, end);
        caller.in.erase(0, end + 1);
        if (line.find_first_not_of(" \t\r") != std::string::npos) take_(number, line);
    }
    return caller.in.size() <= longest_line;
}

bool LineSocket::write_some(Caller& caller) {
    while (!caller.out.empty()) {
        const ssize_t count = ::send(caller.fd, caller.out.data(), caller.out.size(), MSG_NOSIGNAL);
        if (count < 0) return errno == EAGAIN || errno == EINTR;
        caller.out.erase(0, static_cast<size_t>(count));
    }
    return true;
}

}  // namespace lv
