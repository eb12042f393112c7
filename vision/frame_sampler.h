// Frames on a fixed grid of times: the picture on screen at from, from + period, ... up to the end.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "vision/frame_source.h"

namespace lv {

struct SamplerOptions {
    int64_t period_us = 1'000'000;    // > 0
    int64_t from_us = 0;              // first time
    int64_t to_us = INT64_MAX;        // times are < to_us
};

// As threads and ownership, a source: one thread at a time. Errors are the source's.
class FrameSampler {
   public:
    // Throws Error when the options make no grid. Open the source with the same period_us to let packets go by.
    FrameSampler(std::unique_ptr<FrameSource> source, const SamplerOptions& options);

    const SourceInfo& info() const { return source_->info(); }
    SourceStats stats() const { return source_->stats(); }
    // The frame at the next time of the grid (time_us); empty at the end. A still picture gives one frame.
    std::optional<Frame> next();

   private:
    std::unique_ptr<FrameSource> source_;
    SamplerOptions options_;
    int64_t next_us_;
    bool ended_ = false;
};

}  // namespace lv
