#include <array>
#include <nlohmann/json.hpp>

#include "app/bench.h"
#include "app/commands.h"
#include "app/loaded_model.h"
#include "app/memory_info.h"
#include "app/model_path.h"
#include "app/output.h"
#include "engine/measure.h"

namespace lv {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr size_t hour_of_tokens = 3600 * 3;  // at 1 frame a second and about three tokens a frame

std::string layers_text(const Config& config) {
    std::string text;
    for (size_t i = 0; i < config.layers.size();) {
        size_t same = i;
        while (same < config.layers.size() && config.layers[same] == config.layers[i]) ++same;
        text += (text.empty() ? "" : ", ") + std::to_string(same - i) + " " + std::string(name_of(config.layers[i]));
        i = same;
    }
    return text;
}

ordered_json info_json(const LoadedModel& model) {
    const Config& config = model.language->config();
    ordered_json parts = ordered_json::array(), layers = ordered_json::array(), files = ordered_json::array();
    for (const ModelPart& part : model.language->parts())
        parts.push_back({{"name", part.name}, {"parameters", part.parameters}, {"bytes", part.bytes}});
    for (const LayerKind kind : config.layers) layers.push_back(name_of(kind));
    for (const auto& entry : fs::directory_iterator(model.directory))
        if (entry.is_regular_file())
            files.push_back({{"name", entry.path().filename().string()}, {"bytes", entry.file_size()}});
    const MemoryBytes hour = reckon_memory(config, hour_of_tokens);
    return {{"directory", model.directory.string()},
            {"name", config.name},
            {"parameters", config.parameters()},
            {"layers", layers},
            {"dim", config.dim},
            {"vocabulary", config.vocab_size},
            {"feature_columns", config.rows.feature_dim},
            {"parts", parts},
            {"kinds", model.kind_names()},
            {"hour_of_video", {{"tokens", hour_of_tokens}, {"state_bytes", hour.state}, {"cache_bytes", hour.cache}}},
            {"files", files}};
}

std::string wrapped(const std::vector<std::string>& words, size_t indent, size_t columns) {
    std::string text, line;
    for (size_t i = 0; i < words.size(); ++i) {
        const std::string word = words[i] + (i + 1 < words.size() ? ", " : "");
        if (indent + line.size() + word.size() > columns) {
            text += line + "\n" + std::string(indent, ' ');
            line.clear();
        }
        line += word;
    }
    return text + line;
}

std::string info_text(const ordered_json& info, const LoadedModel& model) {
    const auto count = [](const ordered_json& value) { return cell_text(value.get<double>(), BenchUnit::count); };
    const auto bytes = [](const ordered_json& value) { return cell_text(value.get<double>(), BenchUnit::bytes); };
    std::string text = info["name"].get<std::string>() + "  " + info["directory"].get<std::string>() + "\n";
    text += "  layers      " + layers_text(model.language->config()) + "; dim " + info["dim"].dump() + "\n";
    text += "  parameters  " + count(info["parameters"]) + "\n";
    for (const ordered_json& part : info["parts"]) {
        const std::string name = part["name"].get<std::string>();
        text += "    " + name + std::string(name.size() < 16 ? 16 - name.size() : 1, ' ') + count(part["parameters"]) +
                " in " + bytes(part["bytes"]) + "\n";
    }
    text += "  vocabulary  " + count(info["vocabulary"]) + " pieces\n";
    const ordered_json& hour = info["hour_of_video"];
    text += "  memory      " + bytes(hour["state_bytes"]) + " of state, whatever the length; an hour of video (" +
            count(hour["tokens"]) + " tokens) adds " + bytes(hour["cache_bytes"]) + " of cache\n";
    text += "  knows       " + wrapped(model.kind_names(), 14, 110) + "\n";
    text += "  files\n";
    for (const ordered_json& file : info["files"])
        text += "    " + file["name"].get<std::string>() + "  " + bytes(file["bytes"]) + "\n";
    return text;
}

}  // namespace

int run_info(const InfoOptions& options) {
    std::error_code none;
    if (fs::is_regular_file(options.model.dir, none)) {
        print_out(memory_info(options.model.dir, options.json));
        return 0;
    }
    const std::shared_ptr<const LoadedModel> model = load_model(find_model(options.model.dir));
    const ordered_json info = info_json(*model);
    print_out(options.json ? info.dump(2) + "\n" : info_text(info, *model));
    return 0;
}

}  // namespace lv
