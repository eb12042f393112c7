// Another program beside a test: a sender, a display. Ended when the test is.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace lv::test {

class ChildProcess {
   public:
    ChildProcess() = default;
    // `arguments` starts with the program's name; its output is thrown away.
    explicit ChildProcess(std::vector<std::string> arguments) { start(std::move(arguments)); }
    ~ChildProcess() { kill(); }
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    // Ends the one before first. `keep_fd` stays open in the child under the same number.
    void start(std::vector<std::string> arguments, int keep_fd = -1);
    // At once and for good; returns when it is gone.
    void kill();

   private:
    pid_t child_ = -1;
};

// A port of the loopback that nobody used a moment ago.
int free_port();

// Passes datagrams on to another port, all but every `lost`-th.
class LossyRelay {
   public:
    LossyRelay(int to_port, int lost);
    ~LossyRelay();
    LossyRelay(const LossyRelay&) = delete;
    LossyRelay& operator=(const LossyRelay&) = delete;
    int port() const { return port_; }

   private:
    struct Parts;
    Parts* parts_;
    int port_ = 0;
};

}  // namespace lv::test
