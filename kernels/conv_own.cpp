#include <algorithm>
#include <cstring>
#include <limits>

#include "kernels/conv_engine.h"
#include "kernels/core/memory.h"
#include "kernels/core/scratch.h"
#include "kernels/gemm.h"
#include "kernels/simd/simd.h"

namespace lv {
namespace {

constexpr size_t gemm_pixels = 448;  // output pixels gathered at once: 448 x 576 floats of patches are 1 MiB

// Channels-last f32: pointwise and dense convolutions are products of patches, depthwise ones run over channels.
class OwnEngine final : public HostConvEngine {
   public:
    explicit OwnEngine(const ConvNetParts& net) : HostConvEngine(net) {
        for (size_t n = 0; n < net.layers.size(); ++n) layers_.push_back(prepare(net.layers[n]));
        std::vector<size_t> sizes;
        for (const MapShape& shape : shapes_) sizes.push_back(shape.size());
        sizes[0] = 0;  // the caller's picture is read where it lies
        places_ = place_maps(sizes, last_uses(net));
    }

    void run_picture(const float* picture, std::span<float* const> outputs) const override {
        float* maps = thread_scratch(ScratchSlot::conv, places_.floats + patch_floats_);
        float* patches = maps + places_.floats;
        auto map = [&](size_t n) -> const float* { return n == 0 ? picture : maps + places_.place[n]; };
        for (size_t n = 0; n < layers_.size(); ++n) {
            std::vector<const float*> inputs;
            for (size_t input : layers_[n].settings.inputs) inputs.push_back(map(input));
            run_layer(layers_[n], inputs, maps + places_.place[n + 1], shapes_[n + 1], patches);
        }
        for (size_t i = 0; i < outputs_.size(); ++i)
            std::copy_n(map(outputs_[i]), shapes_[outputs_[i]].size(), outputs[i]);
    }

    size_t bytes() const override { return weight_bytes_ + (places_.floats + patch_floats_) * sizeof(float); }
    const char* name() const override { return "own f32"; }

   private:
    struct Layer {
        ConvLayer settings;  // its spans are emptied: they may end with the caller
        Padding padding;
        bool depthwise = false;
        Buffer weight;  // depthwise: [kernel * kernel, channels]; else per group [kernel * kernel * in, out]
        std::vector<float> bias;
    };

    Layer prepare(const ConvLayer& from) {
        Layer layer;
        layer.settings = from;
        layer.settings.weight = layer.settings.bias = {};
        const MapShape& in = shapes_[from.inputs[0]];
        layer.padding = padding_of(from, in);
        if (from.kind != ConvLayer::Kind::conv) return layer;
        layer.depthwise = from.groups == in.channels && from.out_channels == in.channels && from.groups > 1;
        layer.bias.assign(from.bias.begin(), from.bias.end());
        layer.bias.resize(from.out_channels);
        size_t area = from.kernel * from.kernel, ins = in.channels / from.groups,
               outs = from.out_channels / from.groups;
        layer.weight = Buffer::of<float>(from.weight.size());
        std::span<float> weight = layer.weight.as<float>();
        for (size_t o = 0; o < from.out_channels; ++o)
            for (size_t i = 0; i < ins; ++i)
                for (size_t tap = 0; tap < area; ++tap) {
                    size_t group = o / outs;
                    size_t to = layer.depthwise ? tap * from.out_channels + o
                                                : group * area * ins * outs + (tap * ins + i) * outs + o % outs;
                    weight[to] = from.weight[(o * ins + i) * area + tap];
                }
        weight_bytes_ += layer.weight.bytes();
        if (!layer.depthwise) patch_floats_ = std::max(patch_floats_, gemm_pixels * area * ins);
        return layer;
    }

    static void activate(Activation activation, float* row, size_t count) {
        if (activation == Activation::silu) simd().silu(row, row, count);
        if (activation == Activation::relu || activation == Activation::relu6) {
            float top = activation == Activation::relu6 ? 6 : std::numeric_limits<float>::infinity();
            for (size_t i = 0; i < count; ++i) row[i] = std::min(std::max(row[i], 0.0f), top);
        }
    }

