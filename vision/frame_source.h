// Where pictures come from: a pull interface over files, pipes, network streams, cameras and generated pictures.
//
// Threads: a source belongs to one thread at a time; info() may be read by others. Nothing is pushed: a call decodes
// what it needs and returns. End of stream, and a stop that was asked for, are an empty optional, not an error.
// A damaged part of a stream is skipped and counted; what cannot be read at all throws lv::Error.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace lv {

class Buffer;
class Device;

// 8 bits a channel, rows without gaps, upright, square pixels, no alpha. Immutable once in a Frame.
struct Picture {
    int width = 0;
    int height = 0;
    std::vector<uint8_t> rgb;     // [height, width, 3]; empty where SourceOptions::to_draw was asked for
    std::vector<uint8_t> bgrx{};  // [height, width, 4], x 255; else empty
    std::shared_ptr<const Buffer> on_device{};  // rgb once more, in the memory of SourceOptions::device; else null
};

// A picture and when it is on screen. Copies share the picture.
struct Frame {
    std::shared_ptr<const Picture> picture;
    int64_t time_us = 0;  // the time it was asked for, or pts_us when nobody asked for a time
    int64_t pts_us = 0;   // when it came on screen; the source's first moment is 0
    int width = 0;        // upright full size in square pixels, px; the picture may be smaller (max_side)
    int height = 0;
    int64_t arrived_us = 0;  // boot_us() when its data came, or when it was due; 0: not known
    bool after_gap = false;  // a stream that was lost begins again with it
};

struct SourceInfo {
    std::string name;         // as the user wrote it
    int64_t duration_us = 0;  // 0: not known (pipe, live)
    double fps = 0;           // mean, 0: not known
    int width = 0;            // upright, square pixels
    int height = 0;
    std::string codec;      // "h264"
    std::string container;  // "mov,mp4,..."
    bool is_still = false;  // one picture
    bool is_live = false;   // comes at its own pace: camera, screen, rtsp
};

struct SourceStats {
    int64_t decoded = 0;    // pictures decoded
    int64_t damaged = 0;    // packets or pictures that could not be decoded
    int64_t passed_by = 0;  // pictures that were not decoded because nobody will see them
    int64_t skipped = 0;    // pictures that were not decoded because a DecodeDepth said so
    std::string record_failure{};  // why nothing is recorded at the moment
    std::string not_on_gpu{};      // why the CPU decodes though SourceOptions::on_gpu was asked for
    bool ended_early = false;  // the data stopped before the duration that the header promises
};

enum class SamplingMode {
    exact,       // the picture that decoding everything would show
    key_frames,  // the last key frame at or before the time: much cheaper, off by up to a group of pictures
};

// How much of a stream is decoded as it comes.
enum class DecodeDepth {
    all,
    referenced,  // pictures that others refer to
    key_frames,
};

// What is read is also written, as it is, into files one after another.
struct RecordOptions {
    std::string file;                     // "street.mkv" becomes street-20261231-235959.mkv, ...; empty: none
    int64_t segment_us = 600'000'000;     // length of a file, cut at key frames
};

struct SourceOptions {
    int max_side = 0;                         // > 0: pictures whose long side is larger are scaled to it while converting
    bool to_draw = false;                     // bgrx for a screen, by the fastest conversion: 0.2 ms, not 5, of 720p
    int threads = 0;                          // decoding threads, 0: one a core, at most 16
    bool on_gpu = false;                      // decode there where it can be; else on the CPU, as if nobody had asked
    std::shared_ptr<Device> device{};         // not null, not to_draw: pictures that lose rows are scaled there
    SamplingMode sampling = SamplingMode::exact;
    int64_t period_us = 0;                    // > 0: times asked for will be this far apart at least (lets packets go by)
    int64_t deadline_us = 20'000'000;         // longest wait for a network or device read; 0: for ever
    bool live = false;                        // as it comes, if it has no end: read in a thread of its own, nothing held
    RecordOptions record{};
    std::stop_token stop{};                   // ends every wait and the stream
};

// Which pictures are worth converting: when one is on screen, and when its data came (steady clock; 0: not known).
using WantedFunction = std::function<bool(int64_t pts_us, int64_t arrived_us)>;

class FrameSource {
   public:
    virtual ~FrameSource() = default;
    virtual const SourceInfo& info() const = 0;
    // The next picture, each once, pts_us strictly rising; empty at the end of the stream.
    virtual std::optional<Frame> next() = 0;
    // The next one that is wanted. The others are decoded but, where the source can, not converted.
    virtual std::optional<Frame> next_wanted(const WantedFunction& wanted) {
        std::optional<Frame> frame = next();
        while (frame && !wanted(frame->pts_us, frame->arrived_us)) frame = next();
        return frame;
    }
    // The picture on screen at time_us (>= every time asked before): the last with pts_us <= time_us, before the first
    // one the first; empty once time_us lies at or behind the end of the last picture. time_us of the result is the
    // time asked for. Use either next() or show() on one source.
    virtual std::optional<Frame> show(int64_t time_us) = 0;
    // Another SourceOptions::max_side from the next call on, also for the picture that is on screen.
    virtual void set_max_side(int px) {}
    // From the next packet on, with next_wanted(); a source that cannot leave any out decodes all. Pictures are whole at
    // every depth: where others are missing that they lean on, none is given before the next key frame.
    virtual void set_depth(DecodeDepth depth) {}
    // How long what was decoded last had waited for the decoder; 0: it was read when there was time for it.
    virtual int64_t waited_us() const { return 0; }
    virtual SourceStats stats() const = 0;
};

}  // namespace lv
