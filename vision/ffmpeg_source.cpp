#include "vision/ffmpeg_source.h"

#include <algorithm>
#include <deque>
#include <thread>
#include <utility>

#include "kernels/core/clock.h"
#include "kernels/core/error.h"
#include "vision/ffmpeg_decoder.h"
#include "vision/ffmpeg_hardware.h"
#include "vision/ffmpeg_packets.h"
#include "vision/ffmpeg_picture.h"

namespace lv {
namespace {

constexpr size_t max_ahead_packets = 4096;
constexpr size_t max_ahead_bytes = size_t{48} << 20;
constexpr size_t worth_a_restart = 3;               // packets: a flushed decoder refills its threads
constexpr int64_t longest_without_us = 30'000'000;  // without a picture, while only key frames are decoded

class FfmpegSource final : public FrameSource {
   public:
    FfmpegSource(const std::string& location, const SourceOptions& options)
        : packets_(location, options),
          decoder_(packets_.input(), options.threads, options.on_gpu, options.device),
          maker_(options.max_side, options.to_draw, options.device),
          period_us_(std::max<int64_t>(options.period_us, 0)),
          key_frames_(options.sampling == SamplingMode::key_frames),
          looks_ahead_(!info().is_live) {
        const std::string& codec = info().codec;
        refreshes_slowly_ = codec == "h264" || codec == "hevc";
    }

    const SourceInfo& info() const override { return packets_.input().info(); }
    SourceStats stats() const override {
        SourceStats stats;
        stats.decoded = decoder_.decoded();
        stats.damaged = decoder_.damaged();
        packets_.add_to(stats);
        stats.not_on_gpu = decoder_.not_on_gpu();
        stats.skipped = skipped_ + packets_.dropped() + decoder_.left_out();
        stats.passed_by = std::max<int64_t>(
            0, read_ - stats.decoded - static_cast<int64_t>(queue_.size()) - skipped_ - decoder_.left_out());
        return stats;
    }
    void set_depth(DecodeDepth depth) override { depth_ = depth; }
    int64_t waited_us() const override { return waited_us_; }

    std::optional<Frame> next() override {
        return next_wanted([](int64_t, int64_t) { return true; });
    }

    std::optional<Frame> next_wanted(const WantedFunction& wanted) override {
        while (true) {
            std::optional<Decoded> decoded = pending_ ? std::exchange(pending_, std::nullopt) : decode(INT64_MAX);
            if (!decoded) {
                require_any();
                return std::nullopt;
            }
            any_ = true;
            if (!wanted(decoded->pts_us, arrived_us_)) continue;
            Frame frame = picture_of(*decoded, decoded->pts_us);
            frame.arrived_us = arrived_us_;
            return frame;
        }
    }

    std::optional<Frame> show(int64_t time_us) override {
        look_ahead(time_us);
        while (!stopped()) {
            if (!pending_ || restart_) pending_ = decode(time_us);
            if (!pending_ || (current_ && pending_->pts_us > time_us)) break;
            const bool first_is_later = !current_ && pending_->pts_us > time_us;
            current_ = std::exchange(pending_, std::nullopt);
            if (first_is_later) break;
        }
        if (stopped()) return std::nullopt;
        if (!current_) {
            require_any();
            return std::nullopt;
        }
        any_ = true;
        if (!pending_ && !more_to_come() && time_us >= end_us()) return std::nullopt;
        return picture_of(*current_, time_us);
    }

    void set_max_side(int px) override {
        maker_.set_max_side(px);
        shown_ = {};
    }

   private:
    bool stopped() const { return packets_.input().stopped(); }

    void require_any() const {
        if (any_ || stopped()) return;
        fail("reading ", info().name, ": not one picture could be decoded from its ", info().codec, " stream (",
             stats().damaged, " damaged parts met); expected at least one; ",
             info().name == "-" ? "an mp4 or mov with its index at the end cannot come through a pipe: name the file"
                                : "copy or record the video again");
    }

    // Whether another frame may still be decoded.
    bool more_to_come() const {
        return !queue_.empty() || !input_ended_ || (!decoder_.drained() && !decoder_.is_empty());
    }

    // Of the last picture, once all have come. Between key frames others were on screen.
    int64_t end_us() const {
        return key_frames_ ? std::max(current_->end_us, packets_.input().end_us()) : current_->end_us;
    }

