// Questions waiting for the one answering worker: those of people first, then those that the stream asks by itself.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

namespace lv {

// Any number of threads put, one takes. Each of the two lines holds at most `capacity`.
template <typename T>
class QuestionQueue {
   public:
    explicit QuestionQueue(size_t capacity) : capacity_(capacity) {}

    // Of a person: false when the line is full.
    bool try_ask(T question) { return put(asked_, std::move(question), {}, false); }
    // Of a person who has waited long: waits for room. False when stopped.
    bool ask(T question, std::stop_token stop) { return put(asked_, std::move(question), stop, true); }
    // Of the stream: waits for room. False when stopped.
    bool cue(T question, std::stop_token stop) { return put(cues_, std::move(question), stop, true); }

    // Waits for a question; empty once stopped.
    std::optional<T> take(std::stop_token stop) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, stop, [&] { return !asked_.empty() || !cues_.empty(); });
        if (stop.stop_requested()) return std::nullopt;
        std::deque<T>& line = asked_.empty() ? cues_ : asked_;
        std::optional<T> question(std::move(line.front()));
        line.pop_front();
        lock.unlock();
        changed_.notify_all();
        return question;
    }

   private:
    bool put(std::deque<T>& line, T question, std::stop_token stop, bool wait) {
        std::unique_lock lock(mutex_);
        const auto room = [&] { return line.size() < capacity_; };
        if (wait) changed_.wait(lock, stop, room);
        if (!room() || stop.stop_requested()) return false;
        line.push_back(std::move(question));
        lock.unlock();
        changed_.notify_all();
        return true;
    }

    const size_t capacity_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<T> asked_, cues_;
};

}  // namespace lv
