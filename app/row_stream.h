// A video as the rows that the model reads: source, sampler, prefetch and encoder behind one pull.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "app/sightings.h"
#include "kernels/core/context.h"
#include "kernels/core/tensor.h"
#include "vision/frame_source.h"

namespace lv {

struct LoadedModel;

// How a video is sampled.
struct SamplingOptions {
    double fps = 1;          // frames taken per second of video, 0.001..60
    bool keyframes = false;  // the key frames nearest to the sampling times instead; much faster on long files
    int64_t from_us = 0;
    std::optional<int64_t> to_us;  // not set: the end

    int64_t period_us() const { return static_cast<int64_t>(1e6 / fps + 0.5); }
};

struct WatchRequest {
    std::string source;  // a path, a URL, "-" for a pipe
    SamplingOptions sampling;
    int threads = 0;  // of the decoder; 0: one a core
};

struct FrameSpan {
    int64_t time_us = 0;
    size_t first_row = 0;           // in RowBatch::rows
    std::vector<SeenKind> objects;  // left to right
};

// Some frames in order, valid until the next call.
struct RowBatch {
    ConstMatrix rows;               // [rows of all frames, feature_dim]
    std::vector<int64_t> times_us;  // [rows]
    std::vector<FrameSpan> frames;
};

// One thread pulls; decoding runs ahead in a thread of its own. Throws Error when the source cannot be read, holds no
// picture or none between from and to.
class RowStream {
   public:
    RowStream(const LoadedModel& model, const WatchRequest& request, const Context& context, std::stop_token stop);
    ~RowStream();
    RowStream(const RowStream&) = delete;
    RowStream& operator=(const RowStream&) = delete;

    const SourceInfo& info() const;
    // Where the watched part ends: as the header says at first (0: not known), as it was after the last batch.
    int64_t end_us() const;
    // Null at the end and after a stop.
    const RowBatch* next();
    SourceStats stats() const;

   private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace lv
