#include "vision/ffmpeg_picture.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "kernels/core/device.h"
#include "kernels/core/error.h"
#include "vision/ffmpeg_hardware.h"
#include "vision/ffmpeg_planes.h"

extern "C" {
#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

namespace lv {
namespace {

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

struct PictureMaker::Task {
    Size full, stored;  // on screen; of the result before it is turned
    DecodedView view;
    DecodedColours colours;
    std::optional<PlanarPicture> planes;  // what the device scales; empty: libswscale does
};

PictureMaker::Task PictureMaker::task_of(const AVFrame& decoded, const Placement& placement) const {
    Task task{.full = {}, .stored = {}, .view = view_of(decoded), .colours = colours_of(decoded), .planes = {}};
    DecodedView& view = task.view;
    task.full = upright_size(view.width, view.height, placement);
    const Size upright = limited_size(task.full, max_side_);
    Size& stored = task.stored;
    stored = placement.turns() ? Size{upright.height, upright.width} : upright;
    if (to_draw_ && stored.width > 1) stored.width &= ~1;  // odd rows swscale converts by plain C: 3.5 ms, not 1

    // The field shown first: no combs, and half the reading.
    if (decoded.interlaced_frame && view.height >= 2 * stored.height && view.height % 4 == 0)
        view = field_of(view, decoded.top_field_first);

    const Device* const device = context_.device();
    const bool there = !is_on_gpu(decoded) || (device && lies_in(decoded, device->cuda_context()));
    const bool fits = std::max(stored.width, stored.height) <= static_cast<int>(most_plane_side);
    // Where rows stay as many, libswscale repeats those of chroma, and pictures are small.
    if (device && there && fits && !to_draw_ && stored.height < view.height)
        task.planes = planes_of(view, task.colours);
    return task;
}

bool PictureMaker::reads_on_gpu(const AVFrame& decoded, const Placement& placement) const {
    return is_on_gpu(decoded) && task_of(decoded, placement).planes;
}

Frame PictureMaker::make(const AVFrame& decoded, const Placement& placement) {
    const auto [full, stored, view, colours, planes] = task_of(decoded, placement);
    Frame frame;
    frame.width = full.width;
    frame.height = full.height;
    if (planes) {
        frame.picture = made_on_device(*planes, is_on_gpu(decoded), stored, placement);
        return frame;
    }

    const auto format = static_cast<AVPixelFormat>(colours.format);
    const AVPixFmtDescriptor* description = av_pix_fmt_desc_get(format);
    require(description && sws_isSupportedInput(format), "converting a picture to RGB: its pixel format ",
            description ? description->name : "(unknown)",
            " cannot be read by libswscale; convert the video, e.g. with ffmpeg -pix_fmt yuv420p");
    const bool alpha = description->flags & (AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL);
    const bool shrinks = stored.width < view.width || stored.height < view.height;
    const int exact = (shrinks ? SWS_AREA : SWS_BILINEAR) | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT;
    scaler_ = sws_getCachedContext(scaler_, view.width, view.height, format, stored.width, stored.height,
                                   alpha      ? AV_PIX_FMT_RGBA
                                   : to_draw_ ? AV_PIX_FMT_BGRA
                                              : AV_PIX_FMT_RGB24,
                                   to_draw_ ? SWS_FAST_BILINEAR : exact, nullptr, nullptr, nullptr);
    require(scaler_, "converting a picture of ", decoded.width, "x", decoded.height, " to ", stored.width, "x",
            stored.height, " RGB: libswscale refused; convert the video to a common size first");
    // Setting them again for each picture costs swscale a table; it is small beside the scaling.
    sws_setColorspaceDetails(scaler_, colours.matrix, colours.full_range, colours.matrix, 1, 0, 1 << 16, 1 << 16);

    const int channels = alpha || to_draw_ ? 4 : 3, out_channels = to_draw_ ? 4 : 3;
    const size_t out_row_bytes = static_cast<size_t>(stored.width) * out_channels;
    std::vector<uint8_t> pixels(out_row_bytes * stored.height);
    // swscale's vector code writes whole blocks: other rows are padded to 64 bytes and copied out.
    const int row_bytes = (stored.width * channels + 63) / 64 * 64;
    const bool at_once = !alpha && static_cast<size_t>(row_bytes) == out_row_bytes;
    if (!at_once) scratch_.resize(static_cast<size_t>(row_bytes) * stored.height + 64);
    uint8_t* targets[4] = {at_once ? pixels.data() : scratch_.data()};
    const int target_strides[4] = {row_bytes};
    sws_scale(scaler_, view.planes.data(), view.strides.data(), 0, view.height, targets, target_strides);
    for (int y = 0; y < stored.height && !at_once; ++y) {
        const uint8_t* row = scratch_.data() + static_cast<size_t>(y) * row_bytes;
        uint8_t* to = pixels.data() + static_cast<size_t>(y) * out_row_bytes;
        if (alpha)
            flatten(row, stored.width, to_draw_, to);
        else
            std::copy(row, row + out_row_bytes, to);
    }

    const bool as_stored = placement.xx == 1 && placement.yy == 1;
    if (!as_stored) pixels = to_draw_ ? placed<4>(pixels, stored, placement) : placed<3>(pixels, stored, placement);
    auto picture = std::make_shared<Picture>();
    picture->width = placement.turns() ? stored.height : stored.width;
    picture->height = placement.turns() ? stored.width : stored.height;
    (to_draw_ ? picture->bgrx : picture->rgb) = std::move(pixels);
    frame.picture = std::move(picture);
    return frame;
}

std::shared_ptr<const Picture> PictureMaker::made_on_device(PlanarPicture planes, bool there, Size stored,
                                                            const Placement& placement) {
    Device& device = *context_.device();
    if (there)
        device.wait_for_libraries();
    else
        upload(planes);
    const ScaledLayout layout{.height = static_cast<size_t>(stored.height),
                              .width = static_cast<size_t>(stored.width),
                              .xx = placement.xx,
                              .xy = placement.xy,
                              .yx = placement.yx,
                              .yy = placement.yy};
    auto picture = std::make_shared<Picture>();
    picture->width = static_cast<int>(layout.shown_width());
    picture->height = static_cast<int>(layout.shown_height());
    picture->rgb.resize(layout.height * layout.width * 3);
    auto rgb = std::make_shared<Buffer>(picture->rgb.size(), context_.shared_device());
    scale_planes(context_, planes, layout, rgb->as<uint8_t>().data());
    device.download(rgb->data(), picture->rgb.data(), rgb->bytes());  // waits: the decoded picture may go
    picture->on_device = std::move(rgb);
    return picture;
}

// From the host's memory to the device's; interleaved planes together.
void PictureMaker::upload(PlanarPicture& planes) {
    const auto bytes_of = [&](const PicturePlane& plane) {
        return (plane.height - 1) * plane.row_bytes + (plane.width - 1) * plane.step_bytes + planes.sample_bytes;
    };
    struct Piece {
        const uint8_t *first, *last;
        size_t place;
    };
    std::vector<Piece> pieces;
    size_t bytes = 0;
    for (const PicturePlane* plane : {&planes.y, &planes.u, &planes.v}) {
        const uint8_t *first = plane->data, *last = first + bytes_of(*plane);
        if (!pieces.empty() && first < pieces.back().last && pieces.back().first < last) {
            first = std::min(first, pieces.back().first);
            last = std::max(last, pieces.back().last);
            bytes = pieces.back().place;
            pieces.pop_back();
        }
        pieces.push_back({first, last, bytes});
        bytes += (static_cast<size_t>(last - first) + 255) / 256 * 256;
    }
    if (planes_.bytes() < bytes) planes_ = Buffer(bytes, context_.shared_device());
    for (const Piece& piece : pieces)
        context_.device()->upload(piece.first, planes_.data() + piece.place,
                                  static_cast<size_t>(piece.last - piece.first));
    for (PicturePlane* plane : {&planes.y, &planes.u, &planes.v}) {
        const auto piece = std::find_if(pieces.begin(), pieces.end(), [&](const Piece& other) {
            return other.first <= plane->data && plane->data < other.last;
        });
        plane->data = reinterpret_cast<const uint8_t*>(planes_.data()) + piece->place + (plane->data - piece->first);
    }
}

}  // namespace lv
