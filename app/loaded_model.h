// A model directory in memory: language and vision, const and shared by all sessions.
#pragma once

#include <filesystem>
#include <memory>

#include "engine/model.h"
#include "vision/encoder.h"

namespace lv {

struct LoadedModel {
    std::filesystem::path directory;
    std::shared_ptr<const Model> language;
    std::shared_ptr<const VisionModel> vision;

    // Of kinds of objects: "person", "bicycle", ...
    const std::vector<std::string>& kind_names() const { return vision->config().objects.classes; }
};

// Reads everything and checks that language and vision fit each other. Throws Error that names the file at fault.
// Language lies on `device`, or on the host when it is null; vision runs where its Context says.
std::shared_ptr<const LoadedModel> load_model(const std::filesystem::path& directory,
                                              std::shared_ptr<Device> device = nullptr);

}  // namespace lv
