// Frames one after another, made ready in a thread of the feed's own: what a stage that encodes them pulls from.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>

#include "vision/frame_sampler.h"
#include "vision/prefetch.h"

namespace lv {

// One thread pulls; info() may be read by any. The destructor ends the feed's thread.
class FrameFeed {
   public:
    virtual ~FrameFeed() = default;
    virtual SourceInfo info() const = 0;
    // Waits for the next frame; empty at the end and after a stop. Throws what ended the source, after the frames
    // before it.
    virtual std::optional<Frame> next(std::stop_token stop) = 0;
    // What is ready now.
    virtual std::optional<Frame> try_next() = 0;
    // Ends the feed first.
    virtual SourceStats stats() = 0;
};

// A video that is there as a whole: every frame of the sampler's grid, decoded `depth` ahead.
class SampledFeed final : public FrameFeed {
   public:
    SampledFeed(std::unique_ptr<FrameSource> source, const SamplerOptions& options, size_t depth)
        : sampler_(std::move(source), options), prefetch_([this](std::stop_token) { return sampler_.next(); }, depth) {}

    SourceInfo info() const override { return sampler_.info(); }
    std::optional<Frame> next(std::stop_token stop) override { return prefetch_.next(stop); }
    std::optional<Frame> try_next() override { return prefetch_.try_next(); }
    SourceStats stats() override {
        prefetch_.close();
        return sampler_.stats();
    }

   private:
    FrameSampler sampler_;      // used by the prefetch thread until its end
    Prefetch<Frame> prefetch_;  // last: its thread uses the sampler
};

}  // namespace lv
