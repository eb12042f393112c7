#include "app/model_path.h"

#include <cstdlib>
#include <string_view>
#include <system_error>
#include <vector>

#include "kernels/core/error.h"

namespace lv {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view advice =
    "a model directory holds config.json, model.safetensors, vision.safetensors and tokenizer.model; name one with "
    "--model DIR";

fs::path require_model(const fs::path& dir, std::string_view named_by) {
    std::error_code ignored;
    if (!fs::exists(dir, ignored))
        throw UsageError(std::string(named_by) + ": there is no model directory " + dir.string() + "; " +
                         std::string(advice));
    if (!fs::is_directory(dir, ignored))
        throw UsageError(std::string(named_by) + ": " + dir.string() + " is a file, not a model directory; " +
                         std::string(advice));
    if (!fs::exists(dir / "config.json", ignored))
        throw UsageError(std::string(named_by) + ": " + dir.string() + " has no config.json; " + std::string(advice));
    return dir;
}

}  // namespace

fs::path program_folder() {
    std::error_code code;
    const fs::path program = fs::read_symlink("/proc/self/exe", code);
    return code ? fs::current_path() : program.parent_path();
}

fs::path find_model(const std::string& asked) {
    if (!asked.empty()) return require_model(asked, "opening the model");
    if (const char* from_environment = std::getenv("LONGVIEW_MODEL"); from_environment && *from_environment)
        return require_model(from_environment, "$LONGVIEW_MODEL");
    const std::vector<fs::path> places{program_folder() / "../share/longview/models/mini",
                                       fs::path(LV_SOURCE_DIR) / "assets/models/mini"};
    std::string tried;
    for (const fs::path& place : places) {
        std::error_code ignored;
        if (fs::exists(place / "config.json", ignored)) return fs::weakly_canonical(place);
        tried += (tried.empty() ? "" : ", ") + place.lexically_normal().string();
    }
    throw UsageError("no model found (looked in " + tried + "); " + std::string(advice));
}

}  // namespace lv
