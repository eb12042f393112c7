#include "tests/app/child_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "tests/app/loopback.h"

namespace lv::test {
namespace {

// A socket bound to a free port, and which.
int bound_socket(int type, int& port) {
    const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    port = bind_to_loopback(fd, 0);
    return fd;
}

}  // namespace

void ChildProcess::start(std::vector<std::string> arguments, int keep_fd) {
    kill();
    const pid_t parent = getpid();
    child_ = fork();
    if (child_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    const int null = open("/dev/null", O_RDWR);
    for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, fd);
    if (keep_fd >= 0) fcntl(keep_fd, F_SETFD, 0);
    std::vector<char*> argv;
    for (std::string& word : arguments) argv.push_back(word.data());
    argv.push_back(nullptr);
    execvp(argv[0], argv.data());
    _exit(127);
}

void ChildProcess::kill() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
    child_ = -1;
}

int free_port() {
    int port = 0;
    close(bound_socket(SOCK_STREAM, port));
    return port;
}

struct LossyRelay::Parts {
    int in = -1, out = -1, stop = eventfd(0, EFD_CLOEXEC);
    sockaddr_in to{};
    int lost = 0;
    std::thread thread{};

    void run() {
        std::array<pollfd, 2> waits{pollfd{in, POLLIN, 0}, pollfd{stop, POLLIN, 0}};
        std::array<char, 65536> packet;
        for (int count = 0; poll(waits.data(), waits.size(), -1) >= 0 && !waits[1].revents;) {
            const ssize_t size = recv(in, packet.data(), packet.size(), 0);
            if (size > 0 && ++count % lost != 0)
                sendto(out, packet.data(), static_cast<size_t>(size), 0, reinterpret_cast<sockaddr*>(&to), sizeof to);
        }
    }
};

LossyRelay::LossyRelay(int to_port, int lost) : parts_(new Parts) {
    parts_->in = bound_socket(SOCK_DGRAM, port_);
    parts_->out = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    parts_->to = loopback(to_port);
    parts_->lost = lost;
    parts_->thread = std::thread([this] { parts_->run(); });
}

LossyRelay::~LossyRelay() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(parts_->stop, &one, sizeof one);
    parts_->thread.join();
    for (int fd : {parts_->in, parts_->out, parts_->stop}) close(fd);
    delete parts_;
}

}  // namespace lv::test
