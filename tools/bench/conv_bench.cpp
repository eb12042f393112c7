// longview-conv-bench: frames a second through the conv net, on the CPU or a GPU, beside what its maps cost to move.
// `help` below says how it is called.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/conv.h"
#include "kernels/core/device.h"
#include "kernels/core/error.h"
#include "kernels/core/memory.h"
#include "kernels/yardstick.h"
#include "tools/bench/bench_main.h"

namespace lv {
namespace {

constexpr const char* help =
    R"(Frames a second through EfficientNet-Lite0 with random weights, the trunk of the small model. No file is needed.
Usage: longview-conv-bench [OPTION VALUE]...

  --device cpu|cuda   where it runs (default: cpu)
  --batch SIZES       pictures at once, with commas between (default: 1,8,32)
  --side PX           of the square pictures (default: 320)

One JSON object goes to stdout. share_of_bandwidth: of a copy's rate, when each map is written once and read by each of
its readers. Exit status: 0 done, 1 something failed, 2 wrong arguments.
)";

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

struct Options {
    bool cuda = false;
    std::vector<size_t> batches{1, 8, 32};
    size_t side = 320;
};

std::vector<size_t> sizes(std::string_view text, std::string_view option) {
    const std::vector<size_t> out = numbers(text, option, "numbers from 1 to 4096", 4096);
    if (out.empty()) throw UsageError(std::string(option) + ": expected a number behind it");
    return out;
}

Options parse(int argc, char** argv) {
    Options out;
    for (int i = 1; i < argc; i += 2) {
        const std::string_view option = argv[i];
        if (i + 1 == argc) throw UsageError(std::string(option) + ": expected a value behind it");
        const std::string_view value = argv[i + 1];
        if (option == "--device" && (value == "cpu" || value == "cuda"))
            out.cuda = value == "cuda";
        else if (option == "--batch")
            out.batches = sizes(value, option);
        else if (option == "--side")
            out.side = sizes(value, option)[0];
        else
            throw UsageError("found \"" + std::string(option) + " " + std::string(value) +
                             "\"; expected one of the options that longview-conv-bench --help lists");
    }
    return out;
}

// EfficientNet-Lite0 (tensorflow/tpu, efficientnet/lite): inverted bottlenecks, relu6, no squeeze and excitation.
class Trunk {
   public:
    Trunk() {
        struct Stage {
            size_t kernel, stride, wider, out, blocks;
        };
        size_t x = conv(0, 3, 32, 3, 2, 1, Activation::relu6), channels = 32;
        for (const Stage& stage : {Stage{3, 1, 1, 16, 1},
                                   {3, 2, 6, 24, 2},
                                   {5, 2, 6, 40, 2},
                                   {3, 2, 6, 80, 3},
                                   {5, 1, 6, 112, 3},
                                   {5, 2, 6, 192, 4},
                                   {3, 1, 6, 320, 1}})
            for (size_t block = 0; block < stage.blocks; ++block) {
                const size_t wide = channels * stage.wider, before = x;
                if (stage.wider > 1) x = conv(x, channels, wide, 1, 1, 1, Activation::relu6);
                x = conv(x, wide, wide, stage.kernel, block == 0 ? stage.stride : 1, wide, Activation::relu6);
                x = conv(x, wide, stage.out, 1, 1, 1, Activation::none);
                channels = stage.out;
                if (block > 0) x = other(ConvLayer::Kind::add, {x, before});
            }
        x = other(ConvLayer::Kind::global_average_pool, {conv(x, 320, 1280, 1, 1, 1, Activation::relu6)});
        conv(x, 1280, 1000, 1, 1, 1, Activation::none);
    }
    const std::vector<ConvLayer>& layers() const { return layers_; }

    // Values that are written and read again for one picture.
    double moved(size_t side) const {
        const std::vector<MapShape> shapes = conv_shapes(layers_, {side, side, 3});
        double values = 0;
        for (size_t n = 0; n < layers_.size(); ++n) {
            values += double(shapes[n + 1].size());
            for (size_t input : layers_[n].inputs) values += double(shapes[input].size());
        }
        return values;
    }

