#include "kernels/conv.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/conv_engine.h"
#include "kernels/core/error.h"

namespace lv {

Padding same_padding(size_t in_height, size_t in_width, size_t kernel, size_t stride) {
    auto total = [&](size_t in) {
        size_t out = (in + stride - 1) / stride, needed = (out - 1) * stride + kernel;
        return needed > in ? needed - in : 0;
    };
    size_t high = total(in_height), wide = total(in_width);
    return {high / 2, wide / 2, high - high / 2, wide - wide / 2};
}

Padding padding_of(const ConvLayer& layer, const MapShape& in) {
    return layer.same ? same_padding(in.height, in.width, layer.kernel, layer.stride) : layer.padding;
}

std::vector<MapShape> conv_shapes(std::span<const ConvLayer> layers, MapShape picture) {
    using Kind = ConvLayer::Kind;
    require(picture.size() > 0, "building a convolutional net: the picture is ", picture.height, " x ", picture.width,
            " x ", picture.channels, ", expected at least one pixel");
    std::vector<MapShape> shapes{picture};
    for (const ConvLayer& layer : layers) {
        auto check = [&](bool fine, const auto&... parts) {
            if (!fine)
                fail("building a convolutional net: layer ", shapes.size() - 1, " \"", layer.name, "\": ", parts...);
        };
        size_t inputs = layer.inputs.size();
        bool joins = layer.kind == Kind::add || layer.kind == Kind::concat;
        check(layer.kind == Kind::add ? inputs == 2
              : joins                 ? inputs >= 2
                                      : inputs == 1,
              "it has ", inputs, " inputs, which its kind does not take");
        for (size_t input : layer.inputs)
            check(input < shapes.size(), "it reads map ", input, ", but only ", shapes.size(), " come before it");
        MapShape in = shapes[layer.inputs[0]], out = in;
        if (layer.kind == Kind::conv || layer.kind == Kind::max_pool) {
            check(layer.kernel >= 1 && layer.kernel <= 64 && layer.stride >= 1 && layer.stride <= 64, "kernel ",
                  layer.kernel, ", stride ", layer.stride, "; expected 1 to 64");
            Padding pad = padding_of(layer, in);
            check(pad.top < layer.kernel && pad.left < layer.kernel && pad.bottom < layer.kernel &&
                      pad.right < layer.kernel,
                  "its padding reaches the kernel's size ", layer.kernel);
            size_t high = in.height + pad.top + pad.bottom, wide = in.width + pad.left + pad.right;
            check(high >= layer.kernel && wide >= layer.kernel, "its input of ", in.height, " x ", in.width,
                  " is smaller than the kernel ", layer.kernel);
            out.height = (high - layer.kernel) / layer.stride + 1;
            out.width = (wide - layer.kernel) / layer.stride + 1;
        }
        switch (layer.kind) {
            case Kind::conv: {
                out.channels = layer.out_channels;
                check(layer.groups >= 1 && out.channels >= 1 && in.channels % layer.groups == 0 &&
                          out.channels % layer.groups == 0,
                      in.channels, " channels to ", out.channels, " in ", layer.groups, " groups do not divide");
                size_t weights = out.channels * (in.channels / layer.groups) * layer.kernel * layer.kernel;
                check(layer.weight.size() == weights, "found ", layer.weight.size(), " weights, expected ", weights);
                check(layer.bias.empty() || layer.bias.size() == out.channels, "found ", layer.bias.size(),
                      " biases, expected ", out.channels);
                break;
            }
            case Kind::add:
                check(shapes[layer.inputs[1]] == in, "it adds maps of two shapes");
                break;
            case Kind::concat:
                out.channels = 0;
                for (size_t input : layer.inputs) {
                    check(shapes[input].height == in.height && shapes[input].width == in.width,
                          "it joins maps of two sizes");
                    out.channels += shapes[input].channels;
                }
                break;
            case Kind::upsample:
                out.height *= 2;
                out.width *= 2;
                break;
            case Kind::global_average_pool:
                out.height = out.width = 1;
                break;
            case Kind::max_pool:
                break;
        }
        shapes.push_back(out);
    }
    return shapes;
}

namespace plain {
namespace {

float activated(Activation activation, float x) {
    switch (activation) {
        case Activation::relu:
            return std::max(x, 0.0f);
        case Activation::relu6:
            return std::clamp(x, 0.0f, 6.0f);
        case Activation::silu:
            return x / (1 + std::exp(-x));
        default:
            return x;
    }
}

// Calls fn(value of the input, y in the kernel, x in the kernel) for the taps of an output pixel that meet the picture.
template <typename Fn>
void for_taps(const ConvLayer& layer, const MapShape& in, const float* map, size_t y, size_t x, size_t channel, Fn fn) {
    Padding pad = padding_of(layer, in);
    for (size_t ky = 0; ky < layer.kernel; ++ky)
        for (size_t kx = 0; kx < layer.kernel; ++kx) {
            size_t row = y * layer.stride + ky, col = x * layer.stride + kx;  // in the padded picture
            if (row < pad.top || col < pad.left || row >= pad.top + in.height || col >= pad.left + in.width) continue;
            fn(map[((row - pad.top) * in.width + col - pad.left) * in.channels + channel], ky, kx);
        }
}

float conv_pixel(const ConvLayer& layer, const MapShape& in, const float* map, size_t y, size_t x, size_t channel) {
    size_t per_group = in.channels / layer.groups, area = layer.kernel * layer.kernel;
    size_t group = channel / (layer.out_channels / layer.groups);
    float sum = layer.bias.empty() ? 0 : layer.bias[channel];
    for (size_t i = 0; i < per_group; ++i)
        for_taps(layer, in, map, y, x, group * per_group + i, [&](float value, size_t ky, size_t kx) {
            sum += value * layer.weight[(channel * per_group + i) * area + ky * layer.kernel + kx];
        });
    return activated(layer.activation, sum);
}

}  // namespace

void conv_layer(const ConvLayer& layer, std::span<const MapShape> shapes, std::span<const float* const> inputs,
                float* out) {
    using Kind = ConvLayer::Kind;
    const MapShape& in = shapes[0];
    MapShape to = in;
    if (layer.kind == Kind::conv || layer.kind == Kind::max_pool) {
        Padding pad = padding_of(layer, in);
        to.height = (in.height + pad.top + pad.bottom - layer.kernel) / layer.stride + 1;
        to.width = (in.width + pad.left + pad.right - layer.kernel) / layer.stride + 1;
        if (layer.kind == Kind::conv) to.channels = layer.out_channels;
    }
    if (layer.kind == Kind::upsample) to = {in.height * 2, in.width * 2, in.channels};
    if (layer.kind == Kind::global_average_pool) to = {1, 1, in.channels};
    if (layer.kind == Kind::concat) {
        to.channels = 0;
        for (const MapShape& shape : shapes) to.channels += shape.channels;
    }
    for (size_t y = 0; y < to.height; ++y)
        for (size_t x = 0; x < to.width; ++x)
            for (size_t channel = 0; channel < to.channels; ++channel) {
                float& value = out[(y * to.width + x) * to.channels + channel];
                size_t at = (y * in.width + x) * in.channels + channel;
                switch (layer.kind) {
                    case Kind::conv:
                        value = conv_pixel(layer, in, inputs[0], y, x, channel);
                        break;
                    case Kind::add:
                        value = activated(layer.activation, inputs[0][at] + inputs[1][at]);
                        break;
                    case Kind::upsample:
                        value = inputs[0][((y / 2) * in.width + x / 2) * in.channels + channel];
                        break;
                    case Kind::global_average_pool: {
                        double sum = 0;
                        for (size_t pixel = 0; pixel < in.height * in.width; ++pixel)
                            sum += inputs[0][pixel * in.channels + channel];
                        value = float(sum / double(in.height * in.width));
                        break;
                    }
                    case Kind::max_pool:
                        value = -std::numeric_limits<float>::infinity();
                        for_taps(layer, in, inputs[0], y, x, channel,
                                 [&](float tap, size_t, size_t) { value = std::max(value, tap); });
                        break;
                    case Kind::concat: {
                        size_t map = 0, first = 0;
                        while (channel >= first + shapes[map].channels) first += shapes[map++].channels;
                        value = inputs[map][(y * in.width + x) * shapes[map].channels + channel - first];
                        break;
                    }
                }
            }
}

}  // namespace plain
}  // namespace lv
