#include "vision/ffmpeg_packets.h"

#include "kernels/core/error.h"

extern "C" {
#include <libavcodec/packet.h>
#include <libavformat/avformat.h>
}

namespace lv {
namespace {

constexpr size_t most_waiting_bytes = size_t{48} << 20;

SourceOptions with_stop(SourceOptions options, std::stop_token stop) {
    options.stop = std::move(stop);
    return options;
}

}  // namespace

void PacketFree::operator()(AVPacket* packet) const { av_packet_free(&packet); }

StreamPackets::StreamPackets(const std::string& location, const SourceOptions& options)
    : on_stop_(options.stop, [this] { leave_.request_stop(); }),
      input_(location, with_stop(options, leave_.get_token())),
      queue_(most_waiting_bytes) {
    if (options.live && input_.info().is_live) thread_ = std::thread([this] { run(); });
}

StreamPackets::~StreamPackets() {
    leave_.request_stop();
    if (thread_.joinable()) thread_.join();
}

bool StreamPackets::read_input(StreamPacket& read) {
    read.packet.reset(av_packet_alloc());
    require(read.packet != nullptr, "reading ", input_.info().name, ": no memory for a packet");
    if (!input_.read(*read.packet)) return false;
    const AVPacket& packet = *read.packet;
    read.timed = packet.pts != AV_NOPTS_VALUE;
    read.pts_us = read.timed ? input_.to_us(packet.pts) : 0;
    // A missing decoding time: earlier than the presentation time by no more than the reordering.
    read.ordered = packet.dts != AV_NOPTS_VALUE;
    read.dts_us = read.ordered ? input_.to_us(packet.dts) : read.pts_us - 1'000'000;
    read.arrived_us = input_.arrived_us();
    read.bytes = static_cast<size_t>(packet.size);
    read.key = packet.flags & AV_PKT_FLAG_KEY;
    return true;
}

void StreamPackets::run() {
    try {
        while (true) {
            StreamPacket packet;
            const bool more = read_input(packet);
            {
                const std::lock_guard lock(mutex_);
                stats_.damaged = input_.damaged();
                stats_.ended_early = input_.ended_early();
                stats_.record_failure = input_.record_failure();
            }
            if (!more) break;
            const size_t bytes = packet.bytes;
            const bool key = packet.key;
            queue_.push(std::move(packet), bytes, key);
        }
        queue_.close();
    } catch (...) {
        queue_.close(std::current_exception());
    }
}

bool StreamPackets::read(StreamPacket& packet) {
    if (!reads_apart()) return read_input(packet);
    auto item = queue_.pop(leave_.get_token());
    if (!item) return false;
    packet = std::move(item->value);
    packet.after_dropped = item->after_dropped;
    return true;
}

bool StreamPackets::seek(int64_t time_us, int64_t position_us) { return input_.seek(time_us, position_us); }

void StreamPackets::skip_to_newest_key() { queue_.skip_to_newest_key(); }

void StreamPackets::add_to(SourceStats& stats) const {
    const std::lock_guard lock(mutex_);
    const bool apart = reads_apart();
    stats.damaged += apart ? stats_.damaged : input_.damaged();
    stats.ended_early = apart ? stats_.ended_early : input_.ended_early();
    stats.record_failure = apart ? stats_.record_failure : input_.record_failure();
}

}  // namespace lv
