// Where the model directory is when nobody says.
#pragma once

#include <filesystem>
#include <string>

namespace lv {

// `asked` (--model) when it is not empty; else $LONGVIEW_MODEL; else beside the program: ../share/longview/models/mini
// of an installed one, assets/models/mini of the source tree for one in a build folder. Throws UsageError when the
// named place, or none of the places, has a config.json; says which were tried.
std::filesystem::path find_model(const std::string& asked);

// The folder that holds the running program, links resolved.
std::filesystem::path program_folder();

}  // namespace lv
