// One thread that pulls from a stage ahead of its consumer, through a bounded channel.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "kernels/core/channel.h"

namespace lv {

// The thread calls pull() until it gives nothing, throws, or the Prefetch is closed; at most `depth` items wait.
// next() blocks for the next item, is empty at the end, and throws what pull() threw after the items before it.
// Destroying or closing it stops the thread: the stop token given to pull() is set and the thread is joined, so pull()
// must heed the token if it can block for long.
template <typename T>
class Prefetch {
   public:
    using Pull = std::function<std::optional<T>(std::stop_token)>;

    Prefetch(Pull pull, size_t depth)
        : channel_(depth), thread_([this, pull = std::move(pull)](std::stop_token stop) { work(pull, stop); }) {}
    ~Prefetch() { close(); }
    Prefetch(const Prefetch&) = delete;
    Prefetch& operator=(const Prefetch&) = delete;

    std::optional<T> next(std::stop_token stop = {}) { return channel_.pop(stop); }
    // What is ready now; empty when nothing is.
    std::optional<T> try_next() { return channel_.try_pop(); }
    size_t ready() const { return channel_.size(); }

    // The consumer wants no more; returns when the thread has ended. Idempotent.
    void close() {
        thread_.request_stop();
        channel_.abandon();
        if (thread_.joinable()) thread_.join();
    }

   private:
    void work(const Pull& pull, std::stop_token stop) {
        try {
            while (!stop.stop_requested()) {
                std::optional<T> item = pull(stop);
                if (!item || !channel_.push(std::move(*item), stop)) break;
            }
            channel_.close();
        } catch (...) {
            channel_.fail(std::current_exception());
        }
    }

    Channel<T> channel_;
    std::jthread thread_;  // last: it uses the channel from its first moment
};

}  // namespace lv
