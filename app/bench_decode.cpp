#include <algorithm>

#include "app/bench_models.h"
#include "engine/measure.h"
#include "kernels/yardstick.h"

namespace lv {
namespace {

struct Steps {
    Rate step;
    double first_token_s = 0;
};

Steps steps_of(const BenchRun& run, const std::shared_ptr<const Model>& model, size_t rows) {
    Workspace work(run.context, model->config());
    const Memory memory = made_up_memory(model, rows);
    return {measure_decode(work, memory), measure_first_token(work, memory)};
}

}  // namespace

std::vector<BenchTable> bench_decode(const BenchRun& run) {
    run.talk.say("decode: the machine's memory bandwidth");
    const double bandwidth = read_bandwidth(run.context);
    BenchTable table{
        .name = "decode",
        .title = "Tokens of an answer a second, by the length of the memory",
        .columns = {{"tokens in memory", BenchUnit::count},
                    {"model", BenchUnit::text},
                    {"YOCO", BenchUnit::per_second, true},
                    {"a token", BenchUnit::ms},
                    {"share of bandwidth", BenchUnit::share},
                    {"first token", BenchUnit::ms},
                    {"Transformer", BenchUnit::per_second, true},
                    {"its first token", BenchUnit::ms},
                    {"YOCO / Transformer", BenchUnit::times}},
        .rows = {},
        .notes = {"Reading bandwidth of this machine: " + cell_text(bandwidth, BenchUnit::bytes) +
                      "/s; small models and short memories stay in the processor's own caches.",
                  "First token: of an answer to a question of 12 tokens. The cache, in f16, holds made-up "
                  "values.",
                  "The paper (3B, GPU): 9.6x at 512K tokens, of the throughput of as many streams as fit."}};
    const std::vector<size_t> lengths = lengths_of(run, {1 << 10, 1 << 13, 1 << 16, 1 << 19}, 1);
    for (const BenchModel& yoco : bench_models(run)) {
        const BenchModel transformer = transformer_beside(yoco);
        for (const size_t rows : lengths) {
            if (run.stop.stop_requested()) break;
            run.talk.say("decode: " + yoco.name + ", " + cell_text(rows, BenchUnit::count) + " tokens");
            const Steps ours = steps_of(run, yoco.model, rows), theirs = steps_of(run, transformer.model, rows);
            table.rows.push_back({rows, yoco.name, 1 / ours.step.seconds, ours.step.seconds * 1e3,
                                  ours.step.bytes_per_second / bandwidth, ours.first_token_s * 1e3,
                                  1 / theirs.step.seconds, theirs.first_token_s * 1e3,
                                  theirs.step.seconds / ours.step.seconds});
        }
    }
    return {table};
}

}  // namespace lv
