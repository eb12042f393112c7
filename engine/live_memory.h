// A memory that one thread writes while others ask: forks see a consistent prefix.
//
// The writer works on its own Memory and shows a fork of it after every chunk. A reader waits for nobody longer than
// one such fork takes (the copy of the state), and neither does the writer.
#pragma once

#include <memory>
#include <mutex>

#include "engine/memory.h"

namespace lv {

class LiveMemory {
   public:
    explicit LiveMemory(Memory start);

    // The writer, one thread: as Memory::append, shown to readers chunk by chunk. Where it throws, the memory is as
    // after the chunk before.
    size_t append(Workspace& work, ConstMatrix rows, std::span<const int64_t> times_us, std::stop_token stop = {});
    // The writer: as Memory::begin_video, shown at once.
    void begin_video(std::string name);
    // The writer's own memory; only while no append runs.
    const Memory& written() const { return written_; }

    // Any thread.
    Memory fork() const;
    // A fork that has called its roll, so that an answer about it begins sooner: made by the first who asks, kept for all
    // who ask before the memory changes. One reader at a time forks it.
    std::shared_ptr<const Memory> asked(Workspace& work);
    size_t rows() const;
    int64_t last_time_us() const;
    MemoryBytes bytes() const;
    Forgotten forgotten() const;

   private:
    void show();

    Memory written_;
    mutable std::mutex mutex_;
    // Guarded by mutex_:
    Memory shown_;
    std::shared_ptr<const Memory> asked_;  // of what is shown, or null
    uint64_t shown_times_ = 0;
};

}  // namespace lv
