// The last minutes of a stream as a memory of its own: what questions about now are asked of.
//
// The model was trained on a few hundred frames; asked of a day whether there is a dog now, it finds dogs of hours ago.
// Two memories take turns: both read every frame, and when the younger has `frames` of them it becomes the older, of
// which is asked, and a new one begins. So between `frames` and twice as many are known, at a cost that does not grow.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "engine/memory.h"

namespace lv {

// One thread at a time; forks as of a Memory.
class RecentMemory {
   public:
    static constexpr int64_t usual_frames = 96;

    explicit RecentMemory(std::shared_ptr<const Model> model, int64_t frames = usual_frames)
        : model_(std::move(model)), most_(frames), older_(model_), younger_(model_) {}

    // Whole frames, as Memory::append.
    void append(Workspace& work, ConstMatrix rows, std::span<const int64_t> times_us) {
        older_.append(work, rows, times_us);
        younger_.append(work, rows, times_us);
        for (const int64_t time_us : times_us) {
            if (time_us <= last_us_) continue;  // what left bears the time of the frame before
            ++frames_;
            last_us_ = time_us;
        }
        if (frames_ < most_) return;
        older_ = std::exchange(younger_, Memory(model_));
        frames_ = 0;
    }
    Memory fork() const { return older_.fork(); }

   private:
    const std::shared_ptr<const Model> model_;
    const int64_t most_;
    Memory older_, younger_;
    int64_t frames_ = 0;  // of the younger
    int64_t last_us_ = INT64_MIN;
};

}  // namespace lv
