#include "app/loaded_model.h"

#include "kernels/core/error.h"

namespace lv {

std::shared_ptr<const LoadedModel> load_model(const std::filesystem::path& directory, std::shared_ptr<Device> device) {
    auto model = std::make_shared<LoadedModel>();
    model->directory = directory;
    model->language = Model::load(directory, {.weights = {}, .device = std::move(device)});
    const size_t reads = model->language->config().rows.feature_dim;
    require(reads == row::feature_dim, "Loading the model ", directory.string(), ": config.json says rows of ", reads,
            " columns, but this longview's vision writes ", row::feature_dim, "; use a model made for this version.");
    model->vision = std::make_shared<const VisionModel>(directory);
    return model;
}

}  // namespace lv
