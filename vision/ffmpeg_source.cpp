#include "vision/ffmpeg_source.h"

#include <algorithm>
#include <deque>
#include <thread>
#include <utility>

#include "kernels/core/error.h"
#include "vision/ffmpeg_input.h"
#include "vision/ffmpeg_picture.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace lv {
namespace {

constexpr size_t max_ahead_packets = 4096;
constexpr size_t max_ahead_bytes = size_t{48} << 20;
constexpr size_t sent_kept = 32;  // presentation times remembered; h264 and hevc reorder at most 16 pictures
constexpr size_t worth_a_restart = 3;  // packets: a flushed decoder refills its threads

struct PacketFree {
    void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};
struct PictureFree {
    void operator()(AVFrame* frame) const { av_frame_free(&frame); }
};
struct DecoderFree {
    void operator()(AVCodecContext* decoder) const { avcodec_free_context(&decoder); }
};
using PacketPtr = std::unique_ptr<AVPacket, PacketFree>;
using DecodedPtr = std::unique_ptr<AVFrame, PictureFree>;

struct Queued {
    PacketPtr packet;
    int64_t pts_us, dts_us;
    bool key;
};

struct Decoded {
    DecodedPtr frame;
    int64_t pts_us, end_us;
};

bool drops_unreferenced(AVCodecID codec) {
    return codec == AV_CODEC_ID_H264 || codec == AV_CODEC_ID_HEVC || codec == AV_CODEC_ID_MPEG4 ||
           codec == AV_CODEC_ID_MPEG2VIDEO;
}

class FfmpegSource final : public FrameSource {
   public:
    FfmpegSource(const std::string& location, const SourceOptions& options)
        : options_(options), input_(location, options), maker_(options.max_side, options.to_draw) {
        open_decoder();
        key_frames_ = options.sampling == SamplingMode::key_frames;
        period_us_ = std::max<int64_t>(options.period_us, 0);
        looks_ahead_ = !input_.info().is_live;
    }