    // Reads one packet to the end of the queue. False at the end of the input.
    bool queue_one() {
        if (input_ended_) return false;
        StreamPacket packet;
        if (!packets_.read(packet)) {
            input_ended_ = true;
            return false;
        }
        ++read_;
        // Without trustworthy packet times nobody can tell which packets matter: decode them all.
        if (!packet.timed || packet.dts_us < ahead_us_ - (packet.ordered ? 1'000'000 : 3'000'000)) looks_ahead_ = false;
        ahead_us_ = packet.dts_us;
        if (key_frames_ && !packet.key) return true;
        queue_bytes_ += packet.bytes;
        queue_.push_back(std::move(packet));
        return true;
    }

    // Queues packets up to the next time that may be asked for, and forgets the groups of pictures nobody will see.
    void look_ahead(int64_t time_us) {
        if (!looks_ahead_) return;
        if (!input_ended_ && packets_.seek(time_us, std::max<int64_t>(ahead_us_, 0))) {
            forget(queue_.size());
            ahead_us_ = INT64_MIN / 2;
        }
        skip_to_last_key(time_us);
        const int64_t until_us = time_us + period_us_;
        while (looks_ahead_ && ahead_us_ <= until_us && queue_.size() < max_ahead_packets &&
               queue_bytes_ < max_ahead_bytes && !stopped()) {
            const size_t before = queue_.size();
            if (!queue_one()) break;
            if (looks_ahead_ && queue_.size() > before && queue_.back().key) skip_to_last_key(time_us);
        }
    }

    // The last key frame on screen by time_us begins the queue; a decoder that drains can start nowhere else.
    void skip_to_last_key(int64_t time_us) {
        const auto starts = [&](const StreamPacket& queued) { return queued.key && queued.pts_us <= time_us; };
        const auto found = std::find_if(queue_.rbegin(), queue_.rend(), starts);
        if (found == queue_.rend()) return;
        const size_t before = static_cast<size_t>(queue_.rend() - found) - 1;
        if (before >= (key_frames_ || decoder_.draining() || restart_ ? 1 : worth_a_restart)) forget(before);
    }

    // Drops the first `count` packets; the decoder starts afresh with the next.
    void forget(size_t count) {
        for (size_t i = 0; i < count; ++i) {
            queue_bytes_ -= queue_.front().bytes;
            queue_.pop_front();
        }
        restart_ = true;
    }

    void restart_decoder() {
        const bool at_key = !queue_.empty() && queue_.front().key && looks_ahead_;
        decoder_.restart(at_key ? queue_.front().pts_us : INT64_MIN);
        restart_ = false;
        pending_.reset();
    }

    // Nothing after time_us is needed until the key frame that the next question will start from.
    bool may_drain(int64_t time_us) const {
        if (!looks_ahead_ || time_us == INT64_MAX || decoder_.sent_us().empty()) return false;
        bool restarts = key_frames_;
        for (const StreamPacket& queued : queue_) {
            if (queued.pts_us <= time_us) return false;
            restarts = restarts || (queued.key && queued.pts_us <= time_us + period_us_);
        }
        return restarts && ahead_us_ > time_us;
    }

    // True when a picture at pts_us is covered by a later one before anybody looks.
    bool unseen(int64_t pts_us, int64_t time_us) const {
        if (!looks_ahead_ || time_us == INT64_MAX) return false;
        const int64_t look_us = pts_us <= time_us ? time_us : time_us + period_us_;
        const std::deque<int64_t>& sent = decoder_.sent_us();
        const auto covers = [&](int64_t other_us) { return other_us > pts_us && other_us <= look_us; };
        return std::any_of(sent.begin(), sent.end(), covers) ||
               std::any_of(queue_.begin(), queue_.end(),
                           [&](const StreamPacket& queued) { return covers(queued.pts_us); });
    }

    void send(int64_t time_us) {
        const StreamPacket packet = std::move(queue_.front());
        queue_.pop_front();
        queue_bytes_ -= packet.bytes;
        arrived_us_ = packet.arrived_us;
        if (packets_.reads_apart()) waited_us_ = boot_us() - packet.arrived_us;
        if (!goes_on_with(packet)) {
            ++skipped_;
            return;
        }
        const bool less = depth_ != DecodeDepth::all && !packet.key && decoder_.can_leave_out();
        decoder_.send(packet, !less && !(decoder_.can_leave_out() && unseen(packet.pts_us, time_us)));
        if (less && packet.timed) decoder_.expect(packet);
    }

