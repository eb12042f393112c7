#include "vision/preprocess.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <opencv2/imgproc.hpp>

namespace lv {
namespace {

constexpr size_t fields = 4, colours = 64;

std::array<float, fields * colours> histogram(const Picture& picture) {
    std::array<float, fields * colours> bins{};
    for (int y = 0; y < picture.height; ++y) {
        for (int x = 0; x < picture.width; ++x) {
            const uint8_t* p = &picture.rgb[(static_cast<size_t>(y) * picture.width + x) * 3];
            const size_t field = (2 * y >= picture.height ? 2 : 0) + (2 * x >= picture.width ? 1 : 0);
            bins[field * colours + (p[0] >> 6) * 16 + (p[1] >> 6) * 4 + (p[2] >> 6)] += 1;
        }
    }
    const float all = static_cast<float>(picture.width) * static_cast<float>(picture.height);
    for (float& bin : bins) bin /= std::max(all, 1.0f);
    return bins;
}

int up_to_multiple(int side, int multiple) { return (side + multiple - 1) / multiple * multiple; }

}  // namespace

Picture scaled_picture(const Picture& picture, int long_side) {
    const double scale = static_cast<double>(long_side) / std::max(picture.width, picture.height);
    const auto side = [&](int from) { return std::max(1, static_cast<int>(std::nearbyint(from * scale))); };
    Picture out{side(picture.width), side(picture.height), {}};
    if (out.width == picture.width && out.height == picture.height) {
        out.rgb = picture.rgb;
        return out;
    }
    out.rgb.resize(static_cast<size_t>(out.width) * out.height * 3);
    // OpenCV has no const view; it only reads this one.
    const cv::Mat from(picture.height, picture.width, CV_8UC3, const_cast<uint8_t*>(picture.rgb.data()));
    cv::Mat to(out.height, out.width, CV_8UC3, out.rgb.data());
    const bool shrinks = out.width < picture.width || out.height < picture.height;
    cv::resize(from, to, to.size(), 0, 0, shrinks ? cv::INTER_AREA : cv::INTER_LINEAR);
    return out;
}

CanvasShape canvas_of(const Picture& scaled, const InputConfig& input) {
    return {.height = static_cast<size_t>(scaled.height),
            .width = static_cast<size_t>(scaled.width),
            .canvas_height = static_cast<size_t>(up_to_multiple(scaled.height, input.multiple)),
            .canvas_width = static_cast<size_t>(up_to_multiple(scaled.width, input.multiple)),
            .pad = static_cast<uint8_t>(input.pad),
            .mean = input.mean,
            .std = input.std};
}

double mean_difference(const Picture& a, const Picture& b) {
    if (a.width != b.width || a.height != b.height || a.rgb.empty()) return 255;
    uint64_t sum = 0;
    for (size_t i = 0; i < a.rgb.size(); ++i) sum += static_cast<uint64_t>(std::abs(a.rgb[i] - b.rgb[i]));
    return static_cast<double>(sum) / static_cast<double>(a.rgb.size());
}

double colour_distance(const Picture& a, const Picture& b) {
    const auto one = histogram(a), other = histogram(b);
    double sum = 0;
    for (size_t i = 0; i < one.size(); ++i) sum += std::abs(one[i] - other[i]);
    return sum / 2;
}

}  // namespace lv