    void run_layer(const Layer& layer, std::span<const float* const> inputs, float* out, const MapShape& to,
                   float* patches) const {
        using Kind = ConvLayer::Kind;
        const ConvLayer& settings = layer.settings;
        const MapShape& in = shapes_[settings.inputs[0]];
        switch (settings.kind) {
            case Kind::conv:
                layer.depthwise ? depthwise(layer, in, inputs[0], to, out)
                                : dense(layer, in, inputs[0], to, out, patches);
                break;
            case Kind::add:
                simd().add(inputs[0], inputs[1], out, to.size());
                activate(settings.activation, out, to.size());
                break;
            case Kind::concat: {
                size_t first = 0;
                for (size_t i = 0; i < inputs.size(); ++i) {
                    size_t channels = shapes_[settings.inputs[i]].channels;
                    for (size_t pixel = 0; pixel < to.height * to.width; ++pixel)
                        std::copy_n(inputs[i] + pixel * channels, channels, out + pixel * to.channels + first);
                    first += channels;
                }
                break;
            }
            case Kind::upsample:
                for (size_t y = 0; y < to.height; ++y)
                    for (size_t x = 0; x < to.width; ++x)
                        std::copy_n(inputs[0] + (y / 2 * in.width + x / 2) * in.channels, in.channels,
                                    out + (y * to.width + x) * in.channels);
                break;
            case Kind::global_average_pool: {
                std::fill_n(out, in.channels, 0.0f);
                size_t pixels = in.height * in.width;
                for (size_t pixel = 0; pixel < pixels; ++pixel)
                    simd().add(out, inputs[0] + pixel * in.channels, out, in.channels);
                simd().scale_by(out, nullptr, 1 / float(pixels), out, in.channels);
                break;
            }
            case Kind::max_pool:
                std::fill_n(out, to.size(), -std::numeric_limits<float>::infinity());
                for_taps(layer, in, inputs[0], to, out, [&](const float* from, size_t, float* pixel) {
                    for (size_t c = 0; c < in.channels; ++c) pixel[c] = std::max(pixel[c], from[c]);
                });
                break;
        }
    }

    // fn(input pixel, tap, output pixel) for every tap that meets the picture
    template <typename Fn>
    static void for_taps(const Layer& layer, const MapShape& in, const float* map, const MapShape& to, float* out,
                         Fn fn) {
        size_t kernel = layer.settings.kernel, stride = layer.settings.stride;
        for (size_t y = 0; y < to.height; ++y)
            for (size_t x = 0; x < to.width; ++x)
                for (size_t tap = 0; tap < kernel * kernel; ++tap) {
                    size_t row = y * stride + tap / kernel - layer.padding.top;  // wraps below 0, then is too large
                    size_t col = x * stride + tap % kernel - layer.padding.left;
                    if (row < in.height && col < in.width)
                        fn(map + (row * in.width + col) * in.channels, tap, out + (y * to.width + x) * to.channels);
                }
    }

    static void depthwise(const Layer& layer, const MapShape& in, const float* map, const MapShape& to, float* out) {
        size_t channels = to.channels;
        for (size_t pixel = 0; pixel < to.height * to.width; ++pixel)
            std::copy_n(layer.bias.data(), channels, out + pixel * channels);
        const float* weight = layer.weight.as<float>().data();
        for_taps(layer, in, map, to, out, [&](const float* from, size_t tap, float* pixel) {
            simd().multiply_add(from, weight + tap * channels, pixel, channels);
        });
        activate(layer.settings.activation, out, to.size());
    }

    static void dense(const Layer& layer, const MapShape& in, const float* map, const MapShape& to, float* out,
                      float* patches) {
        const ConvLayer& settings = layer.settings;
        size_t kernel = settings.kernel, area = kernel * kernel, stride = settings.stride,
               pixels = to.height * to.width;
        size_t ins = in.channels / settings.groups, outs = to.channels / settings.groups, k = area * ins;
        bool pointwise = kernel == 1 && stride == 1 && layer.padding == Padding{};
        for (size_t first = 0; first < pixels; first += gemm_pixels) {
            size_t count = std::min(gemm_pixels, pixels - first);
            for (size_t i = 0; i < count; ++i)
                std::copy_n(layer.bias.data(), to.channels, out + (first + i) * to.channels);
            for (size_t group = 0; group < settings.groups; ++group) {
                Gemm product{.m = count, .n = outs, .k = k, .accumulate = true};
                if (pointwise) {
                    product.a = map + first * in.channels + group * ins;
                    product.a_row = in.channels;
                } else {
                    for (size_t i = 0; i < count; ++i)
                        for (size_t tap = 0; tap < area; ++tap) {
                            size_t row = (first + i) / to.width * stride + tap / kernel - layer.padding.top;
                            size_t col = (first + i) % to.width * stride + tap % kernel - layer.padding.left;
                            float* at = patches + i * k + tap * ins;
                            if (row < in.height && col < in.width)
                                std::copy_n(map + (row * in.width + col) * in.channels + group * ins, ins, at);
                            else
                                std::fill_n(at, ins, 0.0f);
                        }
                    product.a = patches;
                    product.a_row = k;
                }
                product.b = layer.weight.as<float>().data() + group * k * outs;
                product.b_stride = outs;
                product.c = out + first * to.channels + group * outs;
                product.c_stride = to.channels;
                gemm(product);
            }
            activate(settings.activation, out + first * to.channels, count * to.channels);
        }
    }

    std::vector<Layer> layers_;
    MapPlaces places_;
    size_t patch_floats_ = 0, weight_bytes_ = 0;
};

}  // namespace

std::unique_ptr<ConvEngine> make_own_conv_engine(const ConvNetParts& net) { return std::make_unique<OwnEngine>(net); }

}  // namespace lv
