// A conv net on CUDA: its layers prepared as steps, its maps laid out in one block of working memory.
//
// Own kernels rather than cuDNN or cuBLASLt: bias, relu6, silu and residual sums go with each convolution, and every
// value is summed in one fixed order, so that what is seen in a frame does not depend on the batch it came in.
#include <algorithm>

#include "kernels/conv_engine.h"
#include "kernels/conv_maps.cuh"
#include "kernels/conv_task.cuh"
#include "kernels/core/memory.h"

namespace lv::cuda {
namespace {

constexpr size_t most_map_bytes = size_t{512} << 20;  // of the pictures that run together
constexpr size_t most_values = size_t{1} << 31;       // of a map for these: kernels count in 32 bits
constexpr size_t none = SIZE_MAX;

void narrow_host(float from, float& to) { to = from; }
void narrow_host(float from, Half& to) { to = to_half(std::clamp(from, -65504.0f, 65504.0f)); }

template <typename T>
class CudaConv final : public ConvEngine {
   public:
    CudaConv(const ConvNetParts& net, std::shared_ptr<Device> device)
        : device_(std::move(device)),
          shapes_(net.shapes.begin(), net.shapes.end()),
          outputs_(net.outputs.begin(), net.outputs.end()) {
        std::vector<size_t> last_use = last_uses(net), sizes;
        for (const MapShape& shape : shapes_) {
            require(shape.size() < most_values, "building a convolutional net for the GPU: a map of ", shape.height,
                    " x ", shape.width, " x ", shape.channels, " is too large for it; use --device cpu");
            sizes.push_back(shape.size());
        }
        sizes[0] = 0;  // lies with the caller, or behind the maps
        for (size_t n = 0; n < net.layers.size(); ++n) {
            Step step = prepare(net.layers[n]);
            if (adds_next(net, n, last_use)) {
                const std::vector<size_t>& added = net.layers[n + 1].inputs;
                step.addend = added[added[0] == n + 1 ? 1 : 0];
                step.sum_activation = net.layers[n + 1].activation;
                sizes[n + 1] = 0;  // never made
                last_use[step.layer.inputs[0]] = std::max(last_use[step.layer.inputs[0]], n + 1);
                ++n;
            }
            step.out = n + 1;
            steps_.push_back(std::move(step));
        }
        for (Step& step : steps_)
            if (step.layer.kind == ConvLayer::Kind::conv) step.result = result_of(net, step.out);
        for (const Step& step : steps_)
            if (step.result != none) sizes[step.out] = 0;  // lies with the caller
        places_ = place_maps(sizes, last_use);
        largest_ = *std::max_element(shapes_.begin(), shapes_.end(),
                                     [](const MapShape& a, const MapShape& b) { return a.size() < b.size(); });
        device_->wait();  // other threads' queues read the weights
    }

    void run(const Context& context, size_t batch, const float* pictures,
             std::span<float* const> outputs) const override {
        run_all(context, batch, pictures, outputs);
    }
    bool reads_f16() const override { return std::is_same_v<T, Half>; }
    void run_f16(const Context& context, size_t batch, const Half* pictures,
                 std::span<float* const> outputs) const override {
        if constexpr (std::is_same_v<T, Half>)
            run_all(context, batch, pictures, outputs);
        else
            ConvEngine::run_f16(context, batch, pictures, outputs);
    }

    size_t bytes() const override { return weight_bytes_ + places_.floats * sizeof(T); }
    const char* name() const override { return reads_f16() ? "cuda f16" : "cuda f32"; }

   private:
    struct Step {
        ConvLayer layer;  // its spans are emptied: they may end with the caller
        Padding padding;
        bool depthwise = false;
        Buffer weight, bias;
        size_t addend = none;  // a map added to the convolution
        Activation sum_activation = Activation::none;
        size_t out = 0;
        size_t result = none;  // the output of the net that is written in place of a map
    };

