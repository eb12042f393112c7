#include "vision/ffmpeg_clip.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "kernels/core/error.h"
#include "vision/ffmpeg_input.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
}

namespace lv {
namespace {

constexpr int blocks = 6;
constexpr int block_px = 96;
constexpr int noise_levels = 14;  // grey values: what makes x264 work as for a real camera

struct EncoderFree {
    void operator()(AVCodecContext* encoder) const { avcodec_free_context(&encoder); }
};
struct PictureFree {
    void operator()(AVFrame* frame) const { av_frame_free(&frame); }
};
struct PacketFree {
    void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};
struct OutputFree {
    void operator()(AVFormatContext* output) const {
        avio_closep(&output->pb);
        avformat_free_context(output);
    }
};

uint32_t next_random(uint32_t& state) {
    state ^= state << 13;
    state ^= state >> 17;
    return state ^= state << 5;
}

// The scene that the camera pans over, larger than the picture: soft waves of several scales with hard edges.
class Scene {
   public:
    explicit Scene(const ClipOptions& options) : options_(options), width_(options.width + margin), pixels_(size_t(width_) * size_t(options.height)) {
        for (int y = 0; y < options.height; ++y)
            for (int x = 0; x < width_; ++x) {
                const double waves = std::sin(x * 0.021) * std::cos(y * 0.017) + 0.5 * std::sin(x * 0.13 + y * 0.07) +
                                     0.25 * std::sin(x * 0.9) * std::sin(y * 0.8);
                const int edge = (x / 80 + y / 60) % 3 * 24;
                pixels_[size_t(y) * size_t(width_) + size_t(x)] = static_cast<uint8_t>(std::clamp(90.0 + 36 * waves + edge, 16.0, 235.0));
            }
    }

    void draw(AVFrame& frame, int index) {
        const int pan = static_cast<int>((1 + std::sin(index * 0.01)) / 2 * margin);
        for (int y = 0; y < options_.height; ++y) {
            const uint8_t* from = &pixels_[size_t(y) * size_t(width_) + size_t(pan)];
            uint8_t* to = frame.data[0] + ptrdiff_t(y) * frame.linesize[0];
            for (int x = 0; x < options_.width; x += 4) {
                const uint32_t noise = next_random(random_);
                for (int i = 0; i < 4 && x + i < options_.width; ++i)
                    to[x + i] = static_cast<uint8_t>(from[x + i] + (noise >> (8 * i) & 255) % noise_levels);
            }
        }
        for (int plane = 1; plane <= 2; ++plane)
            for (int y = 0; y < options_.height / 2; ++y)
                std::memset(frame.data[plane] + ptrdiff_t(y) * frame.linesize[plane], plane == 1 ? 118 : 134, size_t(options_.width / 2));
        for (int block = 0; block < blocks; ++block) draw_block(frame, index, block);
    }

   private:
    void draw_block(AVFrame& frame, int index, int block) const {
        const int left = (index * (block + 2) + block * 311) % options_.width;
        const int top = (index * (block % 3) + block * 137) % options_.height;
        for (int y = top; y < std::min(top + block_px, options_.height); ++y)
            for (int x = left; x < std::min(left + block_px, options_.width); ++x)
                frame.data[0][ptrdiff_t(y) * frame.linesize[0] + x] =
                    static_cast<uint8_t>(60 + block * 25 + ((x - left) ^ (y - top)) % 32);
    }

    static constexpr int margin = 512;
    const ClipOptions options_;
    const int width_;
    std::vector<uint8_t> pixels_;
    uint32_t random_ = 1;
};

class ClipWriter {
   public:
    ClipWriter(const std::filesystem::path& path, const ClipOptions& options) : path_(path.string()) {
        const AVCodec* codec = avcodec_find_encoder_by_name("libx264");
        if (!codec) codec = avcodec_find_encoder(AV_CODEC_ID_H264);
        require(codec != nullptr, "writing ", path_, ": this FFmpeg has no h264 encoder (libx264); name a video of your own instead");
        AVFormatContext* output = nullptr;
        check(avformat_alloc_output_context2(&output, nullptr, "mp4", path_.c_str()));
        output_.reset(output);
        open_encoder(*codec, options);
        stream_ = avformat_new_stream(output, nullptr);
        require(stream_ != nullptr, "writing ", path_, ": out of memory");
        stream_->time_base = encoder_->time_base;
        check(avcodec_parameters_from_context(stream_->codecpar, encoder_.get()));
        check(avio_open(&output->pb, path_.c_str(), AVIO_FLAG_WRITE));
        check(avformat_write_header(output, nullptr));
    }

    // Null ends the clip.
    void write(AVFrame* frame) {
        check(avcodec_send_frame(encoder_.get(), frame));
        while (true) {
            const int code = avcodec_receive_packet(encoder_.get(), packet_.get());
            if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) break;
            check(code);
            packet_->stream_index = stream_->index;
            packet_->duration = 1;
            av_packet_rescale_ts(packet_.get(), encoder_->time_base, stream_->time_base);
            check(av_interleaved_write_frame(output_.get(), packet_.get()));
        }
        if (!frame) check(av_write_trailer(output_.get()));
    }

   private:
    void open_encoder(const AVCodec& codec, const ClipOptions& options) {
        encoder_.reset(avcodec_alloc_context3(&codec));
        require(encoder_ && packet_, "writing ", path_, ": out of memory");
        encoder_->width = options.width;
        encoder_->height = options.height;
        encoder_->pix_fmt = AV_PIX_FMT_YUV420P;
        encoder_->time_base = {1, options.fps};
        encoder_->framerate = {options.fps, 1};
        encoder_->gop_size = options.key_every;
        encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
        av_opt_set(encoder_->priv_data, "preset", "veryfast", 0);  // other encoders have no such option
        encoder_->log_level_offset = AV_LOG_TRACE;  // it would print its statistics
        check(avcodec_open2(encoder_.get(), &codec, nullptr));
    }
    void check(int code) const {
        require(code >= 0, "writing ", path_, ": ", code < 0 ? ffmpeg_words(code) : "");
    }

    const std::string path_;
    std::unique_ptr<AVCodecContext, EncoderFree> encoder_;
    std::unique_ptr<AVFormatContext, OutputFree> output_;
    std::unique_ptr<AVPacket, PacketFree> packet_{av_packet_alloc()};
    AVStream* stream_ = nullptr;  // of output_
};

}  // namespace

void write_test_clip(const std::filesystem::path& path, const ClipOptions& options, std::stop_token stop) {
    const std::unique_ptr<AVFrame, PictureFree> frame(av_frame_alloc());
    require(frame != nullptr, "writing ", path.string(), ": out of memory");
    frame->format = AV_PIX_FMT_YUV420P;
    frame->width = options.width;
    frame->height = options.height;
    require(av_frame_get_buffer(frame.get(), 0) >= 0, "writing ", path.string(), ": out of memory");
    Scene scene(options);
    ClipWriter writer(path, options);
    for (int index = 0; index < options.fps * options.seconds && !stop.stop_requested(); ++index) {
        require(av_frame_make_writable(frame.get()) >= 0, "writing ", path.string(), ": out of memory");
        scene.draw(*frame, index);
        frame->pts = index;
        writer.write(frame.get());
    }
    if (!stop.stop_requested()) writer.write(nullptr);
}

}  // namespace lv
