#include "vision/ffmpeg_jpeg.h"

#include <memory>

#include "kernels/core/error.h"
#include "vision/ffmpeg_input.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libswscale/swscale.h>
}

namespace lv {
namespace {

constexpr int quality = 3;  // 1 best .. 31

struct Free {
    void operator()(AVCodecContext* encoder) const { avcodec_free_context(&encoder); }
    void operator()(AVFrame* frame) const { av_frame_free(&frame); }
    void operator()(AVPacket* packet) const { av_packet_free(&packet); }
    void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

void check(int code) { require(code >= 0, "writing a picture as JPEG: ", ffmpeg_words(code)); }

}  // namespace

std::vector<uint8_t> jpeg_of(const Picture& picture) {
    const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
    require(codec != nullptr, "writing a picture: this FFmpeg has no JPEG encoder; install a full libavcodec");
    const Owned<AVCodecContext> encoder(avcodec_alloc_context3(codec));
    const Owned<AVFrame> frame(av_frame_alloc());
    const Owned<AVPacket> packet(av_packet_alloc());
    require(encoder && frame && packet, "writing a picture as JPEG: no memory");
    encoder->width = frame->width = picture.width;
    encoder->height = frame->height = picture.height;
    encoder->pix_fmt = AV_PIX_FMT_YUVJ420P;
    encoder->color_range = frame->color_range = AVCOL_RANGE_JPEG;
    frame->format = AV_PIX_FMT_YUVJ420P;
    encoder->time_base = {1, 25};
    encoder->flags |= AV_CODEC_FLAG_QSCALE;
    encoder->global_quality = frame->quality = quality * FF_QP2LAMBDA;
    check(avcodec_open2(encoder.get(), codec, nullptr));
    check(av_frame_get_buffer(frame.get(), 0));
    const Owned<SwsContext> scaler(sws_getContext(picture.width, picture.height, AV_PIX_FMT_RGB24, picture.width,
                                                  picture.height, AV_PIX_FMT_YUVJ420P, SWS_BILINEAR, nullptr, nullptr,
                                                  nullptr));
    require(scaler != nullptr, "writing a picture of ", picture.width, "x", picture.height, " as JPEG: no scaler");
    const uint8_t* const rows = picture.rgb.data();
    const int stride = picture.width * 3;
    check(sws_scale(scaler.get(), &rows, &stride, 0, picture.height, frame->data, frame->linesize));
    check(avcodec_send_frame(encoder.get(), frame.get()));
    check(avcodec_receive_packet(encoder.get(), packet.get()));
    return {packet->data, packet->data + packet->size};
}

}  // namespace lv
