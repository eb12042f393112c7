// The last moments of a stream as a memory of its own, which begins where they do: what questions about now are asked
// of.
//
// The model was trained on whole videos of some ten to some hundred frames. Asked of a day whether there is a dog now,
// it finds dogs of hours ago; asked of a stretch out of a day, with the day's clock and counts, it errs in one frame of
// fourteen; asked of the same stretch as a video of its own, in one of four hundred (`longview bench agent`).
//
// Two memories take turns: both read every frame, and when the younger has `frames` of them it becomes the older, of
// which is asked, and a new one begins. So between `frames` and twice as many are known, at a cost that does not grow.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "engine/memory.h"
#include "vision/rows_anew.h"

namespace lv {

// A memory, and what its 0:00 is on the clock of the stream.
struct RecentPast {
    Memory memory;
    int64_t begin_us = 0;
};

// One thread at a time; forks as of a Memory.
class RecentMemory {
   public:
    static constexpr int64_t usual_frames = 24;
    static constexpr int64_t longest_step_us = 600'000'000;  // what training shows; after a longer one it begins anew

    explicit RecentMemory(std::shared_ptr<const Model> model, int64_t frames = usual_frames)
        : model_(std::move(model)), most_(frames), older_(model_), younger_(model_) {}

    // Whole frames, as Memory::append.
    void append(Workspace& work, ConstMatrix rows, std::span<const int64_t> times_us) {
        if (rows.rows == 0) return;
        if (older_.rows.frames() > 0 && times_us.front() - last_us_ > longest_step_us)
            older_ = Part(model_), younger_ = Part(model_);
        last_us_ = times_us.back();
        for (Part* part : {&older_, &younger_}) {
            part->rows.make(rows, times_us, values_, times_us_);
            part->memory.append(work, {values_.data(), times_us_.size(), rows.cols}, times_us_);
        }
        if (younger_.rows.frames() < most_) return;
        older_ = std::exchange(younger_, Part(model_));
    }
    RecentPast fork() const { return {older_.memory.fork(), older_.rows.begin_us()}; }

   private:
    struct Part {
        explicit Part(const std::shared_ptr<const Model>& model) : memory(model) {}
        Memory memory;
        RowsAnew rows;
    };

    const std::shared_ptr<const Model> model_;
    const int64_t most_;
    Part older_, younger_;
    int64_t last_us_ = 0;
    std::vector<float> values_;
    std::vector<int64_t> times_us_;
};

}  // namespace lv
