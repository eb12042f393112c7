#include <omp.h>

#include <algorithm>
#include <cstring>
#include <dnnl.hpp>
#include <mutex>
#include <unordered_map>

#include "kernels/conv_engine.h"
#include "kernels/core/error.h"
#include "kernels/core/memory.h"

namespace lv {
namespace {

using dnnl::algorithm;
using dnnl::memory;
using Kind = ConvLayer::Kind;

// oneDNN here is built on OpenMP and splits a primitive by the thread count it sees when that is made and when it is
// run. Pictures are what we spread over threads, so both happen under one OpenMP thread; the caller's own setting
// comes back afterwards.
class OneOpenMPThread {
   public:
    OneOpenMPThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
    ~OneOpenMPThread() { omp_set_num_threads(before_); }

   private:
    int before_;
};

void add_activation(dnnl::post_ops& ops, Activation activation) {
    if (activation == Activation::relu) ops.append_eltwise(1, algorithm::eltwise_relu, 0, 0);
    if (activation == Activation::relu6) ops.append_eltwise(1, algorithm::eltwise_clip, 0, 6);
    if (activation == Activation::silu) ops.append_eltwise(1, algorithm::eltwise_swish, 1, 0);
}

class OneDnnEngine final : public HostConvEngine {
   public:
    OneDnnEngine(const ConvNetParts& net, const ConvOptions& options)
        : HostConvEngine(net), engine_(dnnl::engine::kind::cpu, 0) {
        OneOpenMPThread one;
        dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
        bool has_bf16 = isa == dnnl::cpu_isa::avx512_core_bf16 || isa == dnnl::cpu_isa::avx512_core_amx;
        type_ = options.bf16 && has_bf16 ? memory::data_type::bf16 : memory::data_type::f32;
        for (const MapShape& shape : shapes_) maps_.push_back(map_desc(shape, type_));
        last_use_ = last_uses(net);
        home_.resize(shapes_.size());
        for (size_t map = 0; map < home_.size(); ++map) home_[map] = map;
        if (type_ != memory::data_type::f32) {
            reads_picture_ = true;
            add(reorder(map_desc(shapes_[0], memory::data_type::f32), maps_[0]),
                {{DNNL_ARG_FROM, picture}, {DNNL_ARG_TO, 0}});
        }
        for (size_t n = 0; n < net.layers.size(); ++n) n = add_layer(net, n);
        for (size_t i = 0; i < outputs_.size(); ++i)
            add(reorder(maps_[outputs_[i]], map_desc(shapes_[outputs_[i]], memory::data_type::f32)),
                {{DNNL_ARG_FROM, outputs_[i]}, {DNNL_ARG_TO, result + i}});
        place();
    }

    void run_picture(const float* picture_data, std::span<float* const> outputs) const override {
        OneOpenMPThread one;
        std::unique_ptr<Desk> desk = take_desk();
        for (auto& [slot, view] : desk->outside)
            view.set_data_handle(slot == picture ? const_cast<float*>(picture_data) : outputs[slot - result]);
        try {
            dnnl::stream stream(engine_);
            for (size_t step = 0; step < steps_.size(); ++step)
                steps_[step].primitive.execute(stream, desk->arguments[step]);
            stream.wait();
        } catch (const dnnl::error& error) {
            fail("running a convolutional net: oneDNN says ", error.what());
        }
        std::lock_guard lock(mutex_);
        desks_.push_back(std::move(desk));
    }

    size_t bytes() const override { return weight_bytes_ + places_.floats * sizeof(float) + scratch_bytes_; }
    const char* name() const override { return type_ == memory::data_type::f32 ? "onednn f32" : "onednn bf16"; }

   private:
    // Slots are maps, except:
    static constexpr size_t picture = size_t{1} << 32;   // the caller's picture
    static constexpr size_t constant = size_t{1} << 33;  // + number: weights and biases
    static constexpr size_t scratchpad = size_t{1} << 34;
    static constexpr size_t result = size_t{1} << 35;  // + number: the caller's place for an output

    struct Argument {
        int name;
        size_t slot;
    };
    struct Step {
        dnnl::primitive primitive;
        std::vector<Argument> arguments;
        std::vector<memory::desc> descs;  // of the arguments
    };
    // What one running picture needs for itself; kept for the next.
    struct Desk {
        Buffer block;
        std::vector<std::unordered_map<int, memory>> arguments;  // of every step
        std::vector<std::pair<size_t, memory>> outside;          // views of the caller's data
    };

    static memory::desc map_desc(const MapShape& shape, memory::data_type type) {
        return {{1, memory::dim(shape.channels), memory::dim(shape.height), memory::dim(shape.width)},
                type,
                memory::format_tag::nhwc};
    }

    dnnl::primitive_attr attributes(const dnnl::post_ops& ops = {}) const {
        dnnl::primitive_attr attr;
        attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
        attr.set_post_ops(ops);
        return attr;
    }

