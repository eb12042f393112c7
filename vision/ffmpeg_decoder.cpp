#include "vision/ffmpeg_decoder.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "kernels/core/device.h"
#include "kernels/core/error.h"
#include "vision/ffmpeg_hardware.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace lv {
namespace {

constexpr size_t most_kept = 4096, most_kept_bytes = size_t{48} << 20;
constexpr size_t sent_kept = 32;  // presentation times remembered; h264 and hevc reorder at most 16 pictures

bool knows_unreferenced(AVCodecID codec) {
    return codec == AV_CODEC_ID_H264 || codec == AV_CODEC_ID_HEVC || codec == AV_CODEC_ID_MPEG4 ||
           codec == AV_CODEC_ID_MPEG2VIDEO;
}

}  // namespace

void DecodedFree::operator()(AVFrame* frame) const { av_frame_free(&frame); }
void DecoderFree::operator()(AVCodecContext* decoder) const { avcodec_free_context(&decoder); }

PictureDecoder::PictureDecoder(const FfmpegInput& input, int threads, bool on_gpu, std::shared_ptr<Device> device)
    : input_(input), threads_(threads), device_(std::move(device)) {
    if (on_gpu) open_on_gpu();
    if (!on_gpu_) open_on_cpu();
    can_leave_out_ = knows_unreferenced(input_.stream().codecpar->codec_id);
    const double fps = input_.info().fps;
    usual_us_ = fps > 0.01 && fps < 1000 ? static_cast<int64_t>(1e6 / fps) : 40'000;
}

// Not open yet.
void PictureDecoder::describe(const AVCodec& codec) {
    const AVStream& stream = input_.stream();
    decoder_.reset(avcodec_alloc_context3(&codec));
    require(decoder_ && avcodec_parameters_to_context(decoder_.get(), stream.codecpar) >= 0, "opening ",
            input_.info().name, ": no memory for the ", codec.name, " decoder");
    const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
    decoder_->thread_count = std::min(16, threads_ > 0 ? threads_ : static_cast<int>(cores));
    if (input_.info().is_live) decoder_->thread_type = FF_THREAD_SLICE;  // frame threads delay
    decoder_->pkt_timebase = stream.time_base;
    decoder_->max_pixels = int64_t{1} << 27;
    // h264 holds back what follows a recovery point when it is drained early; what it flags corrupt we drop.
    if (stream.codecpar->codec_id == AV_CODEC_ID_H264) decoder_->flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT;
}

void PictureDecoder::open_on_cpu() {
    const std::string& name = input_.info().name;
    const AVCodec* codec = avcodec_find_decoder(input_.stream().codecpar->codec_id);
    require(codec, "opening ", name, ": this FFmpeg has no decoder for ", input_.info().codec,
            "; install a full libavcodec or convert the video to h264");
    describe(*codec);
    const int code = avcodec_open2(decoder_.get(), codec, nullptr);
    require(code >= 0, "opening ", name, ": its ", input_.info().codec, " decoder refuses the header (",
            ffmpeg_words(code), "); the file is damaged, copy or record it again");
}

// on_gpu_ where that could be done, else not_on_gpu_.
void PictureDecoder::open_on_gpu() {
    const AVCodec* codec = gpu_decoder(input_.stream().codecpar->codec_id);
    if (!codec) {
        not_on_gpu_ = "libav has no decoder of " + input_.info().codec + " for the GPU";
        return;
    }
    describe(*codec);
    not_on_gpu_ = use_gpu(*decoder_, device_ ? device_->cuda_context() : nullptr);
    if (!not_on_gpu_.empty()) return;
    const int code = avcodec_open2(decoder_.get(), codec, nullptr);
    on_gpu_ = remembers_ = code >= 0;
    if (!on_gpu_) not_on_gpu_ = "the GPU refuses the stream (" + ffmpeg_words(code) + ")";
}

// Anything but damage in the stream and what libav says in its normal course.
bool PictureDecoder::gpu_failed(int code) const {
    return on_gpu_ && code < 0 && code != AVERROR(EAGAIN) && code != AVERROR_EOF && code != AVERROR_INVALIDDATA;
}

