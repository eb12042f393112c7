// A bounded queue between threads that can be closed from either end and also carries failure.
//
// Producers push and at last close() or fail(); consumers pop until the end. A consumer that wants no more calls
// close() too: the producer's next push returns false. Any number of threads at both ends.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

namespace lv {

template <typename T>
class Channel {
   public:
    // Holds at most `capacity` items (at least one).
    explicit Channel(size_t capacity) : capacity_(capacity ? capacity : 1) {}

    // Waits for room. False when the channel is closed or `stop` was asked for: the item is dropped.
    bool push(T item, std::stop_token stop = {}) {
        std::unique_lock lock(mutex_);
        room_.wait(lock, stop, [&] { return closed_ || items_.size() < capacity_; });
        if (closed_ || stop.stop_requested() || items_.size() >= capacity_) return false;
        items_.push_back(std::move(item));
        lock.unlock();
        filled_.notify_one();
        return true;
    }

    // Takes `item` only when there is room now; false otherwise and when closed.
    bool try_push(T&& item) {
        {
            std::lock_guard lock(mutex_);
            if (closed_ || items_.size() >= capacity_) return false;
            items_.push_back(std::move(item));
        }
        filled_.notify_one();
        return true;
    }

    // Waits for an item. Empty at the end (closed and drained) and when `stop` was asked for.
    // After the last item of a failed channel the failure is thrown, at every call.
    std::optional<T> pop(std::stop_token stop = {}) {
        std::unique_lock lock(mutex_);
        filled_.wait(lock, stop, [&] { return closed_ || !items_.empty(); });
        if (stop.stop_requested()) return std::nullopt;
        return take(lock);
    }

    // An item when there is one now; empty otherwise. Failure as in pop().
    std::optional<T> try_pop() {
        std::unique_lock lock(mutex_);
        return take(lock);
    }

    // No more items go in; those inside may still be taken. Idempotent.
    void close() { finish(nullptr); }

    // As close(), and consumers meet `error` after the last item. The first failure stays; none is taken once closed.
    void fail(std::exception_ptr error) { finish(std::move(error)); }

    // Closes and throws away what is inside: for a consumer that leaves.
    void abandon() {
        std::deque<T> dropped;
        {
            std::lock_guard lock(mutex_);
            closed_ = true;
            dropped.swap(items_);
        }
        room_.notify_all();
        filled_.notify_all();
    }

    bool closed() const {
        std::lock_guard lock(mutex_);
        return closed_;
    }
    size_t size() const {
        std::lock_guard lock(mutex_);
        return items_.size();
    }

   private:
    void finish(std::exception_ptr error) {
        {
            std::lock_guard lock(mutex_);
            if (!closed_) error_ = std::move(error);
            closed_ = true;
        }
        room_.notify_all();
        filled_.notify_all();
    }

    std::optional<T> take(std::unique_lock<std::mutex>& lock) {
        if (items_.empty()) {
            if (error_) std::rethrow_exception(error_);
            return std::nullopt;
        }
        std::optional<T> item(std::move(items_.front()));
        items_.pop_front();
        lock.unlock();
        room_.notify_one();
        return item;
    }

    const size_t capacity_;
    mutable std::mutex mutex_;
    std::condition_variable_any room_, filled_;
    std::deque<T> items_;
    bool closed_ = false;
    std::exception_ptr error_;
};

}  // namespace lv