    dnnl::reorder::primitive_desc reorder(const memory::desc& from, const memory::desc& to) const {
        return {engine_, from, engine_, to, attributes()};
    }

    // Adds a step; the desc of each argument is what the primitive asks for.
    template <typename Desc>
    void add(const Desc& desc, std::vector<Argument> arguments) {
        Step step;
        step.primitive = dnnl::primitive(desc.get());
        for (const Argument& argument : arguments)
            step.descs.push_back(desc.query_md(dnnl::query::exec_arg_md, argument.name));
        if (size_t bytes = desc.scratchpad_desc().get_size()) {
            arguments.push_back({DNNL_ARG_SCRATCHPAD, scratchpad});
            step.descs.push_back(desc.scratchpad_desc());
            scratch_bytes_ = std::max(scratch_bytes_, bytes);
        }
        step.arguments = std::move(arguments);
        steps_.push_back(std::move(step));
    }

    // A constant of the given layout from dense f32 data.
    size_t add_constant(const float* data, const memory::desc& dense, const memory::desc& wanted) {
        memory from(dense, engine_, const_cast<float*>(data));
        constants_.emplace_back(wanted, engine_);
        weight_bytes_ += wanted.get_size();
        dnnl::stream stream(engine_);
        dnnl::reorder(from, constants_.back()).execute(stream, from, constants_.back());
        stream.wait();
        return constant + constants_.size() - 1;
    }

    // Adds layers[n], together with a following add that can be fused; returns the number of the last layer added.
    size_t add_layer(const ConvNetParts& net, size_t n) {
        const ConvLayer& layer = net.layers[n];
        size_t in = layer.inputs[0], out = n + 1;
        dnnl::prop_kind forward = dnnl::prop_kind::forward_inference;
        switch (layer.kind) {
            case Kind::conv:
                return add_conv(net, n);
            case Kind::add: {
                dnnl::post_ops ops;
                add_activation(ops, layer.activation);
                dnnl::binary::desc desc(algorithm::binary_add, maps_[in], maps_[layer.inputs[1]], maps_[out]);
                add(dnnl::binary::primitive_desc(desc, attributes(ops), engine_),
                    {{DNNL_ARG_SRC_0, in}, {DNNL_ARG_SRC_1, layer.inputs[1]}, {DNNL_ARG_DST, out}});
                break;
            }
            case Kind::concat: {
                std::vector<memory::desc> descs;
                std::vector<Argument> arguments{{DNNL_ARG_DST, out}};
                for (size_t i = 0; i < layer.inputs.size(); ++i) {
                    descs.push_back(maps_[layer.inputs[i]]);
                    arguments.push_back({DNNL_ARG_MULTIPLE_SRC + int(i), layer.inputs[i]});
                }
                add(dnnl::concat::primitive_desc(maps_[out], 1, descs, engine_, attributes()), arguments);
                break;
            }
            case Kind::upsample: {
                dnnl::resampling_forward::desc desc(forward, algorithm::resampling_nearest, {2.0f, 2.0f}, maps_[in],
                                                    maps_[out]);
                add(dnnl::resampling_forward::primitive_desc(desc, attributes(), engine_),
                    {{DNNL_ARG_SRC, in}, {DNNL_ARG_DST, out}});
                break;
            }
            case Kind::global_average_pool:
            case Kind::max_pool: {
                bool all = layer.kind == Kind::global_average_pool;
                const MapShape& shape = shapes_[in];
                Padding pad = all ? Padding{} : padding_of(layer, shape);
                memory::dims kernel = all ? memory::dims{memory::dim(shape.height), memory::dim(shape.width)}
                                          : memory::dims(2, memory::dim(layer.kernel));
                dnnl::pooling_forward::desc desc(
                    forward, all ? algorithm::pooling_avg_exclude_padding : algorithm::pooling_max, maps_[in],
                    maps_[out], memory::dims(2, memory::dim(all ? 1 : layer.stride)), kernel,
                    {memory::dim(pad.top), memory::dim(pad.left)}, {memory::dim(pad.bottom), memory::dim(pad.right)});
                add(dnnl::pooling_forward::primitive_desc(desc, attributes(), engine_),
                    {{DNNL_ARG_SRC, in}, {DNNL_ARG_DST, out}});
                break;
            }
        }
        return n;
    }

