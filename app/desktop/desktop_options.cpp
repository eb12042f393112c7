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
    CLI::App app("Opens the window: watch videos, ask about them, see why.", "longview");
    app.footer(
        "Several videos become one memory. In the window F1 lists the keys.\n'longview --help' tells of the commands.");
    app.add_option("VIDEO", options.sources, "Files, folders or URLs to be opened at once")->type_name("");
    app.add_option("--model", options.model.dir,
                   "Model directory (default: $LONGVIEW_MODEL, else the one that came with it)")
        ->type_name("DIR");
    app.add_option("--threads", options.model.threads, "Threads to use (default: all cores)")
        ->type_name("N")
        ->transform(threads_check());
    app.add_option("--fps", fps, "Frames looked at per second of video (default: as its settings say)")
        ->type_name("N")
        ->check(fps_check());
    app.add_flag("--keyframes", options.keyframes, "Decode key frames only: a quick look");
    app.add_flag("--timings", options.timings, "At the end, say on stderr how fast it drew and watched");
    app.add_flag("--measure", options.measure, "End when all is watched");
    app.add_flag("--play", options.play, "With --measure: play meanwhile");
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        options.help = app.help();
    } catch (const CLI::ParseError& error) {
        throw UsageError(std::string("opening the window: ") + error.what() + "; see 'longview . --help'");
    }
    if (fps > 0) options.fps = fps;
    return options;
}

}  // namespace lv
