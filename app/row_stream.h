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
#include "vision/encoder.h"
#include "vision/frame_source.h"
#include "vision/live_feed.h"

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
    // As it comes, for as long as it comes (vision/live_feed.h); not set: every frame of the grid, as fast as it goes.
    std::optional<LiveOptions> live{};
    RecordOptions record{};
    int64_t deadline_us = 20'000'000;  // longest wait for a network or a device
};

// Where a stream takes up: after the videos that a memory holds already.
struct StreamStart {
    int64_t start_us = 0;            // on the memory's clock: its own 0:00
    bool continues = false;          // the video that was watched last goes on
    std::vector<std::byte> encoder;  // state after the last frame; empty: none was
};

struct FrameSpan {
    int64_t time_us = 0;                     // on the memory's clock
    size_t first_row = 0;                    // in RowBatch::rows
    std::vector<SeenKind> objects;           // left to right
    const SeenFrame* seen = nullptr;         // boxes and tracks
    std::shared_ptr<const Picture> picture;  // as small as the encoder looked at it
    int64_t arrived_us = 0;                  // as Frame::arrived_us
    bool after_gap = false;                  // as Frame::after_gap
};

// Some frames in order, valid until the next call.
struct RowBatch {
    ConstMatrix rows;               // [rows of all frames, feature_dim]
    std::vector<int64_t> times_us;  // [rows]
    std::vector<FrameSpan> frames;
};

// One thread pulls, alternately by wait() and encode(); decoding runs ahead in a thread of its own. Throws Error when
// the source cannot be read, holds no picture or none between from and to.
class RowStream {
   public:
    RowStream(const LoadedModel& model, const WatchRequest& request, const Context& context, std::stop_token stop,
              const StreamStart& start = {});
    ~RowStream();
    RowStream(const RowStream&) = delete;
    RowStream& operator=(const RowStream&) = delete;

    SourceInfo info() const;
    // Where the watched part ends, by the video's own clock: as the header says at first (0: not known), as it was
    // after the last batch.
    int64_t end_us() const;
    // Waits for frames; false at the end and after a stop.
    bool wait();
    // The rows of the frames that are settled by now (vision/tracker.h, its lag): those that wait() found, or older
    // ones, or none; the last call tells the rest. Live, just those that wait() found.
    const RowBatch& encode();
    // What StreamStart::encoder of a stream takes that goes on after the last batch.
    std::vector<std::byte> encoder_state() const;
    SourceStats stats() const;
    // Of a live source; zeros for others.
    LiveStats live_stats() const;

   private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace lv
