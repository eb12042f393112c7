// Packets that come by themselves, waiting for a decoder that may be too slow: nobody waits to put one in.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

namespace lv {

// One thread pushes, one pops. What does not fit makes the older ones be forgotten, up to a key packet: from a key
// packet on a decoder needs nothing that was before it.
template <typename T>
class LiveQueue {
   public:
    struct Item {
        T value;
        size_t bytes = 0;
        bool key = false;
        bool after_dropped = false;  // it does not go on from the one popped before; key then
    };

    explicit LiveQueue(size_t most_bytes) : most_bytes_(most_bytes) {}

    void push(T value, size_t bytes, bool key) {
        {
            const std::lock_guard lock(mutex_);
            if (bytes_ + bytes > most_bytes_ && drop_before_newest_key() == 0) drop(items_.size());
            if (needs_key_ && !key) {
                ++dropped_;
                return;
            }
            items_.push_back({std::move(value), bytes, key, std::exchange(needs_key_, false)});
            bytes_ += bytes;
        }
        filled_.notify_one();
    }
    // Nothing more comes; `failure`, if any, is thrown by the pop() after the last.
    void close(std::exception_ptr failure = nullptr) {
        {
            const std::lock_guard lock(mutex_);
            closed_ = true;
            failure_ = std::move(failure);
        }
        filled_.notify_one();
    }

    // Waits. Empty at the end and when `stop` was asked for.
    std::optional<Item> pop(std::stop_token stop) {
        std::unique_lock lock(mutex_);
        filled_.wait(lock, stop, [&] { return closed_ || !items_.empty(); });
        if (stop.stop_requested()) return std::nullopt;
        if (items_.empty()) {
            if (failure_) std::rethrow_exception(failure_);
            return std::nullopt;
        }
        std::optional<Item> item(std::move(items_.front()));
        items_.pop_front();
        bytes_ -= item->bytes;
        return item;
    }
    // The next to be popped is the newest key packet, if one waits.
    void skip_to_newest_key() {
        const std::lock_guard lock(mutex_);
        drop_before_newest_key();
    }
    int64_t dropped() const {
        const std::lock_guard lock(mutex_);
        return dropped_;
    }

   private:
    size_t drop_before_newest_key() {
        for (size_t i = items_.size(); i-- > 1;)
            if (items_[i].key) {
                drop(i);
                items_.front().after_dropped = true;
                needs_key_ = false;
                return i;
            }
        return 0;
    }
    // What is pushed next must be a key packet, unless one is left.
    void drop(size_t count) {
        for (size_t i = 0; i < count; ++i) bytes_ -= items_[i].bytes;
        items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(count));
        dropped_ += static_cast<int64_t>(count);
        needs_key_ = true;
    }

    const size_t most_bytes_;
    mutable std::mutex mutex_;
    std::condition_variable_any filled_;
    std::deque<Item> items_;
    size_t bytes_ = 0;
    int64_t dropped_ = 0;
    bool needs_key_ = false, closed_ = false;
    std::exception_ptr failure_;
};

}  // namespace lv
