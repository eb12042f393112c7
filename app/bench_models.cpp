#include "app/bench_models.h"

#include <algorithm>

#include "app/loaded_model.h"
#include "app/model_path.h"
#include "engine/measure.h"

namespace lv {
namespace {

constexpr uint64_t seed = 1;

}  // namespace

std::vector<BenchModel> bench_models(const BenchRun& run) {
    run.talk.say("making the models");
    const std::shared_ptr<const Model> model = load_model(find_model(run.options.model.dir))->language;
    return {{model->config().name, model}, {"100M", Model::random(config_100m(), seed)}};
}

BenchModel transformer_beside(const BenchModel& yoco) {
    return {yoco.name, Model::random(transformer_of(yoco.model->config()), seed)};
}

Memory zero_memory(const std::shared_ptr<const Model>& model, size_t rows, const MemoryOptions& options) {
    const Config& config = model->config();
    Buffer zeros = Buffer::of<float>(most_chunk_rows * config.kv_dim());
    Memory memory(model, options);
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

}  // namespace lv
