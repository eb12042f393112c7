// Packets of a source's video, in decoding order with their times (private to the FFmpeg source).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "vision/ffmpeg_input.h"
#include "vision/live_queue.h"

namespace lv {

struct PacketFree {
    void operator()(AVPacket* packet) const;
};
using PacketPtr = std::unique_ptr<AVPacket, PacketFree>;

struct StreamPacket {
    PacketPtr packet;
    int64_t pts_us = 0, dts_us = 0;  // since the container's first moment
    int64_t arrived_us = 0;          // boot_us()
    size_t bytes = 0;
    bool timed = false;    // it came with a presentation time
    bool ordered = false;  // and with a decoding time, which only ever rises; else dts_us is a guess
    bool key = false;
    bool after_dropped = false;  // it does not go on from the one before; key then
};

// Reads where it is asked; of SourceOptions::live, where the source comes by itself, in a thread of its own, so that no
// sender waits for the decoder. One thread calls.
class StreamPackets {
   public:
    // Opens the source as FfmpegInput does.
    StreamPackets(const std::string& location, const SourceOptions& options);
    ~StreamPackets();
    StreamPackets(const StreamPackets&) = delete;
    StreamPackets& operator=(const StreamPackets&) = delete;

    // Its info, stream, placement, times and stop; what reading changes only while nothing is read apart.
    const FfmpegInput& input() const { return input_; }
    bool reads_apart() const { return thread_.joinable(); }

    // The next packet; false at the end and when stopped. Throws as FfmpegInput::read().
    bool read(StreamPacket& packet);
    // As FfmpegInput::seek(); not where it reads apart.
    bool seek(int64_t time_us, int64_t position_us);
    // The next packet is the newest key packet that has come, if one waits.
    void skip_to_newest_key();

    int64_t dropped() const { return queue_.dropped(); }  // packets that came and were never given
    void add_to(SourceStats& stats) const;

   private:
    bool read_input(StreamPacket& packet);
    void run();

    std::stop_source leave_;
    std::stop_callback<std::function<void()>> on_stop_;
    FfmpegInput input_;
    LiveQueue<StreamPacket> queue_;
    mutable std::mutex mutex_;  // guards stats_
    SourceStats stats_;
    std::thread thread_;
};

}  // namespace lv
