// Conv nets for tests: layers with seeded weights, and what the plain loops make of a picture.
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "kernels/conv.h"
#include "tests/support.h"

namespace lv::test {

// A net whose weights live as long as it does.
struct Net {
    MapShape picture;
    std::vector<ConvLayer> layers;
    std::vector<std::unique_ptr<std::vector<float>>> weights;
    uint32_t seed = 1;

    size_t conv(size_t input, size_t out, size_t kernel, size_t stride = 1, size_t groups = 1,
                Activation activation = Activation::none, bool bias = true) {
        ConvLayer layer;
        layer.name = "conv " + std::to_string(layers.size());
        layer.inputs = {input};
        layer.kernel = kernel;
        layer.stride = stride;
        layer.groups = groups;
        layer.out_channels = out;
        layer.same = true;
        layer.activation = activation;
        size_t ins = conv_shapes(layers, picture)[input].channels / groups;
        layer.weight = numbers(out * ins * kernel * kernel, 1 / std::sqrt(float(ins * kernel * kernel)));
        if (bias) layer.bias = numbers(out, 0.5f);
        layers.push_back(layer);
        return layers.size();
    }
    size_t other(ConvLayer::Kind kind, std::vector<size_t> inputs, Activation activation = Activation::none) {
        ConvLayer layer;
        layer.name = "layer " + std::to_string(layers.size());
        layer.kind = kind;
        layer.inputs = std::move(inputs);
        layer.activation = activation;
        layers.push_back(layer);
        return layers.size();
    }
    std::span<const float> numbers(size_t count, float size) {
        weights.push_back(std::make_unique<std::vector<float>>(random_floats(count, ++seed, size)));
        return *weights.back();
    }
};

// All maps of the net by the plain loops.
inline std::vector<std::vector<float>> plain_maps(const Net& net, const std::vector<float>& picture) {
    std::vector<MapShape> shapes = conv_shapes(net.layers, net.picture);
    std::vector<std::vector<float>> maps{picture};
    for (size_t n = 0; n < net.layers.size(); ++n) {
        std::vector<MapShape> in;
        std::vector<const float*> inputs;
        for (size_t input : net.layers[n].inputs) {
            in.push_back(shapes[input]);
            inputs.push_back(maps[input].data());
        }
        maps.emplace_back(shapes[n + 1].size());
        plain::conv_layer(net.layers[n], in, inputs, maps.back().data());
    }
    return maps;
}

}  // namespace lv::test
