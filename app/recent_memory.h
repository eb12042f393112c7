// The last moments of a stream as a memory of their own, which begins where they do: what questions about now are asked
// of.
//
// The model was trained on whole videos of some ten to some hundred frames. Asked of a day whether there is a dog now,
// it finds dogs of hours ago; asked of a stretch out of a day, with the day's clock and counts, it errs in one frame of
// fourteen. So the stretch is read as a video of its own, whose clock ticks a second a frame, and "now" is asked for as
// the time that it is there.
//
// Two memories take turns: both read every frame, and when the younger has `frames` of them it becomes the older, of
// which is asked, and a new one begins. So between `frames` and twice as many are known, at a cost that does not grow.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/generate.h"
#include "engine/memory.h"
#include "vision/rows_anew.h"

namespace lv {

// "Is there a dog now?" to "Is there a dog at 0:14?"; other questions stay as they are.
std::string dated(std::string_view question, int64_t now_us);

// A few frames of a stream; one thread at a time.
class RecentPast {
   public:
    // times_us [frames]: on the stream's clock.
    RecentPast(Memory memory, std::vector<int64_t> times_us)
        : memory_(std::move(memory)), times_us_(std::move(times_us)) {}

    // Of the newest frame, on the stream's clock; 0 without any.
    int64_t last_time_us() const { return times_us_.empty() ? 0 : times_us_.back(); }
    // As lv::ask(); evidence is on the stream's clock. options.clock is not used: there is but one video.
    Answer ask(Workspace& work, std::string_view question, GenerateOptions options = {},
               std::stop_token stop = {}) const;

   private:
    int64_t stream_us(int64_t time_us) const;

    Memory memory_;
    std::vector<int64_t> times_us_;
};

// One thread at a time.
class RecentMemory {
   public:
    static constexpr int64_t usual_frames = 8;
    static constexpr int64_t longest_step_us = 600'000'000;  // between two frames; after a longer one it begins anew

    explicit RecentMemory(std::shared_ptr<const Model> model, size_t frames = usual_frames)
        : model_(std::move(model)), most_(frames), older_(model_), younger_(model_) {}

    // Whole frames, as Memory::append.
    void append(Workspace& work, ConstMatrix rows, std::span<const int64_t> times_us);
    RecentPast fork() const { return {older_.memory.fork(), older_.times_us}; }

   private:
    struct Part {
        explicit Part(const std::shared_ptr<const Model>& model) : memory(model) {}
        Memory memory;
        RowsAnew rows{};
        std::vector<int64_t> times_us{};  // [frames]
    };

    std::shared_ptr<const Model> model_;
    size_t most_;
    Part older_, younger_;
    std::vector<float> values_;
    std::vector<int64_t> times_us_;
};

}  // namespace lv
