// Ctrl-C and SIGTERM as a stop token.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace lv {

// The first signal requests a stop; the run winds down and main returns exit_interrupted. A second one ends the process
// at once. Make one, first thing in main, before any other thread (they inherit the signal mask). Its one thread only
// waits for signals; the destructor ends it.
class Interrupt {
   public:
    // What a Ctrl-C may do instead: returns true when it took it. Called in the waiting thread; must not wait.
    using Taker = std::function<bool()>;

    Interrupt();
    ~Interrupt();
    // Ctrl-C is first offered to `taker` (empty: to none) from now on. Whoever gives one takes it back before what it
    // uses is gone; any thread.
    void offer_to(Taker taker) const;
    std::stop_token token() const { return stop_.get_token(); }
    bool happened() const { return stop_.stop_requested(); }

   private:
    void wait_for_signals();
    std::stop_source stop_;
    std::atomic<bool> closing_{false};
    mutable std::mutex mutex_;
    mutable Taker taker_;  // guarded by mutex_
    std::thread waiter_;
};

constexpr int exit_interrupted = 130;

}  // namespace lv
