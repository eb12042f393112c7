#include "vision/ffmpeg_hardware.h"

#include <memory>

#include "kernels/core/error.h"
#include "vision/ffmpeg_decoder.h"
#include "vision/ffmpeg_input.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/hwcontext.h>
}

namespace lv {
namespace {

constexpr int pictures_held = 4;  // beyond those the codec refers to: on screen, the next, and two on their way

bool runs_on_gpu(const AVCodec& codec) {
    // cuvid's wrappers parse and drop pictures by themselves: not what the packets' times are reckoned for.
    if (codec.capabilities & AV_CODEC_CAP_HARDWARE) return false;
    for (int i = 0; const AVCodecHWConfig* config = avcodec_get_hw_config(&codec, i); ++i)
        if (config->device_type == AV_HWDEVICE_TYPE_CUDA && config->methods & AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX)
            return true;
    return false;
}

}  // namespace

const AVCodec* gpu_decoder(int codec_id) {
    void* place = nullptr;
    while (const AVCodec* codec = av_codec_iterate(&place))
        if (codec->id == codec_id && av_codec_is_decoder(codec) && runs_on_gpu(*codec)) return codec;
    return nullptr;
}

std::string use_gpu(AVCodecContext& decoder) {
    // In a context of its own: libav takes the one that our kernels use only with flags that make every wait of theirs
    // sleep, and refuses it otherwise.
    const int code = av_hwdevice_ctx_create(&decoder.hw_device_ctx, AV_HWDEVICE_TYPE_CUDA, nullptr, nullptr, 0);
    if (code < 0) return "libav finds no GPU (" + ffmpeg_words(code) + ")";
    decoder.thread_count = 1;  // more would only take more of the GPU's memory
    decoder.extra_hw_frames = pictures_held;
    return "";
}

bool is_on_gpu(const AVFrame& picture) { return picture.format == AV_PIX_FMT_CUDA; }

void bring_to_host(AVFrame& picture, const std::string& name) {
    if (!is_on_gpu(picture)) return;
    const std::unique_ptr<AVFrame, DecodedFree> here(av_frame_alloc());
    require(here != nullptr, "decoding ", name, ": no memory for a picture");
    int code = av_hwframe_transfer_data(here.get(), &picture, 0);
    if (code >= 0) code = av_frame_copy_props(here.get(), &picture);
    if (code >= 0) code = av_frame_apply_cropping(here.get(), AV_FRAME_CROP_UNALIGNED);  // left and top were not yet
    require(code >= 0, "decoding ", name, ": the GPU does not give its picture (", ffmpeg_words(code),
            "); use --device cpu");
    av_frame_unref(&picture);
    av_frame_move_ref(&picture, here.get());
}

}  // namespace lv
