#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

#include "app/desktop/desktop.h"
#include "app/desktop/folder_list.h"
#include "app/option_checks.h"
#include "kernels/core/error.h"

namespace lv {
namespace {

constexpr std::array<std::string_view, 8> others{"ask",   "caption", "agent", "info",
                                                 "bench", "--help",  "-h",    "--version"};

bool is_source(const std::string& word) {
    std::error_code ignored;
    return names_a_stream(word) || std::filesystem::exists(word, ignored);
}

}  // namespace

std::optional<DesktopOptions> parse_desktop(int argc, const char* const* argv) {
    if (argc >= 2) {
        const std::string word = argv[1];
        if (std::find(others.begin(), others.end(), word) != others.end()) return std::nullopt;
        if (word.empty() || (word[0] != '-' && !is_source(word))) return std::nullopt;
    }
    DesktopOptions options;
    double fps = 0;
    CLI::App app("", "longview");
    app.add_option("VIDEO", options.sources);
    app.add_option("--model", options.model.dir);
    app.add_option("--threads", options.model.threads)->transform(threads_check());
    app.add_option("--fps", fps)->check(fps_check());
    app.add_flag("--keyframes", options.keyframes);
    app.add_flag("--timings", options.timings);
    app.add_flag("--measure", options.measure);
    app.add_flag("--play", options.play);
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        return std::nullopt;
    } catch (const CLI::ParseError& error) {
        throw UsageError(std::string("opening the window: ") + error.what() + "; see 'longview --help'");
    }
    if (fps > 0) options.fps = fps;
    return options;
}

}  // namespace lv
