#include "app/bench.h"
#include "kernels/yardstick.h"

namespace lv {

std::vector<BenchTable> bench_kernels(const BenchRun& run) {
    run.talk.say("kernels");
    BenchTable table{
        .name = "kernels",
        .title = "Every kernel alone, beside what bounds it",
        .columns = {{"kernel", BenchUnit::text},
                    {"a call", BenchUnit::ms},
                    {"rate", BenchUnit::text},
                    {"share of its bound", BenchUnit::share}},
        .rows = {},
        .notes = {"Arithmetic is held against the matmul peak, moving of bytes against the reading bandwidth."}};
    for (const KernelFigure& figure : kernel_figures(run.context)) {
        const double rate = figure.amount / figure.seconds;
        const std::string rate_text =
            figure.is_bytes ? cell_text(rate, BenchUnit::bytes) + "/s" : cell_text(rate / 1e9, BenchUnit::gflops);
        table.rows.push_back({figure.name, figure.seconds * 1e3, rate_text, figure.share});
    }
    return {table};
}

}  // namespace lv
