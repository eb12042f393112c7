#include "vision/ffmpeg_planes.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "vision/ffmpeg_hardware.h"

extern "C" {
#include <libavutil/frame.h>
#include <libavutil/hwcontext.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

namespace lv {
namespace {

// The old "J" formats mean full range; swscale warns about them.
AVPixelFormat without_j(AVPixelFormat format, bool& full_range) {
    switch (format) {
        case AV_PIX_FMT_YUVJ420P:
            full_range = true;
            return AV_PIX_FMT_YUV420P;
        case AV_PIX_FMT_YUVJ411P:
            full_range = true;
            return AV_PIX_FMT_YUV411P;
        case AV_PIX_FMT_YUVJ422P:
            full_range = true;
            return AV_PIX_FMT_YUV422P;
        case AV_PIX_FMT_YUVJ440P:
            full_range = true;
            return AV_PIX_FMT_YUV440P;
        case AV_PIX_FMT_YUVJ444P:
            full_range = true;
            return AV_PIX_FMT_YUV444P;
        default:
            return format;
    }
}

int matrix_of(const AVFrame& frame) {
    switch (frame.colorspace) {
        case AVCOL_SPC_BT709:
            return SWS_CS_ITU709;
        case AVCOL_SPC_BT2020_NCL:
        case AVCOL_SPC_BT2020_CL:
            return SWS_CS_BT2020;
        case AVCOL_SPC_SMPTE240M:
            return SWS_CS_SMPTE240M;
        case AVCOL_SPC_UNSPECIFIED:
            return frame.height >= 720 ? SWS_CS_ITU709 : SWS_CS_ITU601;
        default:
            return SWS_CS_ITU601;
    }
}

const AVHWFramesContext& memory_of(const AVFrame& on_gpu) {
    return *reinterpret_cast<const AVHWFramesContext*>(on_gpu.hw_frames_ctx->data);
}

AVPixelFormat format_of(const AVFrame& picture) {
    return is_on_gpu(picture) ? memory_of(picture).sw_format : static_cast<AVPixelFormat>(picture.format);
}

}  // namespace

DecodedColours colours_of(const AVFrame& picture) {
    DecodedColours colours;
    colours.full_range = picture.color_range == AVCOL_RANGE_JPEG;
    colours.format = without_j(format_of(picture), colours.full_range);
    colours.matrix = sws_getCoefficients(matrix_of(picture));
    return colours;
}

DecodedView view_of(const AVFrame& picture) {
    DecodedView view{{}, {}, picture.width, picture.height};
    std::copy_n(picture.data, view.planes.size(), view.planes.begin());
    std::copy_n(picture.linesize, view.strides.size(), view.strides.begin());
    if (is_on_gpu(picture)) {  // libav cut off right and bottom only
        const AVPixFmtDescriptor* description = av_pix_fmt_desc_get(format_of(picture));
        view.width -= static_cast<int>(picture.crop_left);
        view.height -= static_cast<int>(picture.crop_top);
        std::array<bool, 4> moved{};
        for (int c = 0; description && c < description->nb_components; ++c) {
            const AVComponentDescriptor& component = description->comp[c];
            const bool chroma = c == 1 || c == 2;
            if (std::exchange(moved[component.plane], true)) continue;
            view.planes[component.plane] +=
                (picture.crop_top >> (chroma ? description->log2_chroma_h : 0)) * view.strides[component.plane] +
                (picture.crop_left >> (chroma ? description->log2_chroma_w : 0)) * component.step;
        }
    }
    return view;
}

DecodedView field_of(const DecodedView& picture, bool top) {
    DecodedView field = picture;
    field.height /= 2;
    for (size_t plane = 0; plane < field.planes.size(); ++plane) {
        if (!field.planes[plane] || !field.strides[plane]) continue;
        if (!top) field.planes[plane] += field.strides[plane];
        field.strides[plane] *= 2;
    }
    return field;
}

std::optional<PlanarPicture> planes_of(const DecodedView& view, const DecodedColours& colours) {
    const AVPixFmtDescriptor* description = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(colours.format));
    constexpr uint64_t read_otherwise = AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_ALPHA |
                                        AV_PIX_FMT_FLAG_BITSTREAM | AV_PIX_FMT_FLAG_FLOAT | AV_PIX_FMT_FLAG_HWACCEL;
    if (!description || description->nb_components != 3 || !(description->flags & AV_PIX_FMT_FLAG_PLANAR) ||
        description->flags & read_otherwise)
        return std::nullopt;
    const AVComponentDescriptor& luma = description->comp[0];
    const bool big_endian = description->flags & AV_PIX_FMT_FLAG_BE;
    if ((big_endian && luma.depth > 8) || luma.depth < 8 || luma.depth > 16 ||
        std::endian::native != std::endian::little)
        return std::nullopt;

    PlanarPicture planes;
    planes.sample_bytes = luma.depth > 8 ? 2 : 1;
    planes.unit = std::ldexp(1.0f, 8 - luma.depth - luma.shift);
    PicturePlane* const to[] = {&planes.y, &planes.u, &planes.v};
    for (int c = 0; c < 3; ++c) {
        const AVComponentDescriptor& component = description->comp[c];
        const int stride = view.strides[component.plane];
        if (component.depth != luma.depth || component.shift != luma.shift || stride <= 0 ||
            !view.planes[component.plane])
            return std::nullopt;
        *to[c] = {
            .data = view.planes[component.plane] + component.offset,
            .height = static_cast<size_t>(c ? AV_CEIL_RSHIFT(view.height, description->log2_chroma_h) : view.height),
            .width = static_cast<size_t>(c ? AV_CEIL_RSHIFT(view.width, description->log2_chroma_w) : view.width),
            .row_bytes = static_cast<size_t>(stride),
            .step_bytes = static_cast<size_t>(component.step)};
    }
    if (planes.y.height > most_plane_side || planes.y.width > most_plane_side) return std::nullopt;

    // The coefficients are 2^16 times those of limited range: 255 / 224 is in them, 255 / 219 is not.
    const auto coefficient = [&](int i) {
        return static_cast<float>(colours.matrix[i] / 65536.0 * (colours.full_range ? 224 / 255.0 : 1));
    };
    planes.black = colours.full_range ? 0 : 16;
    planes.gain = colours.full_range ? 1 : 255 / 219.0f;
    planes.v_to_r = coefficient(0);
    planes.u_to_b = coefficient(1);
    planes.u_to_g = coefficient(2);
    planes.v_to_g = coefficient(3);
    return planes;
}

}  // namespace lv
