// Decoded pictures scaled on the device beside libswscale's, and what takes the CPU's road; NVDEC's pictures as far as
// that can be tried without one.
#include "vision/ffmpeg_planes.h"

#include "kernels/core/device.h"
#include "tests/devices/on_device.h"
#include "tests/vision/support.h"
#include "vision/ffmpeg_decoder.h"
#include "vision/ffmpeg_hardware.h"
#include "vision/ffmpeg_picture.h"
#include "vision/ffmpeg_source.h"
#include "vision/preprocess.h"

#define CUDA_VERSION 0
using CUcontext = struct CUctx_st*;
using CUstream = struct CUstream_st*;

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>
#include <libavutil/hwcontext.h>
#include <libavutil/hwcontext_cuda.h>
#include <libavutil/pixdesc.h>
}

namespace lv::test {
namespace {

// A picture of soft shapes in strong colours with a little noise: every plane's scaling and every coefficient counts.
DecodedPtr painted_frame(AVPixelFormat format, int width, int height, bool full_range, AVColorSpace space) {
    DecodedPtr frame(av_frame_alloc());
    frame->format = format;
    frame->width = width;
    frame->height = height;
    frame->color_range = full_range ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    frame->colorspace = space;
    EXPECT_EQ(av_frame_get_buffer(frame.get(), 0), 0);
    const AVPixFmtDescriptor& description = *av_pix_fmt_desc_get(format);
    uint32_t state = 7;
    for (int c = 0; c < description.nb_components; ++c) {
        const AVComponentDescriptor& component = description.comp[c];
        const bool chroma = c == 1 || c == 2;
        const int rows = chroma ? AV_CEIL_RSHIFT(height, description.log2_chroma_h) : height;
        const int cols = chroma ? AV_CEIL_RSHIFT(width, description.log2_chroma_w) : width;
        for (int y = 0; y < rows; ++y)
            for (int x = 0; x < cols; ++x) {
                state = state * 1664525u + 1013904223u;
                const double wave = std::sin(x * 6.0 * (c + 1) / cols + c) * std::cos(y * 5.0 / rows - c);
                const double value = 128 + (chroma ? 70 : 90) * wave + int(state >> 28) - 8;
                const auto sample = unsigned(std::clamp(value, 16.0, 235.0) * (1 << (component.depth - 8)))
                                    << component.shift;
                uint8_t* to = frame->data[component.plane] + y * frame->linesize[component.plane] + x * component.step +
                              component.offset;
                to[0] = uint8_t(sample);
                if (component.depth > 8) to[1] = uint8_t(sample >> 8);
            }
    }
    return frame;
}

struct Differences {
    int most = 0;
    double mean = 0;
};
Differences between(const Picture& a, const Picture& b) {
    EXPECT_EQ(a.width, b.width);
    EXPECT_EQ(a.height, b.height);
    Differences all;
    for (size_t i = 0; i < std::min(a.rgb.size(), b.rgb.size()); ++i)
        all.most = std::max(all.most, std::abs(a.rgb[i] - b.rgb[i]));
    all.mean = mean_difference(a, b);
    return all;
}

class DevicePictures : public Everywhere {
   protected:
    void SetUp() override {
        Everywhere::SetUp();
        if (!IsSkipped()) device_ = make_context().shared_device();
    }
    std::shared_ptr<Device> device_;
};
// On the host libswscale scales: there is nothing to compare.
INSTANTIATE_TEST_SUITE_P(On, DevicePictures, testing::Values(Where::gpu), where_name);

// What a picture on the device holds is what came down.
void expect_there(const Picture& picture, Device& device) {
    ASSERT_TRUE(picture.on_device);
    std::vector<uint8_t> bytes(picture.rgb.size());
    device.download(picture.on_device->data(), bytes.data(), bytes.size());
    EXPECT_TRUE(bytes == picture.rgb);
}

TEST_P(DevicePictures, AreThoseOfLibswscaleWithinTwoSteps) {
    struct Form {
        AVPixelFormat format;
        bool full_range;
        AVColorSpace space;
    };
    PictureMaker plain(40, false), made(40, false, device_);
    for (const Form& form : {Form{AV_PIX_FMT_YUV420P, false, AVCOL_SPC_BT709},
                             {AV_PIX_FMT_YUVJ420P, false, AVCOL_SPC_SMPTE170M},
                             {AV_PIX_FMT_YUV420P, true, AVCOL_SPC_UNSPECIFIED},
                             {AV_PIX_FMT_NV12, false, AVCOL_SPC_BT709},
                             {AV_PIX_FMT_NV21, true, AVCOL_SPC_BT709},
                             {AV_PIX_FMT_YUV422P, false, AVCOL_SPC_SMPTE240M},
                             {AV_PIX_FMT_YUV444P, false, AVCOL_SPC_BT709},
                             {AV_PIX_FMT_YUV420P10LE, false, AVCOL_SPC_BT2020_NCL},
                             {AV_PIX_FMT_YUV444P10LE, true, AVCOL_SPC_BT709},
                             {AV_PIX_FMT_P010LE, false, AVCOL_SPC_BT2020_NCL}})
        for (const Size& size : {Size{160, 90}, {107, 61}, {60, 34}, {48, 41}}) {
            SCOPED_TRACE(std::string(av_get_pix_fmt_name(form.format)) + " " + std::to_string(size.width) + " x " +
                         std::to_string(size.height));
            const DecodedPtr frame = painted_frame(form.format, size.width, size.height, form.full_range, form.space);
            const Frame expected = plain.make(*frame, {}), found = made.make(*frame, {});
            const Differences differences = between(*found.picture, *expected.picture);
            EXPECT_LE(differences.most, 2);
            EXPECT_LE(differences.mean, 0.5);
            EXPECT_EQ(found.width, expected.width);
            expect_there(*found.picture, *device_);
        }
}

TEST_P(DevicePictures, AreTurnedStretchedAndOfOneFieldAsThoseOfLibswscale) {
    PictureMaker plain(40, false), made(40, false, device_);
    for (const Placement& placement : {Placement{0, -1, 1, 0, 1, 1},
                                       {0, 1, -1, 0, 1, 1},
                                       {-1, 0, 0, -1, 1, 1},
                                       {1, 0, 0, 1, 4, 3},
                                       {0, 1, 1, 0, 3, 2}})
        for (int field : {0, 1, 2}) {  // whole, upper first, lower first
            const DecodedPtr frame = painted_frame(AV_PIX_FMT_YUV420P, 120, 84, false, AVCOL_SPC_BT709);
            frame->interlaced_frame = field > 0;
            frame->top_field_first = field == 1;
            const Frame expected = plain.make(*frame, placement), found = made.make(*frame, placement);
            EXPECT_LE(between(*found.picture, *expected.picture).most, 2) << placement.xx << placement.xy << field;
            EXPECT_TRUE(found.picture->on_device);
        }
}

TEST_P(DevicePictures, AreOfTheFieldShownFirst) {
    const DecodedPtr frame = painted_frame(AV_PIX_FMT_YUV420P, 80, 64, false, AVCOL_SPC_BT709);
    for (int y = 0; y < 64; ++y) std::fill_n(frame->data[0] + y * frame->linesize[0], 80, y % 2 ? 180 : 60);
    for (int plane : {1, 2}) std::fill_n(frame->data[plane], frame->linesize[plane] * 32, 128);
    frame->interlaced_frame = 1;
    for (int top : {0, 1}) {
        frame->top_field_first = top;
        for (const std::shared_ptr<Device>& device : {device_, std::shared_ptr<Device>()}) {
            const Frame made = PictureMaker(20, false, device).make(*frame, {});
            for (uint8_t byte : made.picture->rgb) ASSERT_NEAR(byte, ((top ? 60 : 180) - 16) * 255 / 219.0, 1);
        }
    }
}

TEST_P(DevicePictures, TakeTheCpusRoadInFormatsThatNoKernelReads) {
    PictureMaker plain(40, false), made(40, false, device_);
    for (AVPixelFormat format : {AV_PIX_FMT_RGB24, AV_PIX_FMT_YUVA420P, AV_PIX_FMT_GRAY8, AV_PIX_FMT_YUYV422,
                                 AV_PIX_FMT_YUV420P10BE, AV_PIX_FMT_GBRP}) {
        const DecodedPtr frame = painted_frame(format, 64, 48, false, AVCOL_SPC_BT709);
        const Frame expected = plain.make(*frame, {}), found = made.make(*frame, {});
        EXPECT_TRUE(found.picture->rgb == expected.picture->rgb) << av_get_pix_fmt_name(format);
        EXPECT_FALSE(found.picture->on_device);
    }
    const DecodedPtr from_below = painted_frame(AV_PIX_FMT_YUV420P, 64, 48, false, AVCOL_SPC_BT709);
    from_below->data[0] += 47 * from_below->linesize[0];
    from_below->linesize[0] *= -1;
    EXPECT_FALSE(made.make(*from_below, {}).picture->on_device);
    for (const Size& small : {Size{40, 22}, {33, 30}}) {
        const DecodedPtr frame = painted_frame(AV_PIX_FMT_YUV420P, small.width, small.height, false, AVCOL_SPC_BT709);
        EXPECT_FALSE(made.make(*frame, {}).picture->on_device) << "as many rows as before";
    }
    const DecodedPtr drawn = painted_frame(AV_PIX_FMT_YUV420P, 64, 48, false, AVCOL_SPC_BT709);
    EXPECT_FALSE(PictureMaker(40, true, device_).make(*drawn, {}).picture->bgrx.empty()) << "a screen's";
}

// Whole files, in every way that they are asked for, with NVDEC asked for where none is.
TEST_P(DevicePictures, ShowOfAFileWhatTheHostShows) {
    for (const char* name :
         {"turned.mp4", "ten_bit.mp4", "interlaced.ts", "wide_pixels.mp4", "odd_size.mkv", "alpha.png"}) {
        SCOPED_TRACE(name);
        const auto there = open_source(media(name), {.max_side = 48, .on_gpu = true, .device = device_});
        const auto here = open_source(media(name), {.max_side = 48});
        for (int i = 0; i < 2; ++i) {
            const auto found = there->next(), expected = here->next();
            ASSERT_EQ(found.has_value(), expected.has_value());
            if (!found) break;
            EXPECT_LE(between(*found->picture, *expected->picture).most, 2);
            EXPECT_EQ(found->picture->on_device != nullptr, std::string(name) != "alpha.png");
        }
    }
    const auto there = open_source(clip(), {.max_side = 320, .device = device_})->next();
    const auto here = open_source(clip(), {.max_side = 320})->next();
    const Differences differences = between(*there->picture, *here->picture);
    EXPECT_LE(differences.most, 2);
    EXPECT_LE(differences.mean, 0.5);
}

// A picture as libav's decoder of the GPU gives it, but in memory of the device that this program knows.
struct GpuFrame {
    DecodedPtr frame{av_frame_alloc()};
    AVBufferRef* device = av_hwdevice_ctx_alloc(AV_HWDEVICE_TYPE_CUDA);
    Buffer memory;
    ~GpuFrame() {
        frame.reset();
        av_buffer_unref(&device);
    }
};

// `cut`: pixels at the left and top that are not to be seen.
std::unique_ptr<GpuFrame> on_gpu(const AVFrame& from, const std::shared_ptr<Device>& device, void* context,
                                 size_t cut) {
    auto made = std::make_unique<GpuFrame>();
    if (!made->device) return nullptr;  // a libav without CUDA
    auto* cuda = reinterpret_cast<AVHWDeviceContext*>(made->device->data)->hwctx;
    static_cast<AVCUDADeviceContext*>(cuda)->cuda_ctx = static_cast<CUcontext>(context);
    AVFrame& frame = *made->frame;
    av_frame_copy_props(&frame, &from);
    frame.hw_frames_ctx = av_hwframe_ctx_alloc(made->device);
    auto* memory = reinterpret_cast<AVHWFramesContext*>(frame.hw_frames_ctx->data);
    memory->format = AV_PIX_FMT_CUDA;
    memory->sw_format = static_cast<AVPixelFormat>(from.format);
    frame.format = AV_PIX_FMT_CUDA;
    frame.width = from.width;
    frame.height = from.height;
    frame.crop_left = frame.crop_top = cut;
    const size_t luma = size_t(from.linesize[0]) * size_t(from.height);
    const size_t chroma = size_t(from.linesize[1]) * size_t((from.height + 1) / 2);
    made->memory = Buffer(luma + chroma, device);
    device->upload(from.data[0], made->memory.data(), luma);
    device->upload(from.data[1], made->memory.data() + luma, chroma);
    device->wait();
    frame.data[0] = reinterpret_cast<uint8_t*>(made->memory.data());
    frame.data[1] = frame.data[0] + luma;
    frame.linesize[0] = from.linesize[0];
    frame.linesize[1] = from.linesize[1];
    return made;
}

TEST_P(DevicePictures, OfItsOwnMemoryAreReadWhereTheyLie) {
    const PictureMaker other_maker(40, false);
    PictureMaker plain(40, false), made(40, false, device_);
    for (AVPixelFormat format : {AV_PIX_FMT_NV12, AV_PIX_FMT_P010LE}) {
        const DecodedPtr host = painted_frame(format, 96, 72, false, AVCOL_SPC_BT709);
        for (size_t cut : {size_t{0}, size_t{8}}) {
            const auto there = on_gpu(*host, device_, device_->cuda_context(), cut);
            if (!there) GTEST_SKIP() << "this libav knows no CUDA";
            EXPECT_TRUE(made.reads_on_gpu(*there->frame, {}));
            EXPECT_FALSE(other_maker.reads_on_gpu(*there->frame, {}));
            EXPECT_FALSE(made.reads_on_gpu(*host, {}));
            const Frame found = made.make(*there->frame, {});
            const DecodedPtr cropped(av_frame_clone(host.get()));
            cropped->crop_left = cropped->crop_top = cut;
            ASSERT_EQ(av_frame_apply_cropping(cropped.get(), AV_FRAME_CROP_UNALIGNED), 0);
            const Frame expected = plain.make(*cropped, {});
            EXPECT_LE(between(*found.picture, *expected.picture).most, 2) << av_get_pix_fmt_name(format) << cut;
            EXPECT_EQ(found.width, 96 - int(cut));
            expect_there(*found.picture, *device_);
        }
    }
}

TEST_P(DevicePictures, OfNvdecStayOnTheGpu) {
    StreamPackets packets(clip(), {});
    PictureDecoder decoder(packets.input(), 1, true, device_);
    if (!decoder.not_on_gpu().empty()) GTEST_SKIP() << decoder.not_on_gpu();
    std::optional<Decoded> decoded;
    StreamPacket packet;
    while (!decoded && packets.read(packet)) {
        decoder.send(packet, true);
        decoded = decoder.receive();
    }
    if (!decoder.not_on_gpu().empty()) GTEST_SKIP() << decoder.not_on_gpu();
    ASSERT_TRUE(decoded);
    EXPECT_TRUE(PictureMaker(320, false, device_).reads_on_gpu(*decoded->frame, packets.input().placement()));
}

TEST_P(DevicePictures, OfAnotherContextComeDownFirst) {
    const DecodedPtr host = painted_frame(AV_PIX_FMT_NV12, 64, 48, false, AVCOL_SPC_BT709);
    int other = 0;
    const auto there = on_gpu(*host, device_, &other, 0);
    if (!there) GTEST_SKIP() << "this libav knows no CUDA";
    EXPECT_FALSE(PictureMaker(40, false, device_).reads_on_gpu(*there->frame, {}));
    const auto format =
        on_gpu(*painted_frame(AV_PIX_FMT_RGB32, 64, 48, false, AVCOL_SPC_RGB), device_, device_->cuda_context(), 0);
    EXPECT_FALSE(PictureMaker(40, false, device_).reads_on_gpu(*format->frame, {})) << "no kernel reads RGB";
}

// Without a GPU libav takes no context, and says what it said before; with one it takes any, until it decodes.
TEST(SharedContext, IsTakenOrDecodingGoesOnAsWithoutIt) {
    const std::unique_ptr<AVCodecContext, DecoderFree> alone(avcodec_alloc_context3(nullptr)),
        sharing(avcodec_alloc_context3(nullptr));
    int context = 0;
    const std::string why = use_gpu(*alone, nullptr);
    EXPECT_EQ(use_gpu(*sharing, &context), why);
    ASSERT_EQ(sharing->hw_device_ctx == nullptr, !why.empty());
    if (!why.empty()) return;
    const auto* device = reinterpret_cast<const AVHWDeviceContext*>(sharing->hw_device_ctx->data);
    EXPECT_EQ(static_cast<void*>(static_cast<const AVCUDADeviceContext*>(device->hwctx)->cuda_ctx), &context);
}

}  // namespace
}  // namespace lv::test
