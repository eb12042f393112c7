#include "app/bench_models.h"

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

}  // namespace lv
