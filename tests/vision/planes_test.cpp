// Decoded pictures scaled on the device beside libswscale's, and what takes the CPU's road.
#include "vision/ffmpeg_planes.h"

#include "kernels/core/device.h"
#include "tests/devices/on_device.h"
#include "tests/vision/support.h"
#include "vision/ffmpeg_decoder.h"
#include "vision/ffmpeg_picture.h"
#include "vision/ffmpeg_source.h"
#include "vision/preprocess.h"

extern "C" {
#include <libavutil/frame.h>
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

}  // namespace
}  // namespace lv::test
