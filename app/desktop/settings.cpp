#include "app/desktop/settings.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>
#include <tuple>

#include "kernels/core/atomic_file.h"
#include "kernels/core/error.h"
#include "vision/location.h"

namespace lv {
namespace fs = std::filesystem;
namespace {

using nlohmann::ordered_json;

// Takes a value of the right type in [least, most]; leaves `value` alone otherwise.
template <typename T>
void take_number(const ordered_json& object, const char* name, T& value, T least, T most) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_number()) return;
    const double read = found->get<double>();
    if (read >= static_cast<double>(least) && read <= static_cast<double>(most)) value = static_cast<T>(read);
}

void take_flag(const ordered_json& object, const char* name, bool& value) {
    const auto found = object.find(name);
    if (found != object.end() && found->is_boolean()) value = found->get<bool>();
}

void take_text(const ordered_json& object, const char* name, std::string& value) {
    const auto found = object.find(name);
    if (found != object.end() && found->is_string()) value = found->get<std::string>();
}

void take_choice(const ordered_json& object, const char* name, std::string& value,
                 const std::vector<std::string>& choices) {
    std::string read;
    take_text(object, name, read);
    if (std::find(choices.begin(), choices.end(), read) != choices.end()) value = read;
}

void take_all(const ordered_json& object, Settings& settings) {
    std::string theme;
    take_text(object, "theme", theme);
    if (theme == "light") settings.theme = Theme::light;
    take_number(object, "font_px", settings.font_px, 11.0f, 28.0f);
    take_number(object, "scale", settings.scale, 0.5f, 4.0f);
    take_number(object, "left_share", settings.left_share, 0.2f, 0.9f);
    take_number(object, "player_share", settings.player_share, 0.2f, 0.9f);
    take_number(object, "chat_share", settings.chat_share, 0.2f, 0.9f);
    take_number(object, "window_width", settings.window_width, 320, 16384);
    take_number(object, "window_height", settings.window_height, 240, 16384);
    take_flag(object, "show_boxes", settings.show_boxes);
    take_flag(object, "show_names", settings.show_names);
    take_flag(object, "show_meters", settings.show_meters);
    take_text(object, "model_dir", settings.model_dir);
    take_number(object, "fps", settings.fps, 0.001, 60.0);
    take_flag(object, "keyframes", settings.keyframes);
    take_number(object, "threads", settings.threads, 0, 1024);
    take_choice(object, "device", settings.device, device_names());
    take_choice(object, "cache", settings.cache, {"f16", "int8", "f32"});
    take_number(object, "temperature", settings.temperature, 0.0f, 2.0f);
    take_number<uint64_t>(object, "budget_mib", settings.budget_mib, 0, uint64_t{1} << 30);
    take_number(object, "price_per_million", settings.price_per_million, 0.0, 1e6);
    take_number(object, "watts", settings.watts, 0.0, 1e5);
    take_number(object, "price_per_kwh", settings.price_per_kwh, 0.0, 1e4);
    take_text(object, "folder", settings.folder);
    if (const auto recent = object.find("recent"); recent != object.end() && recent->is_array())
        for (const ordered_json& source : *recent)
            if (source.is_string() && settings.recent.size() < Settings::most_recent)
                settings.recent.push_back(without_password(source.get<std::string>()));
}

}  // namespace

void Settings::remember(const std::string& source) {
    const std::string name = without_password(source);
    std::erase(recent, name);
    recent.insert(recent.begin(), name);
    if (recent.size() > most_recent) recent.resize(most_recent);
}

Settings KeptSettings::of(const Settings& now) {
    Settings kept = now;
    const auto keep = [&](auto Settings::*part) {
        if (now.*part != begun_.*part) before_.*part = begun_.*part = now.*part;
        kept.*part = before_.*part;
    };
    keep(&Settings::model_dir);
    keep(&Settings::fps);
    keep(&Settings::keyframes);
    keep(&Settings::threads);
    return kept;
}

bool watch_alike(const Settings& a, const Settings& b) {
    const auto parts = [](const Settings& settings) {
        return std::tie(settings.model_dir, settings.fps, settings.keyframes, settings.threads, settings.device,
                        settings.cache, settings.temperature, settings.budget_mib);
    };
    return parts(a) == parts(b);
}

// The engine has a CPU half alone so far.
std::vector<std::string> device_names() { return {"auto", "cpu"}; }

fs::path settings_path(const char* xdg_config_home, const char* home) {
    const bool named = xdg_config_home && *xdg_config_home == '/';  // the XDG rules: relative paths do not count
    const fs::path config = named ? fs::path(xdg_config_home) : fs::path(home && *home ? home : ".") / ".config";
    return config / "longview" / "desktop.json";
}

Settings read_settings(const fs::path& path) {
    Settings settings;
    std::ifstream file(path);
    const ordered_json object = ordered_json::parse(file, nullptr, false);
    if (object.is_object()) take_all(object, settings);
    return settings;
}

void write_settings(const Settings& settings, const fs::path& path) {
    const ordered_json object{{"theme", settings.theme == Theme::light ? "light" : "dark"},
                              {"font_px", settings.font_px},
                              {"scale", settings.scale},
                              {"left_share", settings.left_share},
                              {"player_share", settings.player_share},
                              {"chat_share", settings.chat_share},
                              {"window_width", settings.window_width},
                              {"window_height", settings.window_height},
                              {"show_boxes", settings.show_boxes},
                              {"show_names", settings.show_names},
                              {"show_meters", settings.show_meters},
                              {"model_dir", settings.model_dir},
                              {"fps", settings.fps},
                              {"keyframes", settings.keyframes},
                              {"threads", settings.threads},
                              {"device", settings.device},
                              {"cache", settings.cache},
                              {"temperature", settings.temperature},
                              {"budget_mib", settings.budget_mib},
                              {"price_per_million", settings.price_per_million},
                              {"watts", settings.watts},
                              {"price_per_kwh", settings.price_per_kwh},
                              {"folder", settings.folder},
                              {"recent", settings.recent}};
    std::error_code code;
    fs::create_directories(path.parent_path(), code);
    require(!code, "saving the settings: the folder ", path.parent_path().string(), " cannot be made (", code.message(),
            "); name another one in XDG_CONFIG_HOME");
    AtomicFile file(path);
    file.write(object.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n");
    file.commit();
}

}  // namespace lv
