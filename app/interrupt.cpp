#include "app/interrupt.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>

namespace lv {
namespace {

sigset_t stop_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    return set;
}

}  // namespace

Interrupt::Interrupt() {
    const sigset_t set = stop_signals();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);  // a reader that went away is a failed write, reported like any other
    waiter_ = std::thread([this] { wait_for_signals(); });
}

Interrupt::~Interrupt() {
    closing_ = true;
    pthread_kill(waiter_.native_handle(), SIGTERM);
    waiter_.join();
}

void Interrupt::offer_to(Taker taker) const {
    const std::lock_guard lock(mutex_);
    taker_ = std::move(taker);
}

void Interrupt::wait_for_signals() {
    const sigset_t set = stop_signals();
    for (int signal = 0; sigwait(&set, &signal) == 0 && !closing_;) {
        if (signal == SIGINT) {
            const std::lock_guard lock(mutex_);
            if (taker_ && !stop_.stop_requested() && taker_()) continue;
        }
        if (stop_.stop_requested()) _exit(exit_interrupted);
        stop_.request_stop();
    }
}

}  // namespace lv