// Pictures from before a key packet may still be inside when it is sent: what it follows goes once it has come out.
void PictureDecoder::keep(const StreamPacket& packet) {
    const auto begins = [&](const StreamPacket& kept) { return kept.key && kept.pts_us <= newest_us_; };
    const auto newest = std::find_if(kept_.rbegin(), kept_.rend(), begins);
    if (newest != kept_.rend()) kept_.erase(kept_.begin(), newest.base() - 1);
    if (!packet.key && kept_.empty()) return;  // they were too many
    PacketPtr copy(av_packet_clone(packet.packet.get()));
    size_t bytes = packet.bytes;
    for (const StreamPacket& kept : kept_) bytes += kept.bytes;
    if (!copy || kept_.size() == most_kept || bytes > most_kept_bytes) return kept_.clear();
    kept_.push_back({.packet = std::move(copy), .pts_us = packet.pts_us, .bytes = packet.bytes, .key = packet.key});
}

// False: none came.
bool PictureDecoder::take_again() {
    bool any = false;
    while (true) {
        DecodedPtr frame(av_frame_alloc());
        if (!frame || avcodec_receive_frame(decoder_.get(), frame.get()) < 0) return any;
        any = true;
        const int64_t time = frame->best_effort_timestamp;
        if (time != AV_NOPTS_VALUE && input_.to_us(time) > newest_us_) again_.push_back(std::move(frame));
    }
}

void PictureDecoder::go_on_with_cpu(const std::string& why) {
    not_on_gpu_ = why;
    on_gpu_ = remembers_ = false;
    open_on_cpu();
    for (const StreamPacket& kept : std::exchange(kept_, {})) {
        while (avcodec_send_packet(decoder_.get(), kept.packet.get()) == AVERROR(EAGAIN) && take_again()) {
        }
        take_again();
    }
    if (draining_) drain();
}

void PictureDecoder::send(const StreamPacket& packet, bool unreferenced) {
    decoder_->skip_frame = unreferenced ? AVDISCARD_DEFAULT : AVDISCARD_NONREF;
    if (remembers_) keep(packet);
    int code = avcodec_send_packet(decoder_.get(), packet.packet.get());
    if (gpu_failed(code)) {
        const bool kept = !kept_.empty();
        go_on_with_cpu("the GPU failed (" + ffmpeg_words(code) + ")");
        code = kept ? 0 : avcodec_send_packet(decoder_.get(), packet.packet.get());
    }
    if (code < 0 && code != AVERROR_EOF) ++damaged_;
    empty_ = false;
    sent_us_.push_back(packet.pts_us);
    if (sent_us_.size() > sent_kept) sent_us_.pop_front();
}

void PictureDecoder::drain() {
    draining_ = true;
    avcodec_send_packet(decoder_.get(), nullptr);
}

void PictureDecoder::restart(int64_t from_us) {
    avcodec_flush_buffers(decoder_.get());
    drained_ = draining_ = false;
    empty_ = true;
    kept_.clear();
    again_.clear();
    newest_us_ = INT64_MIN;
    sent_us_.clear();
    expected_.clear();
    from_us_ = from_us;
}

// As avcodec_receive_frame().
int PictureDecoder::next_picture(AVFrame& frame) {
    if (again_.empty()) {
        const int code = avcodec_receive_frame(decoder_.get(), &frame);
        const bool refused = code == 0 && on_gpu_ && !is_on_gpu(frame);  // libav decodes it here, and slowly
        if (!refused && !gpu_failed(code)) return code;
        av_frame_unref(&frame);
        go_on_with_cpu(refused ? "the GPU does not decode this kind of " + input_.info().codec
                               : "the GPU failed (" + ffmpeg_words(code) + ")");
    }
    if (again_.empty()) return avcodec_receive_frame(decoder_.get(), &frame);
    av_frame_move_ref(&frame, again_.front().get());
    again_.pop_front();
    return 0;
}

std::optional<Decoded> PictureDecoder::receive() {
    DecodedPtr frame(av_frame_alloc());
    require(frame != nullptr, "decoding ", input_.info().name, ": no memory for a picture");
    while (!drained_ && !input_.stopped()) {
        const int code = next_picture(*frame);
        if (code == 0) {
            if (frame->best_effort_timestamp != AV_NOPTS_VALUE)
                newest_us_ = std::max(newest_us_, input_.to_us(frame->best_effort_timestamp));
            if (is_whole(*frame)) {
                from_us_ = INT64_MIN;  // what leads came before; a smaller time from here on is a jump back
                return timed(std::move(frame));
            }
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
Decoded PictureDecoder::timed(DecodedPtr frame) {
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
