#include <algorithm>
#include <chrono>

#include "app/bench.h"
#include "app/loaded_model.h"
#include "app/model_path.h"
#include "kernels/yardstick.h"

namespace lv {
namespace {

constexpr int height = 180;  // of a 16:9 picture whose long side is what the net reads

Picture noise_picture(int long_side) {
    Picture picture{long_side, height, std::vector<uint8_t>(static_cast<size_t>(long_side) * height * 3)};
    uint32_t state = 1;
    for (uint8_t& value : picture.rgb) value = static_cast<uint8_t>((state = state * 1664525u + 1013904223u) >> 24);
    return picture;
}

// Median seconds of looking at `batch` pictures at once.
double look_seconds(const Context& context, const VisionModel& vision, size_t batch) {
    const Picture picture = noise_picture(vision.long_side());
    const std::vector<const Picture*> pictures(batch, &picture);
    vision.look(context, pictures);
    std::vector<double> times;
    for (double spent = 0; times.size() < 5 || spent < 1;) {
        const auto start = std::chrono::steady_clock::now();
        vision.look(context, pictures);
        times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        spent += times.back();
    }
    const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end());
    return *middle;
}

}  // namespace

std::vector<BenchTable> bench_encode(const BenchRun& run) {
    const auto model = load_model(find_model(run.options.model.dir));
    const VisionModel& vision = *model->vision;
    const auto canvas_height = static_cast<size_t>((height + 31) / 32 * 32);
    const double flops = vision.net().flops(canvas_height, static_cast<size_t>(vision.long_side()));
    BenchTable table{.name = "encode",
                     .title = "Frames through the vision net: scaled, seen, objects found",
                     .columns = {{"threads", BenchUnit::count},
                                 {"frames at once", BenchUnit::count},
                                 {"frames", BenchUnit::per_second},
                                 {"a frame", BenchUnit::ms},
                                 {"arithmetic", BenchUnit::gflops},
                                 {"share of matmul peak", BenchUnit::share}},
                     .rows = {},
                     .notes = {cell_text(flops / 1e9, BenchUnit::gflops).substr(0, 4) + " GFLOP a frame of " +
                               std::to_string(vision.long_side()) + "x" + std::to_string(height) + "."}};
    std::vector<size_t> threads{1};
    if (run.context.threads() > 1) threads.push_back(run.context.threads());
    for (const size_t count : threads) {
        const Context context(count);
        run.talk.say("encode: " + std::to_string(count) + " threads");
        const double peak = sgemm_peak(context);
        for (const size_t batch : {size_t{1}, size_t{8}}) {
            const double seconds = look_seconds(context, vision, batch);
            const double rate = static_cast<double>(batch) / seconds;
            table.rows.push_back({count, batch, rate, 1e3 / rate, flops * rate / 1e9, flops * rate / peak});
        }
    }
    return {table};
}

}  // namespace lv
