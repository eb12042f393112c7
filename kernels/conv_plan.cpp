#include <algorithm>

#include "kernels/conv.h"
#include "kernels/conv_engine.h"
#include "kernels/core/device.h"
#include "kernels/core/error.h"

namespace lv {

std::vector<size_t> last_uses(const ConvNetParts& net) {
    std::vector<size_t> last(net.shapes.size(), 0);
    for (size_t n = 0; n < net.layers.size(); ++n) {
        last[n + 1] = n;  // a map nobody reads is needed while it is made
        for (size_t input : net.layers[n].inputs) last[input] = n;
    }
    for (size_t output : net.outputs) last[output] = net.layers.size();
    return last;
}

MapPlaces place_maps(std::span<const size_t> sizes, std::span<const size_t> last_use) {
    // Map n is made by layer n - 1. Each takes the first gap between maps that are still needed then.
    MapPlaces places;
    places.place.resize(sizes.size(), 0);
    std::vector<size_t> alive;  // by place
    for (size_t map = 0; map < sizes.size(); ++map) {
        size_t made = map == 0 ? 0 : map - 1;
        std::erase_if(alive, [&](size_t other) { return last_use[other] < made; });
        size_t size = (sizes[map] + 15) / 16 * 16, at = 0;
        auto position = alive.begin();
        for (; position != alive.end() && places.place[*position] < at + size; ++position)
            at = places.place[*position] + (sizes[*position] + 15) / 16 * 16;
        places.place[map] = at;
        if (size > 0) alive.insert(position, map);
        places.floats = std::max(places.floats, at + size);
    }
    return places;
}

void ConvEngine::run_f16(const Context&, size_t, const Half*, std::span<float* const>) const {
    fail("running a convolutional net: pictures of f16 given, but ", name(), " reads only f32");
}

void HostConvEngine::run(const Context& context, size_t batch, const float* pictures,
                         std::span<float* const> outputs) const {
    context.parallel_for(0, batch, 1, [&](size_t first, size_t last) {
        std::vector<float*> own(outputs.size());
        for (size_t index = first; index < last; ++index) {
            for (size_t i = 0; i < own.size(); ++i) own[i] = outputs[i] + index * shapes_[outputs_[i]].size();
            run_picture(pictures + index * shapes_[0].size(), own);
        }
    });
}

struct ConvPlan::Parts {
    MapShape picture;
    std::vector<MapShape> outputs;
    double flops = 0;
    std::unique_ptr<ConvEngine> engine;
};

ConvPlan::ConvPlan(std::span<const ConvLayer> layers, MapShape picture, std::span<const size_t> outputs,
                   const ConvOptions& options)
    : parts_(std::make_unique<Parts>()) {
    std::vector<MapShape> shapes = conv_shapes(layers, picture);
    parts_->picture = picture;
    for (size_t output : outputs) {
        require(output < shapes.size(), "building a convolutional net: map ", output, " is wanted, but there are only ",
                shapes.size());
        parts_->outputs.push_back(shapes[output]);
    }
    for (size_t n = 0; n < layers.size(); ++n)
        if (layers[n].kind == ConvLayer::Kind::conv)
            parts_->flops += 2.0 * double(shapes[n + 1].height * shapes[n + 1].width) * double(layers[n].weight.size());
    ConvNetParts net{layers, shapes, outputs};
    if (options.device)
        parts_->engine = options.device->make_conv(net);
    else if (options.onednn)
        parts_->engine = make_onednn_conv_engine(net, options);
    if (!parts_->engine) parts_->engine = make_own_conv_engine(net);
}

ConvPlan::~ConvPlan() = default;
ConvPlan::ConvPlan(ConvPlan&&) noexcept = default;
ConvPlan& ConvPlan::operator=(ConvPlan&&) noexcept = default;

const MapShape& ConvPlan::picture() const { return parts_->picture; }
const std::vector<MapShape>& ConvPlan::output_shapes() const { return parts_->outputs; }
size_t ConvPlan::bytes() const { return parts_->engine->bytes(); }
double ConvPlan::flops() const { return parts_->flops; }
bool ConvPlan::reads_f16() const { return parts_->engine->reads_f16(); }
const char* ConvPlan::engine() const { return parts_->engine->name(); }

void ConvPlan::run(const Context& context, size_t batch, const float* pictures, std::span<float* const> outputs) const {
    check(outputs);
    parts_->engine->run(context, batch, pictures, outputs);
}

void ConvPlan::run(const Context& context, size_t batch, const Half* pictures, std::span<float* const> outputs) const {
    check(outputs);
    parts_->engine->run_f16(context, batch, pictures, outputs);
}

void ConvPlan::check(std::span<float* const> outputs) const {
    require(outputs.size() == parts_->outputs.size(), "running a convolutional net: ", outputs.size(),
            " places for results given, expected ", parts_->outputs.size());
}

}  // namespace lv
