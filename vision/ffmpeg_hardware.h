// The GPU's video decoder (NVDEC) behind libav: set up where it is there, and its pictures brought to the host (private
// to the FFmpeg source).
#pragma once

#include <string>

struct AVCodec;
struct AVCodecContext;
struct AVFrame;

namespace lv {

// Of a codec (AVCodecID) the decoder that libav can run on the GPU; null: it has none.
const AVCodec* gpu_decoder(int codec_id);

// Makes a context that is not open yet decode on the first GPU: into memory of the CUcontext of that GPU, which
// outlives it, or, when that is null or libav does not take it, of a context of its own. Returns why that cannot be;
// empty: it can, as far as one can tell before a picture.
std::string use_gpu(AVCodecContext& decoder, void* cuda_context);

bool is_on_gpu(const AVFrame& picture);
// Whether it lies in the memory of the CUcontext.
bool lies_in(const AVFrame& picture, const void* cuda_context);

// A picture that lies on the GPU is copied to the host, in its place; others stay as they are. Error, with `name`, when
// the GPU does not give it: it answers nobody any more.
void bring_to_host(AVFrame& picture, const std::string& name);

}  // namespace lv
