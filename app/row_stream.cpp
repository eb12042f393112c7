#include "app/row_stream.h"

#include <algorithm>
#include <deque>
#include <iterator>

#include "app/loaded_model.h"
#include "engine/prompt.h"
#include "kernels/core/error.h"
#include "vision/ffmpeg_source.h"

namespace lv {
namespace {

constexpr size_t frames_ahead = 16;     // decoded and waiting; small pictures of about 200 KB
constexpr size_t most_batch = 8;        // frames that are encoded at once
constexpr int64_t still_us = 40'000;    // how long a frame is on screen when nothing says so
constexpr int64_t near_us = 2'000'000;  // frames no further apart are looked at together

SourceOptions source_options(const VisionModel& vision, const WatchRequest& request, const Context& context,
                             std::stop_token stop) {
    SourceOptions options;
    options.on_gpu = context.device() != nullptr;
    options.device = context.shared_device();
    options.max_side = vision.long_side();
    options.threads = request.threads;
    options.sampling = request.sampling.keyframes ? SamplingMode::key_frames : SamplingMode::exact;
    options.period_us = request.sampling.period_us();
    options.deadline_us = request.deadline_us;
    options.record = request.record;
    options.stop = std::move(stop);
    return options;
}

SamplerOptions sampler_options(const SamplingOptions& sampling) {
    SamplerOptions options;
    options.period_us = sampling.period_us();
    options.from_us = sampling.from_us;
    options.to_us = sampling.to_us.value_or(options.to_us);
    return options;
}

// Live, what is seen is told at once; of a file the frames that follow have a say, where they are near enough to speak
// of the same moment: what is looked at seldom may well be seen once.
EncoderOptions encoder_options(const WatchRequest& request) {
    EncoderOptions options;
    const bool near = !request.sampling.keyframes && request.sampling.period_us() <= near_us;
    if (!request.live && near) options.tracker = TrackerOptions::patient();
    return options;
}

// Kinds and their numbers, in the order in which the objects came.
std::vector<SeenKind> kinds_of(const SeenFrame& frame) {
    std::vector<SeenKind> kinds;
    for (const SeenObject& seen : frame.objects) {
        const auto known = std::find_if(kinds.begin(), kinds.end(),
                                        [&](const SeenKind& kind) { return kind.kind == seen.object.kind; });
        if (known == kinds.end())
            kinds.push_back({seen.object.kind, 1});
        else
            ++known->count;
    }
    return kinds;
}

}  // namespace

struct RowStream::Parts {
    Parts(const LoadedModel& model, const WatchRequest& request_, const Context& context_, std::stop_token stop_,
          const StreamStart& start_)
        : request(request_),
          start_us(start_.start_us),
          continues(start_.continues),
          context(context_),
          stop(stop_),
          encoder(*model.vision, encoder_options(request)) {
        const SourceOptions source = source_options(*model.vision, request, context, stop);
        const SamplerOptions sampler = sampler_options(request.sampling);
        if (request.live) {
            auto feed_here = std::make_unique<LiveFeed>(request.source, source, sampler, *request.live, open_source);
            live = feed_here.get();
            feed = std::move(feed_here);
            live->wait_open();
        } else {
            feed = std::make_unique<SampledFeed>(open_source(request.source, source), sampler, frames_ahead);
        }
        if (!start_.encoder.empty()) encoder.restore(start_.encoder);
        if (!continues) encoder.begin_video();
    }

    bool take_frames();
    void require_frames() const;

    const WatchRequest request;
    const int64_t start_us;
    const bool continues;
    const Context& context;
    const std::stop_token stop;
    Encoder encoder;
    EncodedFrames encoded;
    std::vector<Frame> frames;
    std::deque<Frame> waiting;  // given to the encoder, which has not told them yet
    RowBatch batch;
    int64_t newest_us = -1;     // time of the newest frame by the video's own clock; -1: none yet
    std::optional<Frame> held;  // the first of the next batch
    std::unique_ptr<FrameFeed> feed;
    LiveFeed* live = nullptr;  // the feed, if it is one
};

// What is decoded by now, at least one frame. False at the end. A frame after a gap begins a batch.
bool RowStream::Parts::take_frames() {
    frames.clear();
    std::optional<Frame> frame = held ? std::exchange(held, std::nullopt) : feed->next(stop);
    while (frame) {
        if (frame->after_gap && !frames.empty()) {
            held = std::move(frame);
            break;
        }
        frames.push_back(std::move(*frame));
        if (frames.size() == most_batch) break;
        frame = feed->try_next();
    }
    return !frames.empty();
}

void RowStream::Parts::require_frames() const {
    if (newest_us >= 0 || continues || stop.stop_requested()) return;
    const SourceInfo info = feed->info();
    require(request.sampling.from_us == 0, "reading ", info.name, ": there is nothing from ",
            written_time(request.sampling.from_us), " on",
            info.duration_us > 0 ? "; the video ends at " + written_time(info.duration_us) : "",
            "; choose an earlier --from");
    fail("reading ", info.name, ": it holds no picture; expected a video with at least one");
}

RowStream::RowStream(const LoadedModel& model, const WatchRequest& request, const Context& context,
                     std::stop_token stop, const StreamStart& start)
    : parts_(std::make_unique<Parts>(model, request, context, std::move(stop), start)) {}

RowStream::~RowStream() = default;

SourceInfo RowStream::info() const { return parts_->feed->info(); }

int64_t RowStream::end_us() const {
    const int64_t to_us = parts_->request.sampling.to_us.value_or(INT64_MAX);
    const SourceInfo source = info();
    if (source.duration_us > std::max<int64_t>(parts_->newest_us, 0)) return std::min(to_us, source.duration_us);
    if (parts_->newest_us < 0) return to_us == INT64_MAX ? 0 : to_us;
    // No header tells, or one is wrong: the newest frame is on screen for as long as frames are.
    return std::min(to_us, parts_->newest_us + (source.fps > 0 ? static_cast<int64_t>(1e6 / source.fps) : still_us));
}

bool RowStream::wait() {
    if (parts_->take_frames() || !parts_->waiting.empty()) return true;
    parts_->require_frames();
    return false;
}

const RowBatch& RowStream::encode() {
    Parts& parts = *parts_;
    if (parts.frames.empty()) {
        parts.encoder.finish(parts.encoded);
    } else {
        parts.newest_us = parts.frames.back().time_us;
        for (Frame& frame : parts.frames) frame.time_us += parts.start_us;
        if (parts.frames.front().after_gap) parts.encoder.begin_video();  // nobody knows what moved meanwhile
        parts.encoder.encode(parts.context, parts.frames, parts.encoded);
        std::move(parts.frames.begin(), parts.frames.end(), std::back_inserter(parts.waiting));
    }
    parts.batch.rows = parts.encoded.matrix();
    parts.batch.times_us = parts.encoded.times_us;
    parts.batch.frames.clear();
    for (const SeenFrame& seen : parts.encoded.frames) {
        const Frame& frame = parts.waiting.front();
        parts.batch.frames.push_back(
            {seen.time_us, seen.first_row, kinds_of(seen), &seen, frame.picture, frame.arrived_us, frame.after_gap});
        parts.waiting.pop_front();
    }
    return parts.batch;
}

std::vector<std::byte> RowStream::encoder_state() const { return parts_->encoder.save(); }

SourceStats RowStream::stats() const { return parts_->feed->stats(); }

LiveStats RowStream::live_stats() const { return parts_->live ? parts_->live->live_stats() : LiveStats{}; }

}  // namespace lv