    // Whether layer n + 1 only adds something that is there to the convolution n, and nobody else reads that.
    static bool adds_next(const ConvNetParts& net, size_t n, std::span<const size_t> last_use) {
        if (net.layers[n].kind != ConvLayer::Kind::conv || n + 1 >= net.layers.size()) return false;
        const ConvLayer& next = net.layers[n + 1];
        return next.kind == ConvLayer::Kind::add && (next.inputs[0] == n + 1) != (next.inputs[1] == n + 1) &&
               last_use[n + 1] == n + 1;
    }

    // The output that alone wants this map; none when a layer reads it too, or several outputs are it.
    size_t result_of(const ConvNetParts& net, size_t map) const {
        for (const ConvLayer& layer : net.layers)
            if (std::count(layer.inputs.begin(), layer.inputs.end(), map)) return none;
        if (std::count(outputs_.begin(), outputs_.end(), map) != 1) return none;
        return size_t(std::find(outputs_.begin(), outputs_.end(), map) - outputs_.begin());
    }

    template <typename V>
    Buffer placed(const std::vector<V>& values) {
        Buffer buffer = Buffer::of<V>(values.size(), device_);
        device_->upload(values.data(), buffer.data(), buffer.bytes());
        weight_bytes_ += buffer.bytes();
        return buffer;
    }

    Step prepare(const ConvLayer& from) {
        Step step;
        step.layer = from;
        step.padding = padding_of(from, shapes_[from.inputs[0]]);
        step.layer.weight = step.layer.bias = {};
        if (from.kind != ConvLayer::Kind::conv) return step;
        const size_t in = shapes_[from.inputs[0]].channels, ins = in / from.groups, area = from.kernel * from.kernel;
        step.depthwise = from.groups == in && from.out_channels == in && from.groups > 1;
        const size_t depth = dense_depth<T>(from.kernel, in, from.groups);
        std::vector<T> weight(step.depthwise ? from.weight.size() : from.out_channels * depth);
        for (size_t o = 0; o < from.out_channels; ++o)
            for (size_t i = 0; i < ins; ++i)
                for (size_t tap = 0; tap < area; ++tap)
                    narrow_host(from.weight[(o * ins + i) * area + tap],
                                weight[step.depthwise ? tap * from.out_channels + o : o * depth + tap * ins + i]);
        step.weight = placed(weight);
        std::vector<float> bias(from.bias.begin(), from.bias.end());
        bias.resize(from.out_channels);
        step.bias = placed(bias);
        return step;
    }

    template <typename From>
    void run_all(const Context& context, size_t batch, const From* pictures, std::span<float* const> outputs) const {
        assert(context.device() == device_.get());
        const size_t by_memory = most_map_bytes / std::max<size_t>(places_.floats * sizeof(T), 1);
        const size_t at_once =
            std::clamp<size_t>(std::min(by_memory, (most_values - 1) / largest_.size()), 1, batch + 1);
        std::vector<float*> own(outputs.begin(), outputs.end());
        for (size_t first = 0; first < batch; first += at_once) {
            const size_t count = std::min(at_once, batch - first);
            for (size_t i = 0; i < own.size(); ++i) own[i] = outputs[i] + first * shapes_[outputs_[i]].size();
            run_some(count, pictures + first * shapes_[0].size(), own);
        }
    }

