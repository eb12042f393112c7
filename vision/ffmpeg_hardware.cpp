#include "vision/ffmpeg_hardware.h"

#include <memory>

#include "kernels/core/error.h"
#include "vision/ffmpeg_decoder.h"
#include "vision/ffmpeg_input.h"

// libav's header wants the two types of CUDA's own header, no more.
#define CUDA_VERSION 0
using CUcontext = struct CUctx_st*;
using CUstream = struct CUstream_st*;

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/hwcontext.h>
#include <libavutil/hwcontext_cuda.h>
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

// libav's device in a context that others made; null where that cannot be. Not AV_CUDA_USE_PRIMARY_CONTEXT: libav takes
// that context only with flags that make every wait of our kernels sleep, and refuses it otherwise. A context that it
// is given it neither asks for flags nor destroys. What it queues goes to the context's default stream.
AVBufferRef* shared_device(void* cuda_context) {
    AVBufferRef* device = cuda_context ? av_hwdevice_ctx_alloc(AV_HWDEVICE_TYPE_CUDA) : nullptr;
    if (!device) return nullptr;
    void* const cuda = reinterpret_cast<AVHWDeviceContext*>(device->data)->hwctx;
    static_cast<AVCUDADeviceContext*>(cuda)->cuda_ctx = static_cast<CUcontext>(cuda_context);
    if (av_hwdevice_ctx_init(device) < 0) av_buffer_unref(&device);  // null then
    return device;
}

}  // namespace

const AVCodec* gpu_decoder(int codec_id) {
    void* place = nullptr;
    while (const AVCodec* codec = av_codec_iterate(&place))
        if (codec->id == codec_id && av_codec_is_decoder(codec) && runs_on_gpu(*codec)) return codec;
    return nullptr;
}

std::string use_gpu(AVCodecContext& decoder, void* cuda_context) {
    decoder.hw_device_ctx = shared_device(cuda_context);
    if (!decoder.hw_device_ctx) {
        const int code = av_hwdevice_ctx_create(&decoder.hw_device_ctx, AV_HWDEVICE_TYPE_CUDA, nullptr, nullptr, 0);
        if (code < 0) return "libav finds no GPU (" + ffmpeg_words(code) + ")";
    }
    decoder.thread_count = 1;  // more would only take more of the GPU's memory
    decoder.extra_hw_frames = pictures_held;
    return "";
}

bool is_on_gpu(const AVFrame& picture) { return picture.format == AV_PIX_FMT_CUDA; }

bool lies_in(const AVFrame& picture, const void* cuda_context) {
    if (!is_on_gpu(picture)) return false;
    const auto* memory = reinterpret_cast<const AVHWFramesContext*>(picture.hw_frames_ctx->data);
    return static_cast<const AVCUDADeviceContext*>(memory->device_ctx->hwctx)->cuda_ctx == cuda_context;
}

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
