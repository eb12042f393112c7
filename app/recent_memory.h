// The last moments of a stream as a memory of their own, which begins where they do: what questions about now are asked
// of.
//
// The model was trained on whole videos of some ten to some hundred frames. Asked of a day whether there is a dog now,
// it finds dogs of hours ago; asked of a stretch out of a day, with the day's clock and counts, it errs in one frame of
// fourteen. So the stretch is read as a video of its own, whose clock ticks a second a frame. What errors are left
// differ with the wording and with where the stretch begins: so it is asked of two stretches in two ways, "now" and "at
// 0:14".
//
// Three memories take turns: all read every frame, and when the youngest has `frames` of them the oldest goes and a new
// one begins. So the two that are asked know once to twice and twice to three times as many, at a cost that does not
// grow.
#pragma once

#include <array>
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

// A few frames of a stream read as a video of their own.
struct RecentStretch {
    Memory memory;
    std::vector<int64_t> times_us;  // [frames] on the stream's clock
};

struct RecentAnswer {
    Answer dated;  // of the shorter stretch
    Answer now;    // of the longer one, to the question as it is
};

// One thread at a time.
class RecentPast {
   public:
    RecentPast(RecentStretch longer, RecentStretch shorter)
        : longer_(std::move(longer)), shorter_(std::move(shorter)) {}

    // Of the newest frame, on the stream's clock; 0 without any.
    int64_t last_time_us() const { return shorter_.times_us.empty() ? 0 : shorter_.times_us.back(); }
    // As lv::ask(), twice; evidence is on the stream's clock. options.clock is not used: there is but one video.
    RecentAnswer ask(Workspace& work, std::string_view question, GenerateOptions options = {},
                     std::stop_token stop = {}) const;

   private:
    RecentStretch longer_, shorter_;
};

// One thread at a time.
class RecentMemory {
   public:
    static constexpr int64_t usual_frames = 8;
    static constexpr int64_t longest_step_us = 600'000'000;  // between two frames; after a longer one it begins anew

    explicit RecentMemory(std::shared_ptr<const Model> model, size_t frames = usual_frames)
        : model_(std::move(model)), most_(frames), parts_{Part(model_), Part(model_), Part(model_)} {}

    // Whole frames, as Memory::append.
    void append(Workspace& work, ConstMatrix rows, std::span<const int64_t> times_us);
    RecentPast fork() const { return {parts_[0].fork(), parts_[1].fork()}; }

   private:
    struct Part {
        explicit Part(const std::shared_ptr<const Model>& model) : memory(model) {}
        RecentStretch fork() const { return {memory.fork(), times_us}; }
        Memory memory;
        RowsAnew rows{};
        std::vector<int64_t> times_us{};  // [frames]
    };

    std::shared_ptr<const Model> model_;
    size_t most_;
    std::array<Part, 3> parts_;  // oldest first
    std::vector<float> values_;
    std::vector<int64_t> times_us_;
};

}  // namespace lv
