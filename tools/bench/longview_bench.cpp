// longview-bench: prefill and decode of a random model by length, YOCO beside a Transformer of equal size, on the CPU
// or a GPU; each figure with its share of what the machine can do. `help` below says how it is called.
#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <vector>

#include "engine/measure.h"
#include "kernels/core/device.h"
#include "kernels/core/error.h"
#include "kernels/yardstick.h"
#include "tools/bench/bench_main.h"
#include "tools/bench/retention_bench.h"

namespace lv {
namespace {

constexpr const char* help =
    R"(Speed of a model with random weights by length: YOCO beside a Transformer of equal size. No file is needed.
Usage: longview-bench [OPTION VALUE]...

  --device cpu|cuda             where it runs (default: cpu)
  --config 100m|3b              3b: the paper's, 26 layers of 3,072 (default: 100m)
  --only yoco|transformer       one of the two (default: both)
  --weights f32|f16|bf16|i8     (default: bf16)
  --cache f16|i8|f16,i8         decode steps with either cache, prefill with the first (default: f16)
  --page ROWS                   of the cache (default: 256)
  --top PAGES                   that a decode step reads: the newest and so many best; 0: all. Several, with commas
                                between, are measured in turn (default: 0)
  --graphs on|off               decode steps as CUDA graphs, or kernel by kernel (default: on)
  --prefill LENGTHS             tokens, with commas between, or none (default: 1024,4096)
  --decode LENGTHS              tokens in the cache, or none (default: 1024,32768)
  --retention LENGTHS           rows through gated retention alone, with the heads of the config (default: none);
                                tools/bench/compare_retention.py sets it beside flash-linear-attention

Examples:
  longview-bench > cpu.json
  longview-bench --device cuda --config 3b --only yoco --prefill 1024,524288 --decode 1048576 > 3b.json

One JSON object goes to stdout: seconds, rates and bytes, each rate with its share of what this machine can do. Talk goes
to stderr. Exit status: 0 done, 1 something failed, 2 wrong arguments.
)";

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

struct Options {
    bool cuda = false, graphs = true;
    std::string config = "100m", only;
    DType weights = DType::bf16;
    std::vector<DType> caches{DType::f16};
    size_t page_rows = 256;
    std::vector<size_t> tops{0}, prefill{1 << 10, 1 << 12}, decode{1 << 10, 1 << 15}, retention;
};

DType type(std::string_view text, std::string_view option) {
    std::string upper(text);
    std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return char(std::toupper(c)); });
    const std::optional<DType> found = dtype_from_name(upper);
    if (!found)
        throw UsageError(std::string(option) + ": found \"" + std::string(text) + "\", expected f32, f16, bf16 or i8");
    return *found;
}

Options parse(int argc, char** argv) {
    Options out;
    for (int i = 1; i < argc; i += 2) {
        const std::string_view option = argv[i];
        if (i + 1 == argc) throw UsageError(std::string(option) + ": expected a value behind it");
        const std::string_view value = argv[i + 1];
        if (option == "--device" && (value == "cpu" || value == "cuda"))
            out.cuda = value == "cuda";
        else if (option == "--config" && (value == "100m" || value == "3b"))
            out.config = value;
        else if (option == "--only" && (value == "yoco" || value == "transformer"))
            out.only = value;
        else if (option == "--weights")
            out.weights = type(value, option);
        else if (option == "--cache") {
            out.caches.clear();
            for (const auto part : std::views::split(value, ','))
                out.caches.push_back(type(std::string_view(part.begin(), part.end()), option));
        } else if (option == "--page")
            out.page_rows = numbers(value, option).at(0);
        else if (option == "--top")
            out.tops = numbers(value, option, "numbers of pages, or 0 for all,", SIZE_MAX, 0);
        else if (option == "--graphs" && (value == "on" || value == "off"))
            out.graphs = value == "on";
        else if (option == "--prefill")
            out.prefill = value == "none" ? std::vector<size_t>{} : numbers(value, option);
        else if (option == "--decode")
            out.decode = value == "none" ? std::vector<size_t>{} : numbers(value, option);
        else if (option == "--retention")
            out.retention = value == "none" ? std::vector<size_t>{} : numbers(value, option);
        else
            throw UsageError("found \"" + std::string(option) + " " + std::string(value) +
                             "\"; expected one of the options that longview-bench --help lists");
    }
    return out;
}

// The shortest of a few runs, in seconds.
template <typename Fn>
double shortest(const Context& context, Fn fn) {
    double best = 1e30;
    for (int run = 0; run < 6; ++run) {
        const auto begin = Clock::now();
        fn();
        if (context.device()) context.device()->wait();
        if (run > 0) best = std::min(best, std::chrono::duration<double>(Clock::now() - begin).count());
    }
    return best;
}

struct Yardstick {
    double bytes_per_second, flops_per_second;
};

