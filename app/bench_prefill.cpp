#include "app/bench_models.h"
#include "engine/measure.h"
#include "kernels/yardstick.h"

namespace lv {
namespace {

Rate prefill_rate(const BenchRun& run, const std::shared_ptr<const Model>& model, size_t rows) {
    Workspace work(run.context, model->config());
    return measure_prefill(work, model, rows);
}

}  // namespace

std::vector<BenchTable> bench_prefill(const BenchRun& run) {
    run.talk.say("prefill: the machine's matmul peak");
    const double peak = sgemm_peak(run.context);
    BenchTable table{.name = "prefill",
                     .title = "Tokens of video read into the memory a second",
                     .columns = {{"tokens", BenchUnit::count},
                                 {"model", BenchUnit::text},
                                 {"YOCO", BenchUnit::per_second, true},
                                 {"arithmetic", BenchUnit::gflops},
                                 {"share of matmul peak", BenchUnit::share},
                                 {"Transformer", BenchUnit::per_second, true},
                                 {"YOCO / Transformer", BenchUnit::times}},
                     .rows = {},
                     .notes = {"Matmul peak of this machine, f32: " + cell_text(peak / 1e9, BenchUnit::gflops) + "."}};
    const std::vector<size_t> lengths = lengths_of(run, {1 << 10, 1 << 12, 1 << 14}, 1);
    for (const BenchModel& yoco : bench_models(run)) {
        const BenchModel transformer = transformer_beside(yoco);
        for (const size_t rows : lengths) {
            if (run.stop.stop_requested()) break;
            run.talk.say("prefill: " + yoco.name + ", " + cell_text(rows, BenchUnit::count) + " tokens");
            const Rate ours = prefill_rate(run, yoco.model, rows);
            const Rate theirs = prefill_rate(run, transformer.model, rows);
            table.rows.push_back({rows, yoco.name, ours.rows_per_second, ours.flops_per_second / 1e9,
                                  ours.flops_per_second / peak, theirs.rows_per_second,
                                  ours.rows_per_second / theirs.rows_per_second});
        }
    }
    return {table};
}

}  // namespace lv