    size_t add_conv(const ConvNetParts& net, size_t n) {
        const ConvLayer& layer = net.layers[n];
        const MapShape &in = shapes_[layer.inputs[0]], &out = shapes_[n + 1];
        Padding pad = padding_of(layer, in);
        dnnl::post_ops ops;
        add_activation(ops, layer.activation);

        // out = conv + other, written over `other`, when the next layer is that add, nobody else reads the
        // convolution's own map, and nobody reads `other` later.
        size_t target = n + 1, last = n;
        if (n + 1 < net.layers.size() && layer.activation == Activation::none) {
            const ConvLayer& next = net.layers[n + 1];
            if (next.kind == Kind::add && (next.inputs[0] == n + 1) != (next.inputs[1] == n + 1) &&
                last_use_[n + 1] == n + 1) {
                size_t other = next.inputs[0] == n + 1 ? next.inputs[1] : next.inputs[0];
                if (other != 0 && other != layer.inputs[0] && last_use_[other] == n + 1) {
                    ops.append_sum(1);
                    add_activation(ops, next.activation);
                    last = n + 1;
                    target = n + 2;
                    home_[target] = home_[n + 1] = home_[other];
                    last_use_[home_[other]] = last_use_[target];
                }
            }
        }

        using dim = memory::dim;
        memory::dims dims{dim(layer.out_channels), dim(in.channels), dim(layer.kernel), dim(layer.kernel)};
        memory::format_tag tag = memory::format_tag::oihw;
        if (layer.groups > 1) {
            dim groups = dim(layer.groups);
            dims = {groups, dim(layer.out_channels) / groups, dim(in.channels) / groups, dim(layer.kernel),
                    dim(layer.kernel)};
            tag = memory::format_tag::goihw;
        }
        memory::desc any(dims, type_, memory::format_tag::any);
        memory::desc bias({dim(out.channels)}, memory::data_type::f32, memory::format_tag::x);
        dnnl::convolution_forward::desc desc(dnnl::prop_kind::forward_inference, algorithm::convolution_direct,
                                             maps_[layer.inputs[0]], any, bias, maps_[n + 1],
                                             memory::dims(2, dim(layer.stride)), {dim(pad.top), dim(pad.left)},
                                             {dim(pad.bottom), dim(pad.right)});
        dnnl::convolution_forward::primitive_desc primitive(desc, attributes(ops), engine_);
        std::vector<float> zeros(layer.bias.empty() ? out.channels : 0);
        size_t weight =
            add_constant(layer.weight.data(), {dims, memory::data_type::f32, tag}, primitive.weights_desc());
        size_t biases = add_constant(layer.bias.empty() ? zeros.data() : layer.bias.data(), bias, bias);
        add(primitive, {{DNNL_ARG_SRC, layer.inputs[0]},
                        {DNNL_ARG_WEIGHTS, weight},
                        {DNNL_ARG_BIAS, biases},
                        {DNNL_ARG_DST, target}});
        return last;
    }

    void place() {
        std::vector<size_t> sizes(shapes_.size());
        for (size_t map = 0; map < sizes.size(); ++map) {
            bool own = home_[map] == map && (map > 0 || reads_picture_);
            sizes[map] = own ? (maps_[map].get_size() + 3) / 4 : 0;
        }
        places_ = place_maps(sizes, last_use_);
    }

    std::unique_ptr<Desk> take_desk() const {
        {
            std::lock_guard lock(mutex_);
            if (!desks_.empty()) {
                std::unique_ptr<Desk> desk = std::move(desks_.back());
                desks_.pop_back();
                return desk;
            }
        }
        auto desk = std::make_unique<Desk>();
        desk->block = Buffer(places_.floats * sizeof(float) + scratch_bytes_);
        std::byte* scratch = desk->block.data() + places_.floats * sizeof(float);
        for (const Step& step : steps_) {
            std::unordered_map<int, memory>& arguments = desk->arguments.emplace_back();
            for (size_t i = 0; i < step.arguments.size(); ++i) {
                auto [name, slot] = step.arguments[i];
                if (slot == 0 && !reads_picture_) slot = picture;
                if (slot >= constant && slot < scratchpad) {
                    arguments.emplace(name, constants_[slot - constant]);
                    continue;
                }
                void* data = slot == scratchpad ? scratch
                             : slot < picture   ? desk->block.data() + places_.place[home_[slot]] * sizeof(float)
                                                : nullptr;
                memory view(step.descs[i], engine_, data);
                arguments.emplace(name, view);
                if (slot == picture || slot >= result) desk->outside.emplace_back(slot, view);
            }
        }
        return desk;
    }

    dnnl::engine engine_;
    memory::data_type type_ = memory::data_type::f32;
    std::vector<memory::desc> maps_;
    std::vector<size_t> last_use_, home_;  // home: the map whose room it is written into, mostly itself
    std::vector<memory> constants_;
    std::vector<Step> steps_;
    MapPlaces places_;
    bool reads_picture_ = false;  // the picture is first copied into bf16
    size_t weight_bytes_ = 0, scratch_bytes_ = 0;
    mutable std::mutex mutex_;
    mutable std::vector<std::unique_ptr<Desk>> desks_;  // idle ones
};

}  // namespace

// oneDNN 2.6 cannot make some rare primitives (bf16, groups and silu together): then f32 is tried, then our own engine.
std::unique_ptr<ConvEngine> make_onednn_conv_engine(const ConvNetParts& net, const ConvOptions& options) {
    for (ConvOptions attempt = options;; attempt.bf16 = false) {
        try {
            return std::make_unique<OneDnnEngine>(net, attempt);
        } catch (const dnnl::error&) {
            if (!attempt.bf16) return nullptr;
        }
    }
}

}  // namespace lv
