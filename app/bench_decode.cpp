#include <algorithm>

#include "app/bench_models.h"
#include "engine/measure.h"
#include "kernels/yardstick.h"

namespace lv {
namespace {

// A memory whose caches hold `rows` rows of zeros, as after reading that many: a Transformer would take minutes to
// read them, and a decode step costs the same whatever the values are.
Memory filled_with_zeros(const std::shared_ptr<const Model>& model, size_t rows) {
    const Config& config = model->config();
    Buffer zeros = Buffer::of<float>(most_chunk_rows * config.kv_dim());
    Memory memory(model);
    // The door is read-only for everybody else; `memory` is ours and not const, so this is no lie to the compiler.
    State& state = const_cast<State&>(memory.state());
    for (size_t row = 0; row < rows; row += most_chunk_rows) {
        const ConstMatrix kv(zeros.as<float>().data(), std::min(most_chunk_rows, rows - row), config.kv_dim());
        if (config.has_cross()) state.cache.append(kv, kv);
        for (size_t layer = 0; layer < state.layers.size(); ++layer) {
            if (config.layers[layer] == LayerKind::full) state.layers[layer].cache.append(kv, kv);
            if (config.layers[layer] == LayerKind::sliding) state.layers[layer].window.append(kv, kv);
        }
    }
    state.rows = rows;
    return memory;
}

Rate decode_rate(const BenchRun& run, const std::shared_ptr<const Model>& model, size_t rows) {
    Workspace work(run.context, model->config());
    return measure_decode(work, filled_with_zeros(model, rows));
}

}  // namespace

std::vector<BenchTable> bench_decode(const BenchRun& run) {
    run.talk.say("decode: the machine's memory bandwidth");
    const double bandwidth = read_bandwidth(run.context);
    BenchTable table{.name = "decode",
                     .title = "Tokens of an answer a second, by the length of the memory",
                     .columns = {{"tokens in memory", BenchUnit::count},
                                 {"model", BenchUnit::text},
                                 {"YOCO", BenchUnit::per_second, true},
                                 {"a token", BenchUnit::ms},
                                 {"share of bandwidth", BenchUnit::share},
                                 {"Transformer", BenchUnit::per_second, true},
                                 {"YOCO / Transformer", BenchUnit::times}},
                     .rows = {},
                     .notes = {"Reading bandwidth of this machine: " + cell_text(bandwidth, BenchUnit::bytes) +
                               "/s; small models and short memories stay in the processor's own caches."}};
    const std::vector<size_t> lengths = lengths_of(run, {1 << 10, 1 << 13, 1 << 16, 1 << 19}, 1);
    for (const BenchModel& yoco : bench_models(run)) {
        const BenchModel transformer = transformer_beside(yoco);
        for (const size_t rows : lengths) {
            if (run.stop.stop_requested()) break;
            run.talk.say("decode: " + yoco.name + ", " + cell_text(rows, BenchUnit::count) + " tokens");
            const Rate ours = decode_rate(run, yoco.model, rows);
            const Rate theirs = decode_rate(run, transformer.model, rows);
            table.rows.push_back({rows, yoco.name, 1 / ours.seconds, ours.seconds * 1e3,
                                  ours.bytes_per_second / bandwidth, 1 / theirs.seconds,
                                  theirs.seconds / ours.seconds});
        }
    }
    return {table};
}

}  // namespace lv
