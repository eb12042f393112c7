// What the window remembers between runs: a small JSON file in the XDG config folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace lv {

enum class Theme { dark, light };

struct Settings {
    // The look.
    Theme theme = Theme::dark;
    float font_px = 15;                            // at scale 1, 11..28
    float scale = 0;                               // of everything; 0: as the screen says, else 0.5..4
    float left_share = 0.70f;                      // of the window's width: player and timeline
    float player_share = 0.70f;                    // of the left column's height
    float chat_share = 0.56f;                      // of the right column's height
    int window_width = 1280, window_height = 800;  // px
    bool show_boxes = true, show_names = true, show_meters = true;

    // How videos are watched and questions answered; holds from the next video on.
    std::string model_dir;  // empty: the default
    double fps = 1;
    bool keyframes = false;
    int threads = 0;              // 0: all cores
    std::string device = "auto";  // auto, cpu, cuda
    std::string cache = "f16";    // of a new memory: f16, int8, f32
    float temperature = 0;
    uint64_t budget_mib = 0;  // of the memory; 0: none

    // The cost meter.
    double price_per_million = 0.30;  // dollars for a million tokens elsewhere
    double watts = 35;                // this machine while it watches
    double price_per_kwh = 0.30;      // dollars

    std::vector<std::string> recent;  // sources, newest first, at most most_recent
    std::string folder;               // where the file browser was last

    static constexpr size_t most_recent = 12;
    // Puts a source in front of the recent ones, without its password.
    void remember(const std::string& source);
    bool operator==(const Settings&) const = default;
};

// What is written of the settings of a run that the command line has a say in: what it says holds for this run alone,
// until the user changes it.
class KeptSettings {
   public:
    // `before`: as the file has them; `begun`: with what the command line says.
    KeptSettings(const Settings& before, const Settings& begun) : before_(before), begun_(begun) {}
    // Of the settings as they are now; wants to see every change.
    Settings of(const Settings& now);

   private:
    Settings before_, begun_;
};

// Whether a video opened with the one would be watched and asked as with the other.
bool watch_alike(const Settings& a, const Settings& b);

// The devices that this longview can be told to use; "auto" and "cpu" at least.
std::vector<std::string> device_names();

// $XDG_CONFIG_HOME/longview/desktop.json, or ~/.config/...; given the two variables (either may be null).
std::filesystem::path settings_path(const char* xdg_config_home, const char* home);

// Settings of a file. What is missing, of a wrong type or out of range keeps its default; no file is no error, and
// a damaged one is as good as none.
Settings read_settings(const std::filesystem::path& path);

// Writes aside and renames. Throws Error when the place cannot be written.
void write_settings(const Settings& settings, const std::filesystem::path& path);

}  // namespace lv