    template <typename From>
    void run_some(size_t count, const From* given, std::span<float* const> outputs) const {
        constexpr bool as_given = std::is_same_v<From, T>;
        auto& device = static_cast<CudaDevice&>(*device_);
        const size_t given_values = as_given ? 0 : count * shapes_[0].size();
        T* maps = device.lane().template scratch<T>(Slot::conv, places_.floats * count + given_values);
        const T* pictures = maps + places_.floats * count;
        if constexpr (as_given)
            pictures = given;
        else
            launch_convert(device, given_values, given, maps + places_.floats * count);
        const auto map = [&](size_t n) { return maps + places_.place[n] * count; };
        const auto input = [&](size_t n) -> const T* { return n == 0 ? pictures : map(n); };
        for (const Step& step : steps_) {
            if (step.layer.kind == ConvLayer::Kind::conv)
                convolve(device, step, count, input, step.result == none ? map(step.out) : nullptr,
                         step.result == none ? nullptr : outputs[step.result]);
            else
                run_other(device, step, count, input, map(step.out));
        }
        for (size_t i = 0; i < outputs_.size(); ++i) {
            const bool written =
                std::any_of(steps_.begin(), steps_.end(), [&](const Step& step) { return step.result == i; });
            if (!written) launch_convert(device, count * shapes_[outputs_[i]].size(), input(outputs_[i]), outputs[i]);
        }
    }

    template <typename Input>
    void convolve(CudaDevice& device, const Step& step, size_t count, const Input& input, T* out,
                  float* wide_out) const {
        const MapShape &in = shapes_[step.layer.inputs[0]], &to = shapes_[step.out];
        const ConvTask<T> task{.in = input(step.layer.inputs[0]),
                               .weight = step.weight.template as<T>().data(),
                               .bias = step.bias.template as<float>().data(),
                               .addend = step.addend == none ? nullptr : input(step.addend),
                               .out = out,
                               .wide_out = wide_out,
                               .pictures = unsigned(count),
                               .in_height = unsigned(in.height),
                               .in_width = unsigned(in.width),
                               .in_channels = unsigned(in.channels),
                               .out_height = unsigned(to.height),
                               .out_width = unsigned(to.width),
                               .out_channels = unsigned(to.channels),
                               .kernel = unsigned(step.layer.kernel),
                               .stride = unsigned(step.layer.stride),
                               .groups = unsigned(step.layer.groups),
                               .top = int(step.padding.top),
                               .left = int(step.padding.left),
                               .activation = step.layer.activation,
                               .sum_activation = step.sum_activation};
        step.depthwise ? launch_depthwise(device, task) : launch_dense(device, task);
    }

    template <typename Input>
    void run_other(CudaDevice& device, const Step& step, size_t count, const Input& input, T* out) const {
        using Kind = ConvLayer::Kind;
        const ConvLayer& layer = step.layer;
        const MapShape &in = shapes_[layer.inputs[0]], &to = shapes_[step.out];
        const T* from = input(layer.inputs[0]);
        switch (layer.kind) {
            case Kind::conv:
                break;
            case Kind::add:
                return launch_sum(device, count * to.size(), from, input(layer.inputs[1]), layer.activation, out);
            case Kind::concat: {
                size_t first = 0;
                for (size_t number : layer.inputs) {
                    const size_t channels = shapes_[number].channels;
                    launch_join(device, count * to.height * to.width, channels, input(number), first, to.channels, out);
                    first += channels;
                }
                return;
            }
            case Kind::upsample:
                return launch_upsample(device, count, in, from, out);
            case Kind::global_average_pool:
                return launch_average(device, count, in, from, out);
            case Kind::max_pool:
                return launch_max_pool(device, count, in, from, layer.kernel, layer.stride, step.padding, to, out);
        }
    }

    std::shared_ptr<Device> device_;
    std::vector<MapShape> shapes_;
    std::vector<size_t> outputs_;
    std::vector<Step> steps_;
    MapPlaces places_;  // in values of T, of one picture; a batch takes so many times as much, map by map
    MapShape largest_;
    size_t weight_bytes_ = 0;
};

}  // namespace

std::unique_ptr<ConvEngine> CudaDevice::make_conv(const ConvNetParts& net) {
    if (options_.exact) return std::make_unique<CudaConv<float>>(net, shared_from_this());
    return std::make_unique<CudaConv<Half>>(net, shared_from_this());
}

}  // namespace lv::cuda