// On a GPU: a copy of 1 GiB, read and written, and a product of 8192 rows with a weight of 8192 x 8192 as the model's
// weights rest, the rounding of its input included.
Yardstick measure_yardstick(const Context& context, DType weights) {
    if (!context.device()) return {read_bandwidth(context), sgemm_peak(context)};
    const std::shared_ptr<Device>& device = context.shared_device();
    constexpr size_t bytes = size_t{1} << 30, size = 8192;
    Yardstick out{};
    {
        Buffer from(bytes, device), to(bytes, device);
        out.bytes_per_second = 2.0 * bytes / shortest(context, [&] { device->copy(from.data(), to.data(), bytes); });
    }
    std::vector<float> values(size * size);
    uint32_t state = 1;
    for (float& value : values) value = float(int32_t(state = state * 1664525 + 1013904223)) * 0x1p-31f;
    Linear linear(ConstMatrix(values.data(), size, size), weights);
    linear.place(device);
    const Floats x(values, device);
    Floats y(size * size, device);
    out.flops_per_second = 2.0 * size * size * size / shortest(context, [&] {
                               linear.apply(context, {x.span().data(), size, size}, {y.span().data(), size, size});
                           });
    return out;
}

Json measure_step(const Context& context, const Memory& memory, size_t top_pages, const Yardstick& yardstick) {
    Workspace work(context, memory.model().config(), {.top_pages = top_pages});
    const Rate rate = measure_decode(work, memory);
    return {{"rows", memory.rows()},
            {"cache", dtype_name(memory.options().cache_type)},
            {"top_pages", top_pages},
            {"seconds", rate.seconds},
            {"tokens_per_second", rate.rows_per_second},
            {"share_of_bandwidth", rate.bytes_per_second / yardstick.bytes_per_second},
            {"first_token_seconds", measure_first_token(work, memory)},
            {"memory_bytes", memory.bytes().total()}};
}

// At once, so that what has been measured is not lost with what comes behind.
void tell(const char* name, const Json& figures) { std::fprintf(stderr, "%s %s\n", name, figures.dump().c_str()); }

Json measure(const Context& context, const Options& options, const Config& config, const Yardstick& yardstick) {
    std::fprintf(stderr, "making %s\n", config.name.c_str());
    const auto model = Model::random(config, 1, options.weights, context.shared_device());
    const MemoryOptions kept{.cache_type = options.caches[0], .page_rows = options.page_rows};
    Json out{{"config", config.name},
             {"parameters", config.parameters()},
             {"weight_bytes", model->bytes()},
             {"prefill", Json::array()},
             {"decode", Json::array()}};
    Workspace work(context, config);
    for (const size_t rows : options.prefill) {
        const Rate rate = measure_prefill(work, model, rows, 0, kept, 2);
        out["prefill"].push_back({{"rows", rows},
                                  {"seconds", rate.seconds},
                                  {"rows_per_second", rate.rows_per_second},
                                  {"share_of_matmul", rate.flops_per_second / yardstick.flops_per_second},
                                  {"memory_bytes", reckon_memory(config, rows, kept).total()}});
        tell("prefill", out["prefill"].back());
    }
    for (const DType cache : options.caches)
        for (const size_t rows : options.decode) {
            const Memory memory = made_up_memory(model, rows, {.cache_type = cache, .page_rows = options.page_rows});
            for (const size_t top : options.tops) {
                out["decode"].push_back(measure_step(context, memory, top, yardstick));
                tell("decode", out["decode"].back());
            }
        }
    return out;
}

int run(const Options& options) {
    const Context context(0, options.cuda ? open_cuda({.graphs = options.graphs}) : nullptr);
    const Yardstick yardstick = measure_yardstick(context, options.weights);
    Json report{{"machine", context.device() ? context.device()->name() : machine_name(context)},
                {"build", build_name()},
                {"weights", dtype_name(options.weights)},
                {"page_rows", options.page_rows},
                {"bytes_per_second", yardstick.bytes_per_second},
                {"flops_per_second", yardstick.flops_per_second},
                {"models", Json::array()}};
    const Config yoco = options.config == "3b" ? config_3b() : config_100m();
    if (!options.retention.empty()) report["retention"] = measure_retention(context, yoco, options.retention);
    const bool models = !options.prefill.empty() || !options.decode.empty();
    if (models && options.only != "transformer") report["models"].push_back(measure(context, options, yoco, yardstick));
    if (models && options.only != "yoco")
        report["models"].push_back(measure(context, options, transformer_of(yoco), yardstick));
    std::printf("%s\n", report.dump(2).c_str());
    return 0;
}

}  // namespace
}  // namespace lv

int main(int argc, char** argv) { return lv::bench_main("longview-bench", lv::help, argc, argv, lv::parse, lv::run); }
