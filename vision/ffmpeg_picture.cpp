#include "vision/ffmpeg_picture.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/core/error.h"

extern "C" {
#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

namespace lv {
namespace {

// The old "J" formats mean full range; swscale warns about them.
AVPixelFormat without_j(AVPixelFormat format, bool& full_range) {
    switch (format) {
        case AV_PIX_FMT_YUVJ420P: full_range = true; return AV_PIX_FMT_YUV420P;
        case AV_PIX_FMT_YUVJ411P: full_range = true; return AV_PIX_FMT_YUV411P;
        case AV_PIX_FMT_YUVJ422P: full_range = true; return AV_PIX_FMT_YUV422P;
        case AV_PIX_FMT_YUVJ440P: full_range = true; return AV_PIX_FMT_YUV440P;
        case AV_PIX_FMT_YUVJ444P: full_range = true; return AV_PIX_FMT_YUV444P;
        default: return format;
    }
}

int matrix_of(const AVFrame& frame) {
    switch (frame.colorspace) {
        case AVCOL_SPC_BT709: return SWS_CS_ITU709;
        case AVCOL_SPC_BT2020_NCL:
        case AVCOL_SPC_BT2020_CL: return SWS_CS_BT2020;
        case AVCOL_SPC_SMPTE240M: return SWS_CS_SMPTE240M;
        case AVCOL_SPC_UNSPECIFIED: return frame.height >= 720 ? SWS_CS_ITU709 : SWS_CS_ITU601;
        default: return SWS_CS_ITU601;
    }
}

// rgba [count, 4] over white -> rgb [count, 3], or bgrx [count, 4]
void flatten(const uint8_t* rgba, size_t count, bool to_bgrx, uint8_t* to) {
    for (size_t i = 0; i < count; ++i, rgba += 4, to += to_bgrx ? 4 : 3) {
        const int alpha = rgba[3];
        for (int c = 0; c < 3; ++c)
            to[to_bgrx ? 2 - c : c] = static_cast<uint8_t>((rgba[c] * alpha + 255 * (255 - alpha) + 127) / 255);
        if (to_bgrx) to[3] = 255;
    }
}

// Turns and mirrors by quarter turns: `from` is [size.height, size.width, channels] as stored.
template <int channels>
std::vector<uint8_t> placed(const std::vector<uint8_t>& from, Size size, const Placement& placement) {
    const Size upright = placement.turns() ? Size{size.height, size.width} : size;
    std::vector<uint8_t> to(from.size());
    const int x0 = placement.xx + placement.xy < 0 ? upright.width - 1 : 0;
    const int y0 = placement.yx + placement.yy < 0 ? upright.height - 1 : 0;
    for (int y = 0; y < size.height; ++y) {
        for (int x = 0; x < size.width; ++x) {
            const size_t out_x = x0 + placement.xx * x + placement.xy * y;
            const size_t out_y = y0 + placement.yx * x + placement.yy * y;
            const uint8_t* pixel = &from[(static_cast<size_t>(y) * size.width + x) * channels];
            std::memcpy(&to[(out_y * upright.width + out_x) * channels], pixel, channels);
        }
    }
    return to;
}

}  // namespace

Size upright_size(int stored_width, int stored_height, const Placement& placement) {
    const double width = static_cast<double>(stored_width) * placement.aspect_num / placement.aspect_den;
    const Size size{std::max(1, static_cast<int>(std::lround(width))), stored_height};
    return placement.turns() ? Size{size.height, size.width} : size;
}

Size limited_size(Size size, int max_side) {
    const int long_side = std::max(size.width, size.height);
    if (max_side <= 0 || long_side <= max_side) return size;
    const double scale = static_cast<double>(max_side) / long_side;
    const auto scaled = [&](int side) { return std::max(1, static_cast<int>(std::nearbyint(side * scale))); };
    return {scaled(size.width), scaled(size.height)};
}

PictureMaker::~PictureMaker() { sws_freeContext(scaler_); }

Frame PictureMaker::make(const AVFrame& decoded, const Placement& placement) {
    const Size full = upright_size(decoded.width, decoded.height, placement);
    const Size upright = limited_size(full, max_side_);
    Size stored = placement.turns() ? Size{upright.height, upright.width} : upright;
    if (to_draw_ && stored.width > 1) stored.width &= ~1;  // odd rows swscale converts by plain C: 3.5 ms, not 1

    const uint8_t* planes[4];
    int strides[4];
    std::copy(decoded.data, decoded.data + 4, planes);
    std::copy(decoded.linesize, decoded.linesize + 4, strides);
    int height = decoded.height;
    if (decoded.interlaced_frame && height >= 2 * stored.height && height % 4 == 0) {
        height /= 2;  // the field shown first: no combs, and half the reading
        for (int p = 0; p < 4; ++p) {
            if (!planes[p] || !strides[p]) continue;
            if (!decoded.top_field_first) planes[p] += strides[p];
            strides[p] *= 2;
        }
    }

    bool full_range = decoded.color_range == AVCOL_RANGE_JPEG;
    const auto format = without_j(static_cast<AVPixelFormat>(decoded.format), full_range);
    const AVPixFmtDescriptor* description = av_pix_fmt_desc_get(format);
    require(description && sws_isSupportedInput(format), "converting a picture to RGB: its pixel format ",
            description ? description->name : "(unknown)",
            " cannot be read by libswscale; convert the video, e.g. with ffmpeg -pix_fmt yuv420p");
    const bool alpha = description->flags & (AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL);
    const bool shrinks = stored.width < decoded.width || stored.height < height;
    const int exact = (shrinks ? SWS_AREA : SWS_BILINEAR) | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT;
    scaler_ = sws_getCachedContext(scaler_, decoded.width, height, format, stored.width, stored.height,
                                   alpha      ? AV_PIX_FMT_RGBA
                                   : to_draw_ ? AV_PIX_FMT_BGRA
                                              : AV_PIX_FMT_RGB24,
                                   to_draw_ ? SWS_FAST_BILINEAR : exact, nullptr, nullptr, nullptr);
    require(scaler_, "converting a picture of ", decoded.width, "x", decoded.height, " to ", stored.width, "x",
            stored.height, " RGB: libswscale refused; convert the video to a common size first");
    const int* matrix = sws_getCoefficients(matrix_of(decoded));
    // Setting them again for each picture costs swscale a table; it is small beside the scaling.
    sws_setColorspaceDetails(scaler_, matrix, full_range, matrix, 1, 0, 1 << 16, 1 << 16);

    const int channels = alpha || to_draw_ ? 4 : 3, out_channels = to_draw_ ? 4 : 3;
    const size_t out_row_bytes = static_cast<size_t>(stored.width) * out_channels;
    std::vector<uint8_t> pixels(out_row_bytes * stored.height);
    // swscale's vector code writes whole blocks: other rows are padded to 64 bytes and copied out.
    const int row_bytes = (stored.width * channels + 63) / 64 * 64;
    const bool at_once = !alpha && static_cast<size_t>(row_bytes) == out_row_bytes;
    if (!at_once) scratch_.resize(static_cast<size_t>(row_bytes) * stored.height + 64);
    uint8_t* targets[4] = {at_once ? pixels.data() : scratch_.data()};
    const int target_strides[4] = {row_bytes};
    sws_scale(scaler_, planes, strides, 0, height, targets, target_strides);
    for (int y = 0; y < stored.height && !at_once; ++y) {
        const uint8_t* row = scratch_.data() + static_cast<size_t>(y) * row_bytes;
        uint8_t* to = pixels.data() + static_cast<size_t>(y) * out_row_bytes;
        if (alpha) flatten(row, stored.width, to_draw_, to);
        else std::copy(row, row + out_row_bytes, to);
    }

    const bool as_stored = placement.xx == 1 && placement.yy == 1;
    if (!as_stored)
        pixels = to_draw_ ? placed<4>(pixels, stored, placement) : placed<3>(pixels, stored, placement);
    auto picture = std::make_shared<Picture>();
    picture->width = placement.turns() ? stored.height : stored.width;
    picture->height = placement.turns() ? stored.width : stored.height;
    (to_draw_ ? picture->bgrx : picture->rgb) = std::move(pixels);
    Frame frame;
    frame.width = full.width;
    frame.height = full.height;
    frame.picture = std::move(picture);
    return frame;
}

}  // namespace lv
