#include <algorithm>
#include <chrono>
#include <cmath>

#include "kernels/attention.h"
#include "kernels/conv.h"
#include "kernels/core/checksum.h"
#include "kernels/matmul.h"
#include "kernels/norm.h"
#include "kernels/retention.h"
#include "kernels/yardstick.h"

namespace lv {
namespace {

// Small numbers around zero that do not depend on a library's generator.
void fill(std::span<float> values, uint32_t seed) {
    for (float& value : values) {
        seed = seed * 1664525 + 1013904223;
        value = float(seed >> 8) * 0x1p-24f - 0.5f;
    }
}

class Bench {
   public:
    explicit Bench(const Context& context)
        : context_(context), flops_(sgemm_peak(context)), bytes_(read_bandwidth(context)) {}

    // The median of runs within a quarter of a second, the first one left out.
    template <typename Fn>
    void measure(std::string name, double amount, bool is_bytes, Fn fn) {
        auto now = [] {
            return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
        };
        fn();
        std::vector<double> times;
        double start = now();
        while (times.size() < 5 || now() - start < 0.25) {
            double begin = now();
            fn();
            times.push_back(now() - begin);
        }
        std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
        double seconds = times[times.size() / 2];
        figures.push_back(
            {std::move(name), seconds, amount, is_bytes, amount / seconds / (is_bytes ? bytes_ : flops_)});
    }

    void linear(DType type, size_t rows, size_t in, size_t out) {
        Buffer weight = Buffer::of<float>(in * out), x = Buffer::of<float>(rows * in),
               y = Buffer::of<float>(rows * out);
        fill(weight.as<float>(), 1);
        fill(x.as<float>(), 2);
        Linear linear(ConstMatrix(weight.as<float>().data(), in, out), type);
        bool few = rows <= 4;
        measure(
            "matmul " + std::string(dtype_name(type)) + ", " + text(rows) + " rows, " + text(in) + " x " + text(out),
            few ? double(linear.bytes()) : 2.0 * double(rows * in * out), few, [&] {
                linear.apply(context_, {x.as<float>().data(), rows, in}, {y.as<float>().data(), rows, out});
            });
    }

    void attention(DType type, size_t rows, size_t keys, size_t heads, size_t kv_heads, size_t head_dim) {
        size_t cols = kv_heads * head_dim;
        Buffer floats = Buffer::of<float>(keys * cols), q = Buffer::of<float>(rows * heads * head_dim);
        Buffer out = Buffer::of<float>(rows * heads * head_dim), stored = Buffer(keys * cols * dtype_bytes(type));
        Buffer scales = Buffer::of<float>(keys * kv_heads);
        fill(floats.as<float>(), 3);
        fill(q.as<float>(), 4);
        if (type == DType::f16) convert(floats.as<float>(), stored.as<Half>());
        if (type == DType::i8)
            quantize_heads({floats.as<float>().data(), keys, cols}, kv_heads, stored.as<int8_t>().data(), cols,
                           scales.as<float>().data());
        std::vector<KvPiece> pieces;
        for (size_t first = 0; first < keys; first += 256) {
            const std::byte* at = stored.data() + first * cols * dtype_bytes(type);
            const float* scale = scales.as<float>().data() + first * kv_heads;
            pieces.push_back({type, at, at, scale, scale, std::min<size_t>(256, keys - first), cols, first});
        }
        AttentionInput input;
        input.heads = heads;
        input.kv_heads = kv_heads;
        input.head_dim = head_dim;
        input.q = {q.as<float>().data(), rows, heads * head_dim};
        input.pieces = pieces;
        input.scale = 1 / std::sqrt(float(head_dim));
        input.first_row = keys - rows;
        bool few = rows <= 4;
        double seen = double(rows) * double(keys - rows) + double(rows) * double(rows) / 2;  // pairs of row and key
        measure("attention " + std::string(dtype_name(type)) + ", " + text(rows) + " rows, " + text(keys) + " keys, " +
                    text(heads) + "/" + text(kv_heads) + " heads of " + text(head_dim),
                // keys and values are the same memory here, read twice
                few ? 2.0 * double(stored.bytes()) : 4.0 * seen * double(heads * head_dim), few, [&] {
                    attend(context_, input, {out.as<float>().data(), rows, heads * head_dim});
                });
    }

