// Ctrl-C and SIGTERM as a stop token.
#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

namespace lv {

// The first signal requests a stop; the run winds down and main returns exit_interrupted. A second one ends the process
// at once. Make one, first thing in main, before any other thread (they inherit the signal mask). Its one thread only
// waits for signals; the destructor ends it.
class Interrupt {
   public:
    Interrupt();
    ~Interrupt();
    std::stop_token token() const { return stop_.get_token(); }
    bool happened() const { return stop_.stop_requested(); }

   private:
    void wait_for_signals();
    std::stop_source stop_;
    std::atomic<bool> closing_{false};
    std::thread waiter_;
};

constexpr int exit_interrupted = 130;

}  // namespace lv
