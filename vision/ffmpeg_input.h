// The demuxer half of the FFmpeg source: opens a location, picks the video stream, reads its packets (private to it).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "vision/ffmpeg_picture.h"
#include "vision/ffmpeg_record.h"
#include "vision/frame_source.h"
#include "vision/stoppable_pipe.h"

struct AVFormatContext;
struct AVPacket;
struct AVStream;

namespace lv {

// "av_strerror"'s words.
std::string ffmpeg_words(int code);

// One thread at a time. Every wait ends at the deadline or when the options' stop is asked for.
class FfmpegInput {
   public:
    // Throws Error with what was found and what to do: nothing there, a folder, no video in it, absurd sizes, ...
    FfmpegInput(const std::string& location, const SourceOptions& options);
    ~FfmpegInput();
    FfmpegInput(const FfmpegInput&) = delete;
    FfmpegInput& operator=(const FfmpegInput&) = delete;

    const SourceInfo& info() const { return info_; }
    const AVStream& stream() const { return *stream_; }
    const Placement& placement() const { return placement_; }
    bool stopped() const { return options_.stop.stop_requested(); }

    // The next packet of the video stream; false at the end (or when stopped). Damaged stretches are jumped over and
    // counted. Error when a network read passes its deadline or the device fails.
    bool read(AVPacket& packet);
    // Moves to a key frame at or before time_us if the index knows one more than 5 s behind `position_us`, so that
    // reading on would cost more. False: stayed where it was.
    bool seek(int64_t time_us, int64_t position_us);

    // Stream units to microseconds since the first moment of the container, and back.
    int64_t to_us(int64_t stream_time) const;
    int64_t end_us() const { return last_end_us_; }  // of the video, as far as it was read
    int64_t arrived_us() const { return arrived_us_; }  // boot_us() at the last packet; 0: none yet
    int64_t damaged() const { return damaged_; }
    bool ended_early() const { return ended_early_; }
    std::string record_failure() const { return recorder_ ? recorder_->failure() : ""; }

   private:
    void open(const std::string& location);
    void require_opened(int code, bool network) const;
    void describe();
    void arm();
    int64_t since_start_us(int64_t stream_time, const AVStream& stream) const;
    void note_end(const AVPacket& packet);
    static int interrupted(void* self);

    const std::string location_;  // without a password
    SourceOptions options_;
    SourceInfo info_;
    Placement placement_;
    std::unique_ptr<StoppablePipe> pipe_;  // null: no pipe is read
    AVFormatContext* format_ = nullptr;
    AVStream* stream_ = nullptr;  // of format_
    int64_t start_us_ = 0;
    int64_t damaged_ = 0;
    int64_t arrived_us_ = 0;
    int64_t last_end_us_ = 0, file_end_us_ = 0;  // of the video; of all that was read
    bool ended_early_ = false;
    bool has_deadline_ = false;
    bool late_ = false;
    std::unique_ptr<Recorder> recorder_;  // null: nothing is recorded
    std::chrono::steady_clock::time_point deadline_;
};

}  // namespace lv