   private:
    size_t conv(size_t input, size_t in, size_t out, size_t kernel, size_t stride, size_t groups,
                Activation activation) {
        std::vector<float>& weight = weights_.emplace_back(out * (in / groups) * kernel * kernel);
        for (float& value : weight)
            value = float(int32_t(state_ = state_ * 1664525 + 1013904223)) * 0x1p-31f / float(in / groups * kernel);
        ConvLayer layer;
        layer.name = std::to_string(layers_.size());
        layer.inputs = {input};
        layer.kernel = kernel;
        layer.stride = stride;
        layer.groups = groups;
        layer.out_channels = out;
        layer.same = true;
        layer.activation = activation;
        layer.weight = weight;
        layers_.push_back(std::move(layer));
        return layers_.size();
    }
    size_t other(ConvLayer::Kind kind, std::vector<size_t> inputs) {
        ConvLayer layer;
        layer.name = std::to_string(layers_.size());
        layer.kind = kind;
        layer.inputs = std::move(inputs);
        layers_.push_back(std::move(layer));
        return layers_.size();
    }

    std::deque<std::vector<float>> weights_;
    std::vector<ConvLayer> layers_;
    uint32_t state_ = 1;
};

// The median of `runs`, in seconds, after two to warm up.
template <typename Fn>
double median(const Context& context, int runs, Fn fn) {
    std::vector<double> seconds;
    for (int run = -2; run < runs; ++run) {
        const auto begin = Clock::now();
        fn();
        if (context.device()) context.device()->wait();
        if (run >= 0) seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
    }
    std::nth_element(seconds.begin(), seconds.begin() + runs / 2, seconds.end());
    return seconds[size_t(runs) / 2];
}

double bandwidth(const Context& context) {
    if (!context.device()) return copy_bandwidth(context);
    constexpr size_t bytes = size_t{1} << 30;
    const std::shared_ptr<Device>& device = context.shared_device();
    Buffer from(bytes, device), to(bytes, device);
    return 2.0 * bytes / median(context, 5, [&] { device->copy(from.data(), to.data(), bytes); });
}

int run(const Options& options) {
    const Context context(0, options.cuda ? open_cuda() : nullptr);
    const std::shared_ptr<Device>& device = context.shared_device();
    const Trunk trunk;
    const size_t last = trunk.layers().size();
    const ConvPlan plan(trunk.layers(), {options.side, options.side, 3}, {&last, 1}, {.device = device});
    const double peak = bandwidth(context), value_bytes = std::string_view(plan.engine()).ends_with("f32") ? 4 : 2;
    Json report{{"machine", device ? device->name() : machine_name(context)},
                {"build", build_name()},
                {"engine", plan.engine()},
                {"side", options.side},
                {"flops_per_frame", plan.flops()},
                {"bytes_per_frame", trunk.moved(options.side) * value_bytes},
                {"bytes_per_second", peak},
                {"batches", Json::array()}};
    for (const size_t batch : options.batches) {
        const size_t values = batch * plan.picture().size();
        const bool f16 = plan.reads_f16();  // as the encoder gives them
        const Floats pictures(std::vector<float>(f16 ? 0 : values, 0.25f), device);
        Buffer rounded = Buffer::of<Half>(f16 ? values : 0, device);
        if (f16) device->upload(std::vector<Half>(values, to_half(0.25f)).data(), rounded.data(), rounded.bytes());
        Floats classes(batch * 1000, device);
        float* const place = classes.span().data();
        const double seconds = median(context, 15, [&] {
            if (f16) return plan.run(context, batch, rounded.as<Half>().data(), {&place, 1});
            plan.run(context, batch, pictures.span().data(), {&place, 1});
        });
        report["batches"].push_back(
            {{"batch", batch},
             {"seconds", seconds},
             {"frames_per_second", double(batch) / seconds},
             {"flops_per_second", plan.flops() * double(batch) / seconds},
             {"share_of_bandwidth", trunk.moved(options.side) * value_bytes * double(batch) / seconds / peak}});
    }
    std::printf("%s\n", report.dump(2).c_str());
    return 0;
}

}  // namespace
}  // namespace lv

int main(int argc, char** argv) {
    return lv::bench_main("longview-conv-bench", lv::help, argc, argv, lv::parse, lv::run);
}
