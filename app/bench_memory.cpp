#include "app/bench_day.h"
#include "app/bench_models.h"
#include "engine/measure.h"
#include "kernels/core/error.h"

namespace lv {
namespace {

// The table reckons, since a Transformer would take hours to read the longer lengths; here the sums are held against
// memories that really have read.
void check_sums(const BenchRun& run, const std::shared_ptr<const Model>& model, size_t rows, DType type) {
    const MemoryOptions options{.cache_type = type};
    Workspace work(run.context, model->config());
    Memory memory(model, options);
    fill_memory(work, memory, rows);
    const MemoryBytes real = memory.bytes(), reckoned = reckon_memory(model->config(), rows, options);
    require(real.state == reckoned.state && real.cache == reckoned.cache, "the reckoned bytes of ", rows, " tokens (",
            reckoned.state, " + ", reckoned.cache, ") are not the real ones (", real.state, " + ", real.cache, ")");
}

// fork() copies the state, whatever the length.
BenchTable fork_table(const BenchRun& run, const std::vector<BenchModel>& models) {
    BenchTable table{.name = "memory_fork",
                     .title = "Cost of fork(), by the length of the memory",
                     .columns = {{"tokens", BenchUnit::count},
                                 {"model", BenchUnit::text},
                                 {"fork", BenchUnit::us, true},
                                 {"against the shortest", BenchUnit::times}},
                     .rows = {},
                     .notes = {"Measured on caches of made-up values."}};
    for (const BenchModel& model : models) {
        run.talk.say("memory: forks of " + model.name);
        double shortest = 0;
        for (const size_t rows : {1 << 10, 1 << 15, 1 << 20}) {
            const double fork = measure_fork(made_up_memory(model.model, rows), 200);
            if (shortest == 0) shortest = fork;
            table.rows.push_back({rows, model.name, fork * 1e6, fork / shortest});
        }
    }
    return table;
}

}  // namespace

std::vector<BenchTable> bench_memory(const BenchRun& run) {
    constexpr size_t checked = 1024;
    BenchTable table{
        .name = "memory",
        .title = "Bytes of a memory by its length: YOCO beside a Transformer of equal size",
        .columns = {{"tokens", BenchUnit::count},
                    {"model", BenchUnit::text},
                    {"YOCO state", BenchUnit::bytes, true},
                    {"YOCO cache", BenchUnit::bytes, true},
                    {"in int8", BenchUnit::bytes, true},
                    {"Transformer cache", BenchUnit::bytes, true},
                    {"Transformer / YOCO", BenchUnit::times},
                    {"with the weights", BenchUnit::times}},
        .rows = {},
        .notes = {"The paper (3B, GPU): 9.4x at 1M tokens, weights counted.",
                  "Cache in f16. Besides, both keep 8 bytes a token for its time.",
                  "Reckoned, and found equal to memories that really read " + std::to_string(checked) + " tokens."}};
    const std::vector<size_t> lengths = lengths_of(run, {1 << 10, 1 << 13, 1 << 16, 1 << 19, 1 << 20}, 0);
    const std::vector<BenchModel> models = bench_models(run);
    for (const BenchModel& yoco : models) {
        const BenchModel transformer = transformer_beside(yoco);
        run.talk.say("memory: " + yoco.name);
        check_sums(run, yoco.model, checked, DType::f16);
        check_sums(run, yoco.model, checked, DType::i8);
        check_sums(run, transformer.model, checked, DType::f16);
        for (const size_t rows : lengths) {
            const MemoryBytes small = reckon_memory(yoco.model->config(), rows);
            const MemoryBytes large = reckon_memory(transformer.model->config(), rows);
            table.rows.push_back(
                {rows, yoco.name, small.state, small.cache,
                 reckon_memory(yoco.model->config(), rows, {.cache_type = DType::i8}).cache, large.cache,
                 static_cast<double>(large.state + large.cache) / static_cast<double>(small.state + small.cache),
                 static_cast<double>(transformer.model->bytes() + large.total()) /
                     static_cast<double>(yoco.model->bytes() + small.total())});
        }
    }
    return {table, fork_table(run, models), bench_day(run)};
}

}  // namespace lv