    const SourceInfo& info() const override { return input_.info(); }
    SourceStats stats() const override {
        SourceStats stats = stats_;
        stats.damaged += input_.damaged();
        stats.ended_early = input_.ended_early();
        stats.record_failure = input_.record_failure();
        stats.passed_by = std::max<int64_t>(0, packets_ - stats.decoded - static_cast<int64_t>(queue_.size()));
        return stats;
    }

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
            if (!wanted(decoded->pts_us, input_.arrived_us())) continue;
            Frame frame = picture_of(*decoded, decoded->pts_us);
            frame.arrived_us = input_.arrived_us();
            return frame;
        }
    }

    std::optional<Frame> show(int64_t time_us) override {
        look_ahead(time_us);
        while (!input_.stopped()) {
            if (!pending_ || restart_) pending_ = decode(time_us);
            if (!pending_ || (current_ && pending_->pts_us > time_us)) break;
            const bool first_is_later = !current_ && pending_->pts_us > time_us;
            current_ = std::exchange(pending_, std::nullopt);
            if (first_is_later) break;
        }
        if (input_.stopped()) return std::nullopt;
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
    void open_decoder() {
        const AVStream& stream = input_.stream();
        const std::string& name = input_.info().name;
        const AVCodec* codec = avcodec_find_decoder(stream.codecpar->codec_id);
        require(codec, "opening ", name, ": this FFmpeg has no decoder for ", input_.info().codec,
                "; install a full libavcodec or convert the video to h264");
        decoder_.reset(avcodec_alloc_context3(codec));
        require(decoder_ && avcodec_parameters_to_context(decoder_.get(), stream.codecpar) >= 0, "opening ", name,
                ": no memory for the ", codec->name, " decoder");
        const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
        decoder_->thread_count = std::min(16, options_.threads > 0 ? options_.threads : static_cast<int>(cores));
        if (input_.info().is_live) decoder_->thread_type = FF_THREAD_SLICE;  // frame threads delay
        decoder_->pkt_timebase = stream.time_base;
        decoder_->max_pixels = int64_t{1} << 27;
        // h264 holds back what follows a recovery point when it is drained early; what it flags corrupt we drop.
        if (stream.codecpar->codec_id == AV_CODEC_ID_H264) decoder_->flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT;
        const int code = avcodec_open2(decoder_.get(), codec, nullptr);
        require(code >= 0, "opening ", name, ": its ", input_.info().codec, " decoder refuses the header (",
                ffmpeg_words(code), "); the file is damaged, copy or record it again");
        can_pass_by_ = drops_unreferenced(stream.codecpar->codec_id);
        const double fps = input_.info().fps;
        usual_us_ = fps > 0.01 && fps < 1000 ? static_cast<int64_t>(1e6 / fps) : 40'000;
    }

    void require_any() const {
        if (any_ || input_.stopped()) return;
        fail("reading ", input_.info().name, ": not one picture could be decoded from its ", input_.info().codec,
             " stream (", stats().damaged, " damaged parts met); expected at least one; ",
             input_.info().name == "-" ? "an mp4 or mov with its index at the end cannot come through a pipe: name the file"
                                       : "copy or record the video again");
    }

    // Whether another frame may still be decoded.
    bool more_to_come() const { return !queue_.empty() || !input_ended_ || (!drained_ && !flushed_); }

    // Of the last picture, once all have come. Between key frames others were on screen.
    int64_t end_us() const { return key_frames_ ? std::max(current_->end_us, input_.end_us()) : current_->end_us; }

    // Reads one packet to the end of the queue. False at the end of the input.
    bool queue_one() {
        if (input_ended_) return false;
        PacketPtr packet(av_packet_alloc());
        require(packet != nullptr, "reading ", input_.info().name, ": no memory for a packet");
        if (!input_.read(*packet)) {
            input_ended_ = true;
            return false;
        }
        ++packets_;
        const bool timed = packet->pts != AV_NOPTS_VALUE;
        const int64_t pts_us = timed ? input_.to_us(packet->pts) : 0;
        // A missing decoding time: earlier than the presentation time by no more than the reordering.
        const int64_t dts_us = packet->dts != AV_NOPTS_VALUE ? input_.to_us(packet->dts) : pts_us - 1'000'000;
        // Without trustworthy packet times nobody can tell which packets matter: decode them all.
        if (!timed || dts_us < ahead_us_ - 3'000'000) looks_ahead_ = false;
        ahead_us_ = dts_us;
        const bool key = packet->flags & AV_PKT_FLAG_KEY;
        if (key_frames_ && !key) {
            return true;
        }
        queue_bytes_ += static_cast<size_t>(packet->size);
        queue_.push_back({std::move(packet), pts_us, dts_us, key});
        return true;
    }

    // Queues packets up to the next time that may be asked for, and forgets the groups of pictures nobody will see.
    void look_ahead(int64_t time_us) {
        if (!looks_ahead_) return;
        if (!input_ended_ && input_.seek(time_us, std::max<int64_t>(ahead_us_, 0))) {
            forget(queue_.size());
            ahead_us_ = INT64_MIN / 2;
        }
        skip_to_last_key(time_us);
        const int64_t until_us = time_us + period_us_;
        while (looks_ahead_ && ahead_us_ <= until_us && queue_.size() < max_ahead_packets &&
               queue_bytes_ < max_ahead_bytes && !input_.stopped()) {
            const size_t before = queue_.size();
            if (!queue_one()) break;
            if (looks_ahead_ && queue_.size() > before && queue_.back().key) skip_to_last_key(time_us);
        }
    }

    // The last key frame on screen by time_us begins the queue; a drained decoder can start nowhere else.
    void skip_to_last_key(int64_t time_us) {
        const auto starts = [&](const Queued& queued) { return queued.key && queued.pts_us <= time_us; };
        const auto found = std::find_if(queue_.rbegin(), queue_.rend(), starts);
        if (found == queue_.rend()) return;
        const size_t before = static_cast<size_t>(queue_.rend() - found) - 1;
        if (before >= (key_frames_ || drained_ || restart_ ? 1 : worth_a_restart)) forget(before);
    }

    // Drops the first `count` packets; the decoder starts afresh with the next.
    void forget(size_t count) {
        for (size_t i = 0; i < count; ++i) {
            queue_bytes_ -= static_cast<size_t>(queue_.front().packet->size);
            queue_.pop_front();
        }
        restart_ = true;
    }

    void restart_decoder() {
        avcodec_flush_buffers(decoder_.get());
        restart_ = drained_ = false;
        flushed_ = true;
        sent_.clear();
        pending_.reset();
        const bool at_key = !queue_.empty() && queue_.front().key && looks_ahead_;
        restarted_at_us_ = at_key ? queue_.front().pts_us : INT64_MIN;
    }

    // Nothing after time_us is needed until the key frame that the next question will start from.
    bool may_drain(int64_t time_us) const {
        if (!looks_ahead_ || time_us == INT64_MAX || sent_.empty()) return false;
        bool restarts = key_frames_;
        for (const Queued& queued : queue_) {
            if (queued.pts_us <= time_us) return false;
            restarts = restarts || (queued.key && queued.pts_us <= time_us + period_us_);
        }
        return restarts && ahead_us_ > time_us;
    }

    // True when a picture at pts_us is covered by a later one before anybody looks.
    bool unseen(int64_t pts_us, int64_t time_us) const {
        if (!looks_ahead_ || time_us == INT64_MAX) return false;
        const int64_t look_us = pts_us <= time_us ? time_us : time_us + period_us_;
        const auto covers = [&](int64_t other_us) { return other_us > pts_us && other_us <= look_us; };
        return std::any_of(sent_.begin(), sent_.end(), covers) ||
               std::any_of(queue_.begin(), queue_.end(), [&](const Queued& queued) { return covers(queued.pts_us); });
    }

    void send(int64_t time_us) {
        Queued queued = std::move(queue_.front());
        queue_.pop_front();
        queue_bytes_ -= static_cast<size_t>(queued.packet->size);
        const bool pass = can_pass_by_ && unseen(queued.pts_us, time_us);
        decoder_->skip_frame = pass ? AVDISCARD_NONREF : AVDISCARD_DEFAULT;
        const int code = avcodec_send_packet(decoder_.get(), queued.packet.get());
        if (code < 0 && code != AVERROR_EOF) ++stats_.damaged;
        flushed_ = false;
        sent_.push_back(queued.pts_us);
        if (sent_.size() > sent_kept) sent_.pop_front();
    }

    // The next decoded picture; empty at the end, and when the decoder was drained early (see may_drain).
    // time_us: the time being asked for, INT64_MAX when every picture is wanted.
    std::optional<Decoded> decode(int64_t time_us) {
        if (restart_) restart_decoder();
        DecodedPtr frame(av_frame_alloc());
        require(frame != nullptr, "decoding ", input_.info().name, ": no memory for a picture");
        while (!input_.stopped()) {
            const int code = drained_ ? AVERROR_EOF : avcodec_receive_frame(decoder_.get(), frame.get());
            if (code == 0) {
                if (usable(*frame)) return timed(std::move(frame));
                av_frame_unref(frame.get());
                continue;
            }
            if (code == AVERROR_EOF) {
                drained_ = true;
                if (queue_.empty() && (input_ended_ || !looks_ahead_)) return std::nullopt;
                if (may_drain(time_us) || time_us == INT64_MAX) return std::nullopt;
                restart_decoder();
                continue;
            }
            if (code != AVERROR(EAGAIN)) {
                require(code != AVERROR(ENOMEM), "decoding ", input_.info().name, ": out of memory at ",
                        input_.info().width, "x", input_.info().height, "; use fewer --threads");
                ++stats_.damaged;
                continue;
            }
            if (may_drain(time_us) || (queue_.empty() && !fill_one())) {
                avcodec_send_packet(decoder_.get(), nullptr);
                continue;
            }
            send(time_us);
        }
        return std::nullopt;
    }

    // At least one packet into the empty queue.
    bool fill_one() {
        while (queue_.empty())
            if (!queue_one()) return false;
        return true;
    }

    // Not: pictures whose references lie before the point where decoding began, and those an edit list hides.
    bool usable(const AVFrame& frame) {
        const bool leads = frame.best_effort_timestamp != AV_NOPTS_VALUE &&
                           input_.to_us(frame.best_effort_timestamp) < restarted_at_us_;
        if (!leads && !(frame.flags & (AV_FRAME_FLAG_CORRUPT | AV_FRAME_FLAG_DISCARD))) return true;
        if (!leads && (frame.flags & AV_FRAME_FLAG_CORRUPT)) ++stats_.damaged;
        return false;
    }

    // Gives a decoded picture its time: strictly rising, a missing one after its neighbour, a jump back bridged.
    Decoded timed(DecodedPtr frame) {
        ++stats_.decoded;
        if (frame->decode_error_flags) ++stats_.damaged;
        const int64_t duration_us =
            frame->pkt_duration > 0
                ? av_rescale_q(frame->pkt_duration, input_.stream().time_base, {1, 1'000'000}) : usual_us_;
        const bool first = last_pts_us_ == INT64_MIN;
        int64_t pts_us = first ? 0 : last_pts_us_ + usual_us_;
        if (frame->best_effort_timestamp != AV_NOPTS_VALUE) {
            pts_us = input_.to_us(frame->best_effort_timestamp) + shift_us_;
            if (first && pts_us < 0) {
                shift_us_ = -pts_us;
                pts_us = 0;
            }
            if (!first && pts_us < last_pts_us_ - 1'000'000) {
                shift_us_ += last_pts_us_ + usual_us_ - pts_us;
                pts_us = last_pts_us_ + usual_us_;
            }
            if (shift_us_ != 0) looks_ahead_ = false;  // packets' times are no longer pictures' times
        }
        if (!first) pts_us = std::max(pts_us, last_pts_us_ + 1);
        last_pts_us_ = pts_us;
        const int64_t shown_us = input_.info().is_still ? 1 : std::max<int64_t>(duration_us, 1);
        return {std::move(frame), pts_us, pts_us + shown_us};
    }

    Frame picture_of(const Decoded& decoded, int64_t time_us) {
        if (!shown_.picture || shown_.pts_us != decoded.pts_us) {
            shown_ = maker_.make(*decoded.frame, input_.placement());
            shown_.pts_us = decoded.pts_us;
        }
        shown_.time_us = time_us;
        return shown_;
    }

    SourceOptions options_;
    FfmpegInput input_;
    PictureMaker maker_;
    std::unique_ptr<AVCodecContext, DecoderFree> decoder_;
    SourceStats stats_;
    int64_t usual_us_ = 40'000;  // between two pictures when nothing better is known
    int64_t period_us_ = 0;
    bool key_frames_ = false, can_pass_by_ = false;

    std::deque<Queued> queue_;  // read, not yet sent, in decoding order
    size_t queue_bytes_ = 0;
    int64_t packets_ = 0;                  // read
    std::deque<int64_t> sent_;             // presentation times sent last
    int64_t ahead_us_ = INT64_MIN / 2;     // decoding time of the last packet read
    bool looks_ahead_ = true, input_ended_ = false;
    bool restart_ = false;  // flush before the next packet
    bool drained_ = false;  // gives nothing more until flushed
    bool flushed_ = true;   // nothing inside
    int64_t restarted_at_us_ = INT64_MIN;  // the key frame decoding began with

    std::optional<Decoded> current_, pending_;  // on screen; the next one
    Frame shown_;
    int64_t last_pts_us_ = INT64_MIN, shift_us_ = 0;
    bool any_ = false;
};

}  // namespace

std::unique_ptr<FrameSource> open_source(const std::string& location, const SourceOptions& options) {
    return std::make_unique<FfmpegSource>(location, options);
}

}  // namespace lv
