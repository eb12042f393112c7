#include "tests/app/run_program.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sstream>

namespace lv::test {
namespace {

struct Pipe {
    Pipe() {
        if (pipe2(ends.data(), O_CLOEXEC) != 0) std::abort();
    }
    void close_end(int which) {
        if (ends[which] >= 0) close(ends[which]);
        ends[which] = -1;
    }
    ~Pipe() {
        close_end(0);
        close_end(1);
    }
    std::array<int, 2> ends{-1, -1};
};

[[noreturn]] void become(const std::vector<std::string>& words, const RunRequest& request, int in, int out, int err) {
    if (!request.input_file.empty()) in = open(request.input_file.c_str(), O_RDONLY);
    if (!request.output_file.empty()) out = open(request.output_file.c_str(), O_WRONLY);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    for (const std::string& setting : request.settings) putenv(const_cast<char*>(setting.c_str()));
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    execvp(argv[0], argv.data());
    dprintf(err, "cannot run %s: %s\n", argv[0], std::strerror(errno));
    _exit(127);
}

// Appends what can be read now; false at the end.
bool drain(int fd, std::string& text) {
    std::array<char, 8192> chunk;
    const ssize_t count = read(fd, chunk.data(), chunk.size());
    if (count > 0) text.append(chunk.data(), static_cast<size_t>(count));
    return count > 0;
}

void talk(pid_t child, const RunRequest& request, int in, int out, int err, Outcome& outcome) {
    size_t written = 0;
    bool interrupted = false;
    std::array<pollfd, 3> waits{pollfd{out, POLLIN, 0}, pollfd{err, POLLIN, 0}, pollfd{in, POLLOUT, 0}};
    while (waits[0].fd >= 0 || waits[1].fd >= 0) {
        if (waits[2].fd >= 0 && written == request.input.size()) {
            close(waits[2].fd);
            waits[2].fd = -1;
        }
        poll(waits.data(), waits.size(), -1);
        if (waits[2].fd >= 0 && waits[2].revents) {
            const ssize_t count = write(in, request.input.data() + written, request.input.size() - written);
            if (count > 0)
                written += static_cast<size_t>(count);
            else if (errno != EAGAIN)
                written = request.input.size();  // nobody reads it any more
        }
        if (waits[0].fd >= 0 && waits[0].revents && !drain(out, outcome.out)) waits[0].fd = -1;
        if (waits[1].fd >= 0 && waits[1].revents && !drain(err, outcome.err)) waits[1].fd = -1;
        if (request.interrupt_when && !interrupted && request.interrupt_when(outcome.err)) {
            kill(child, SIGINT);
            interrupted = true;
        }
    }
    if (waits[2].fd >= 0) close(waits[2].fd);
}

Outcome run(const std::vector<std::string>& words, const RunRequest& request) {
    std::signal(SIGPIPE, SIG_IGN);
    Pipe in, out, err;
    if (request.terminal) {
        const winsize size{25, 100, 0, 0};
        err.close_end(0);
        err.close_end(1);
        if (openpty(&err.ends[0], &err.ends[1], nullptr, nullptr, &size) != 0) std::abort();
        fcntl(err.ends[0], F_SETFD, FD_CLOEXEC);
    }
    const pid_t child = fork();
    if (child == 0) become(words, request, in.ends[0], out.ends[1], err.ends[1]);
    in.close_end(0);
    out.close_end(1);
    err.close_end(1);
    fcntl(in.ends[1], F_SETFL, O_NONBLOCK);  // who writes much may wait for us to read it
    Outcome outcome;
    talk(child, request, in.ends[1], out.ends[0], err.ends[0], outcome);
    in.ends[1] = -1;
    int status = 0;
    rusage usage{};
    wait4(child, &status, 0, &usage);
    outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    outcome.peak_rss_kib = usage.ru_maxrss;
    return outcome;
}

}  // namespace

Outcome run_longview(const RunRequest& request) {
    std::vector<std::string> words{LV_TEST_PROGRAM};
    words.insert(words.end(), request.arguments.begin(), request.arguments.end());
    return run(words, request);
}

Outcome run_longview(std::vector<std::string> arguments) {
    RunRequest request;
    request.arguments = std::move(arguments);
    return run_longview(request);
}

Outcome run_other(std::vector<std::string> arguments) { return run(arguments, {}); }

bool has_program(const std::string& name) {
    std::istringstream folders(std::getenv("PATH") ? std::getenv("PATH") : "");
    for (std::string folder; std::getline(folders, folder, ':');)
        if (access((folder + "/" + name).c_str(), X_OK) == 0) return true;
    return false;
}

size_t count(const std::string& text, const std::string& part) {
    size_t times = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++times;
    return times;
}

}  // namespace lv::test