    // Whether this packet is to be decoded, as set_depth() says; where pictures are missing, only from a key frame on.
    bool goes_on_with(const StreamPacket& packet) {
        if (packet.after_dropped) whole_ = false;
        if (gave_us_ == 0) gave_us_ = packet.arrived_us;
        // A stream without key frames may be renewed piece by piece: its decoder tells when a picture is whole.
        const bool starves = refreshes_slowly_ && packet.arrived_us - gave_us_ > longest_without_us;
        const bool sparse = depth_ == DecodeDepth::key_frames && !starves;
        if (!packet.key && sparse) whole_ = false;
        const bool begins = packet.key ? !whole_ || (sparse && !decoder_.is_empty()) : !whole_ && starves;
        if (begins) {
            decoder_.restart(packet.key && packet.timed ? packet.pts_us : INT64_MIN);
            whole_ = true;
        }
        alone_ = packet.key && sparse;
        return whole_;
    }

    // The next decoded picture; empty at the end, and when the decoder was drained early (see may_drain).
    // time_us: the time being asked for, INT64_MAX when every picture is wanted.
    std::optional<Decoded> decode(int64_t time_us) {
        if (restart_) restart_decoder();
        while (!stopped()) {
            if (std::optional<Decoded> decoded = decoder_.receive()) {
                if (decoder_.bridged()) looks_ahead_ = false;
                alone_ = false;
                gave_us_ = arrived_us_;
                return decoded;
            }
            if (decoder_.drained() && whole_) {
                if (queue_.empty() && (input_ended_ || !looks_ahead_)) return std::nullopt;
                if (may_drain(time_us) || time_us == INT64_MAX) return std::nullopt;
                restart_decoder();
                continue;
            }
            if (std::exchange(alone_, false)) {  // it comes out now, not with the next key frame
                decoder_.drain();
                whole_ = false;
                continue;
            }
            const bool enough = may_drain(time_us);
            const bool ended = !enough && queue_.empty() && !fill_one();
            if (ended && decoder_.drained()) return std::nullopt;
            if (enough || ended)
                decoder_.drain();
            else
                send(time_us);
        }
        return std::nullopt;
    }

    // At least one packet into the empty queue.
    bool fill_one() {
        if (depth_ == DecodeDepth::key_frames) packets_.skip_to_newest_key();
        while (queue_.empty())
            if (!queue_one()) return false;
        return true;
    }

    Frame picture_of(Decoded& decoded, int64_t time_us) {
        if (!shown_.picture || shown_.pts_us != decoded.pts_us) {
            const Placement& placement = packets_.input().placement();
            if (!maker_.reads_on_gpu(*decoded.frame, placement)) bring_to_host(*decoded.frame, info().name);
            shown_ = maker_.make(*decoded.frame, placement);
            shown_.pts_us = decoded.pts_us;
        }
        shown_.time_us = time_us;
        return shown_;
    }

    StreamPackets packets_;
    PictureDecoder decoder_;
    PictureMaker maker_;
    const int64_t period_us_;
    const bool key_frames_;

    std::deque<StreamPacket> queue_;  // read, not yet sent, in decoding order
    size_t queue_bytes_ = 0;
    int64_t read_ = 0;                  // packets
    int64_t ahead_us_ = INT64_MIN / 2;  // decoding time of the last packet read
    int64_t arrived_us_ = 0;            // of the last packet sent
    bool looks_ahead_, input_ended_ = false;
    bool restart_ = false;  // flush before the next packet

    DecodeDepth depth_ = DecodeDepth::all;
    bool refreshes_slowly_ = false;  // there may be streams without key frames
    bool whole_ = true;              // since the last restart every packet that others lean on was sent
    bool alone_ = false;             // the key frame just sent goes on with nothing
    int64_t skipped_ = 0, waited_us_ = 0;
    int64_t gave_us_ = 0;  // arrival of the packet that the last picture came with

    std::optional<Decoded> current_, pending_;  // on screen; the next one
    Frame shown_;
    bool any_ = false;
};

}  // namespace

std::unique_ptr<FrameSource> open_source(const std::string& location, const SourceOptions& options) {
    return std::make_unique<FfmpegSource>(location, options);
}

}  // namespace lv
