#include "engine/live_memory.h"

#include <algorithm>

namespace lv {

LiveMemory::LiveMemory(Memory start) : written_(std::move(start)), shown_(written_.fork()) {}

size_t LiveMemory::append(Workspace& work, ConstMatrix rows, std::span<const int64_t> times_us, std::stop_token stop) {
    size_t done = 0;
    while (done < rows.rows && !stop.stop_requested()) {
        const size_t count = std::min(rows.rows - done, work.options().chunk_rows);
        try {
            done += written_.append(work, rows.slice(done, count), times_us.subspan(done, count));
            show();
        } catch (...) {
            written_ = fork();  // without what of the chunk had been read: state, cache and times belong together
            throw;
        }
    }
    return done;
}

void LiveMemory::begin_video(std::string name) {
    written_.begin_video(std::move(name));
    show();
}

void LiveMemory::show() {
    Memory next = written_.fork();
    std::shared_ptr<const Memory> asked;  // its pages too are given back: a budget holds
    {
        std::lock_guard lock(mutex_);
        std::swap(shown_, next);
        std::swap(asked_, asked);
        ++shown_times_;
    }
    // What was shown before is given back here, outside the lock.
}

Memory LiveMemory::fork() const {
    std::lock_guard lock(mutex_);
    return shown_.fork();
}

std::shared_ptr<const Memory> LiveMemory::asked(Workspace& work) {
    std::unique_lock lock(mutex_);
    if (asked_) return asked_;
    const uint64_t shown_times = shown_times_;
    auto called = std::make_shared<Memory>(shown_.fork());
    lock.unlock();
    called->call_roll(work);
    lock.lock();
    if (shown_times == shown_times_) asked_ = called;
    return called;
}

size_t LiveMemory::rows() const {
    std::lock_guard lock(mutex_);
    return shown_.rows();
}

int64_t LiveMemory::last_time_us() const {
    std::lock_guard lock(mutex_);
    return shown_.last_time_us();
}

MemoryBytes LiveMemory::bytes() const {
    std::lock_guard lock(mutex_);
    return shown_.bytes();
}

Forgotten LiveMemory::forgotten() const {
    std::lock_guard lock(mutex_);
    return shown_.forgotten();
}

}  // namespace lv
