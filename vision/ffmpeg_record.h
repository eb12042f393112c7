// Packets of a source written beside it as they are, into files one after another (private to the FFmpeg source).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "vision/frame_source.h"

struct AVFormatContext;
struct AVPacket;

namespace lv {

// One thread, that of the input. A file begins at a key frame and bears the local time of that moment; each can be
// played alone, and but for its last packets also after a crash.
class Recorder {
   public:
    // `video`: index of its stream in the input; the first sound goes with it. The input outlives this. Throws
    // UsageError for a name or a source that cannot be recorded.
    Recorder(const AVFormatContext& input, int video, const RecordOptions& options, const std::string& location);
    ~Recorder();
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    // Whether packets of this stream of the input are wanted.
    bool wants(int stream) const;
    void write(const AVPacket& packet);
    // Why nothing is written at the moment, in the same words each time; empty: all is well. It is tried again at a key
    // frame, ten seconds of the stream later at the soonest.
    const std::string& failure() const { return failure_; }

   private:
    struct Track {
        int input = 0;
        int64_t last_dts = INT64_MIN;  // in the file, in its units
    };
    bool begin_file(int64_t time_us);
    void end_file();
    void fail_with(int code, int64_t time_us);
    bool failed_just_now(int64_t time_us) const;

    const AVFormatContext& input_;
    const RecordOptions options_;
    std::vector<Track> tracks_;  // the video first
    AVFormatContext* output_ = nullptr;
    bool open_ = false;           // the header is written
    bool holds_packets_ = false;  // the file
    int64_t begin_us_ = 0;        // time of the file's first packet, on the input's clock
    int64_t failed_us_ = 0;       // of the packet at which failure_ came about
    std::string file_, failure_;
};

}  // namespace lv
