#include "vision/ffmpeg_decoder.h"

#include <algorithm>
#include <thread>

#include "kernels/core/error.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace lv {
namespace {

constexpr size_t sent_kept = 32;  // presentation times remembered; h264 and hevc reorder at most 16 pictures

bool knows_unreferenced(AVCodecID codec) {
    return codec == AV_CODEC_ID_H264 || codec == AV_CODEC_ID_HEVC || codec == AV_CODEC_ID_MPEG4 ||
           codec == AV_CODEC_ID_MPEG2VIDEO;
}

}  // namespace

void DecodedFree::operator()(AVFrame* frame) const { av_frame_free(&frame); }
void DecoderFree::operator()(AVCodecContext* decoder) const { avcodec_free_context(&decoder); }

PictureDecoder::PictureDecoder(const FfmpegInput& input, int threads) : input_(input) {
    const AVStream& stream = input_.stream();
    const std::string& name = input_.info().name;
    const AVCodec* codec = avcodec_find_decoder(stream.codecpar->codec_id);
    require(codec, "opening ", name, ": this FFmpeg has no decoder for ", input_.info().codec,
            "; install a full libavcodec or convert the video to h264");
    decoder_.reset(avcodec_alloc_context3(codec));
    require(decoder_ && avcodec_parameters_to_context(decoder_.get(), stream.codecpar) >= 0, "opening ", name,
            ": no memory for the ", codec->name, " decoder");
    const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
    decoder_->thread_count = std::min(16, threads > 0 ? threads : static_cast<int>(cores));
    if (input_.info().is_live) decoder_->thread_type = FF_THREAD_SLICE;  // frame threads delay
    decoder_->pkt_timebase = stream.time_base;
    decoder_->max_pixels = int64_t{1} << 27;
    // h264 holds back what follows a recovery point when it is drained early; what it flags corrupt we drop.
    if (stream.codecpar->codec_id == AV_CODEC_ID_H264) decoder_->flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT;
    const int code = avcodec_open2(decoder_.get(), codec, nullptr);
    require(code >= 0, "opening ", name, ": its ", input_.info().codec, " decoder refuses the header (",
            ffmpeg_words(code), "); the file is damaged, copy or record it again");
    can_leave_out_ = knows_unreferenced(stream.codecpar->codec_id);
    const double fps = input_.info().fps;
    usual_us_ = fps > 0.01 && fps < 1000 ? static_cast<int64_t>(1e6 / fps) : 40'000;
}

void PictureDecoder::send(const StreamPacket& packet, bool unreferenced) {
    decoder_->skip_frame = unreferenced ? AVDISCARD_DEFAULT : AVDISCARD_NONREF;
    const int code = avcodec_send_packet(decoder_.get(), packet.packet.get());
    if (code < 0 && code != AVERROR_EOF) ++damaged_;
    empty_ = false;
    sent_us_.push_back(packet.pts_us);
    if (sent_us_.size() > sent_kept) sent_us_.pop_front();
}

void PictureDecoder::drain() { avcodec_send_packet(decoder_.get(), nullptr); }

void PictureDecoder::restart(int64_t from_us) {
    avcodec_flush_buffers(decoder_.get());
    drained_ = false;
    empty_ = true;
    sent_us_.clear();
    expected_.clear();
    from_us_ = from_us;
}

std::optional<Decoded> PictureDecoder::receive() {
    std::unique_ptr<AVFrame, DecodedFree> frame(av_frame_alloc());
    require(frame != nullptr, "decoding ", input_.info().name, ": no memory for a picture");
    while (!drained_ && !input_.stopped()) {
        const int code = avcodec_receive_frame(decoder_.get(), frame.get());
        if (code == 0) {
            if (is_whole(*frame)) return timed(std::move(frame));
            av_frame_unref(frame.get());
        } else if (code == AVERROR_EOF) {
            drained_ = true;
        } else if (code == AVERROR(EAGAIN)) {
            break;
        } else {
            require(code != AVERROR(ENOMEM), "decoding ", input_.info().name, ": out of memory at ",
                    input_.info().width, "x", input_.info().height, "; use fewer --threads");
            ++damaged_;
        }
    }
    return std::nullopt;
}

// Not: pictures whose references lie before the point where decoding began, and those an edit list hides.
bool PictureDecoder::is_whole(const AVFrame& frame) {
    const bool leads =
        frame.best_effort_timestamp != AV_NOPTS_VALUE && input_.to_us(frame.best_effort_timestamp) < from_us_;
    if (!leads && !(frame.flags & (AV_FRAME_FLAG_CORRUPT | AV_FRAME_FLAG_DISCARD))) return true;
    if (!leads && (frame.flags & AV_FRAME_FLAG_CORRUPT)) ++damaged_;
    return false;
}

// Pictures come out in the order of their times: what was sent with an earlier one and has not come never will.
void PictureDecoder::account(int64_t pts_us) {
    const size_t before = expected_.size();
    const auto came = static_cast<int64_t>(std::erase(expected_, pts_us));
    std::erase_if(expected_, [&](int64_t expected_us) { return expected_us < pts_us; });
    left_out_ += static_cast<int64_t>(before - expected_.size()) - came;
}

// Gives a decoded picture its time: strictly rising, a missing one after its neighbour, a jump back bridged.
Decoded PictureDecoder::timed(std::unique_ptr<AVFrame, DecodedFree> frame) {
    ++decoded_;
    if (frame->decode_error_flags) ++damaged_;
    const int64_t duration_us = frame->pkt_duration > 0
                                    ? av_rescale_q(frame->pkt_duration, input_.stream().time_base, {1, 1'000'000})
                                    : usual_us_;
    const bool first = last_pts_us_ == INT64_MIN;
    int64_t pts_us = first ? 0 : last_pts_us_ + usual_us_;
    if (frame->best_effort_timestamp != AV_NOPTS_VALUE) {
        pts_us = input_.to_us(frame->best_effort_timestamp);
        account(pts_us);
        pts_us += shift_us_;
        if (first && pts_us < 0) {
            shift_us_ = -pts_us;
            pts_us = 0;
        }
        if (!first && pts_us < last_pts_us_ - 1'000'000) {
            shift_us_ += last_pts_us_ + usual_us_ - pts_us;
            pts_us = last_pts_us_ + usual_us_;
        }
    }
    if (!first) pts_us = std::max(pts_us, last_pts_us_ + 1);
    last_pts_us_ = pts_us;
    const int64_t shown_us = input_.info().is_still ? 1 : std::max<int64_t>(duration_us, 1);
    return {std::move(frame), pts_us, pts_us + shown_us};
}

}  // namespace lv