    void retention(size_t rows, size_t heads, size_t head_dim) {
        size_t dim = heads * head_dim;
        Buffer qkv = Buffer::of<float>(3 * rows * dim), decay = Buffer::of<float>(rows * heads);
        Buffer state = Buffer::of<float>(dim * head_dim), out = Buffer::of<float>(rows * dim);
        fill(qkv.as<float>(), 5);
        fill(decay.as<float>(), 6);
        for (float& value : decay.as<float>()) value = -0.05f - 0.05f * value;
        float* at = qkv.as<float>().data();
        RetentionInput input{heads,
                             {at, rows, dim},
                             {at + rows * dim, rows, dim},
                             {at + 2 * rows * dim, rows, dim},
                             {decay.as<float>().data(), rows, heads}};
        // What the recurrence itself takes: decay, outer product and query of the state, 5 operations a value.
        measure("retention, " + text(rows) + " rows, " + text(heads) + " heads of " + text(head_dim),
                5.0 * double(rows * dim * head_dim), false, [&] {
                    lv::retention(context_, input, state.as<float>(), {out.as<float>().data(), rows, dim});
                });
    }

    void conv(const char* name, size_t kernel, size_t in, size_t out, size_t groups, size_t size) {
        std::vector<float> weight(out * (in / groups) * kernel * kernel);
        fill(weight, 7);
        ConvLayer layer;
        layer.name = name;
        layer.inputs = {0};
        layer.kernel = kernel;
        layer.same = true;
        layer.out_channels = out;
        layer.groups = groups;
        layer.activation = Activation::relu6;
        layer.weight = weight;
        size_t wanted[] = {1}, batch = context_.threads();
        ConvPlan plan({&layer, 1}, {size, size, in}, wanted);
        std::vector<float> pictures(batch * size * size * in), maps(batch * size * size * out);
        fill(pictures, 8);
        float* outputs[] = {maps.data()};
        measure(
            std::string(name) + " " + plan.engine() + ", " + text(in) + " to " + text(out) + ", " + text(size) + " px",
            plan.flops() * double(batch), false, [&] { plan.run(context_, batch, pictures.data(), outputs); });
    }

    void checksum(size_t bytes) {
        const Buffer data(bytes);
        measure("crc32c, " + text(bytes >> 20) + " MiB in blocks", double(bytes), true, [&] {
            context_.parallel_for(0, bytes >> 20, 1, [&](size_t first, size_t last) {
                crc32c({data.data() + (first << 20), (last - first) << 20});
            });
        });
        const std::span<const std::byte> part(data.data(), bytes / 16);
        measure("crc32c by table, one thread, " + text(part.size() >> 20) + " MiB", double(part.size()), true,
                [&] { crc32c_by_table(part); });
    }

    std::vector<KernelFigure> figures;

   private:
    static std::string text(size_t number) { return std::to_string(number); }
    const Context& context_;
    double flops_, bytes_;
};

}  // namespace

std::vector<KernelFigure> kernel_figures(const Context& context) {
    Bench bench(context);
    bench.linear(DType::f32, 512, 192, 512);
    for (DType type : {DType::f32, DType::f16, DType::bf16, DType::i8}) bench.linear(type, 512, 768, 2048);
    for (DType type : {DType::f32, DType::f16, DType::bf16, DType::i8}) bench.linear(type, 1, 3072, 8192);
    bench.attention(DType::f16, 1, 500000, 6, 2, 64);
    bench.attention(DType::i8, 1, 500000, 6, 2, 64);
    bench.attention(DType::f16, 512, 4096, 12, 4, 64);
    bench.retention(1024, 3, 64);
    bench.retention(1024, 12, 64);
    bench.conv("pointwise conv", 1, 96, 192, 1, 40);
    bench.conv("depthwise conv", 5, 192, 192, 192, 40);
    bench.conv("dense conv", 3, 64, 64, 1, 40);
    bench.checksum(size_t{256} << 20);
    return std::move(bench.figures);
}

}  // namespace lv
