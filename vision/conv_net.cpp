#include "vision/conv_net.h"

#include <malloc.h>
#include <sys/mman.h>

#include <algorithm>
#include <cmath>

#include "kernels/core/error.h"

namespace lv {
namespace {

constexpr size_t plans_kept = 6;

ConvLayer::Kind kind_of(NetLayer::Op op) {
    switch (op) {
        case NetLayer::Op::add: return ConvLayer::Kind::add;
        case NetLayer::Op::upsample2: return ConvLayer::Kind::upsample;
        case NetLayer::Op::global_pool: return ConvLayer::Kind::global_average_pool;
        default: return ConvLayer::Kind::conv;
    }
}

Activation activation_of(NetLayer::Act act) {
    switch (act) {
        case NetLayer::Act::relu6: return Activation::relu6;
        case NetLayer::Act::silu: return Activation::silu;
        default: return Activation::none;
    }
}

// A linear layer is a 1 x 1 convolution of a 1 x 1 map: [in, out] becomes [out, in].
std::vector<float> transposed(const std::vector<float>& from, size_t rows, size_t cols) {
    std::vector<float> to(from.size());
    for (size_t row = 0; row < rows; ++row)
        for (size_t col = 0; col < cols; ++col) to[col * rows + row] = from[row * cols + col];
    return to;
}

void require_finite(const std::vector<float>& values, const WeightFile& file, const std::string& name) {
    const bool finite = std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
    require(finite, "reading ", file.path().string(), ": ", name, " holds values that are not finite; export or copy it again");
}

// What was read need not stay in memory beside what was made of it. The mapping begins where the head does.
void let_go(const WeightFile& file) {
    ::madvise(const_cast<std::byte*>(file.head().data()), file.bytes(), MADV_DONTNEED);
}

}  // namespace

ConvNet::ConvNet(const std::vector<NetLayer>& layers, std::vector<std::string> outputs,
                 std::shared_ptr<const WeightFile> weights, const ConvOptions& options)
    : net_(layers), weights_(std::move(weights)), options_(options), layers_(read()) {
    for (const std::vector<float>& values : layers_->values) parameters_ += values.size();
    for (const std::string& name : outputs) {
        const auto found =
            std::find_if(net_.begin(), net_.end(), [&](const NetLayer& layer) { return layer.name == name; });
        require(found != net_.end(), "building the conv net: the output ", name,
                " is no layer; export the model again");
        output_maps_.push_back(static_cast<size_t>(found - net_.begin()) + 1);
    }
    conv_shapes(layers_->list, {64, 64, 3});  // says which layer does not fit, before any video is opened
}

std::shared_ptr<const ConvNet::Layers> ConvNet::read() const {
    auto layers = std::make_shared<Layers>();
    std::vector<std::vector<float>>& values = layers->values;
    std::map<std::string, size_t> map_of{{"image", 0}};
    values.reserve(net_.size() * 2);
    for (const NetLayer& layer : net_) {
        ConvLayer made;
        made.name = layer.name;
        made.kind = kind_of(layer.op);
        made.activation = activation_of(layer.act);
        for (const std::string& in : layer.in) {
            const auto found = map_of.find(in);
            require(found != map_of.end(), "building the conv net: layer ", layer.name, " reads ", in,
                    ", which is no earlier layer; export the model again");
            made.inputs.push_back(found->second);
        }
        if (layer.op == NetLayer::Op::conv || layer.op == NetLayer::Op::linear) {
            made.kernel = layer.kernel;
            made.stride = layer.stride;
            made.groups = layer.groups;
            made.out_channels = layer.out_channels;
            made.padding = {layer.top, layer.left, layer.bottom, layer.right};
            const std::string name = layer.name + ".weight";
            if (layer.op == NetLayer::Op::conv) {
                values.push_back(weights_->floats(
                    name, {layer.out_channels, layer.in_channels / layer.groups, layer.kernel, layer.kernel}));
            } else {
                values.push_back(transposed(weights_->floats(name, {layer.in_channels, layer.out_channels}),
                                            layer.in_channels, layer.out_channels));
            }
            require_finite(values.back(), *weights_, name);
            made.weight = values.back();
            values.push_back(weights_->floats(layer.name + ".bias", {layer.out_channels}));
            require_finite(values.back(), *weights_, layer.name + ".bias");
            made.bias = values.back();
        }
        layers->list.push_back(std::move(made));
        map_of[layer.name] = layers->list.size();
    }
    let_go(*weights_);
    return layers;
}

// Under the lock.
std::shared_ptr<const ConvNet::Layers> ConvNet::layers() const { return layers_ ? layers_ : read(); }

std::vector<MapShape> ConvNet::shapes(size_t height, size_t width) const {
    const std::lock_guard lock(mutex_);
    const std::vector<MapShape> all = conv_shapes(layers()->list, {height, width, 3});
    std::vector<MapShape> shapes;
    for (size_t map : output_maps_) shapes.push_back(all[map]);
    return shapes;
}

std::shared_ptr<const ConvPlan> ConvNet::plan(const std::shared_ptr<Device>& device, size_t height,
                                              size_t width) const {
    const MapShape picture{height, width, 3};
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(plans_.begin(), plans_.end(), [&](const Made& made) {
        return made.device == device && made.plan->picture() == picture;
    });
    if (found != plans_.end()) {
        std::rotate(found, found + 1, plans_.end());
        return plans_.back().plan;
    }
    ConvOptions options = options_;
    options.device = device;
    plans_.push_back({device, std::make_shared<const ConvPlan>(layers()->list, picture, output_maps_, options)});
    layers_.reset();
    malloc_trim(0);  // else they stay in a heap that nobody draws from any more: 16 MB of the peak of an hour
    if (plans_.size() > plans_kept) plans_.erase(plans_.begin());
    return plans_.back().plan;
}

double ConvNet::flops(size_t height, size_t width) const { return plan(nullptr, height, width)->flops(); }

}  // namespace lv
