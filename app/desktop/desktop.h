// The desktop's door: what `longview` does with no command.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/model_options.h"
#include "app/row_stream.h"

namespace lv {

class Interrupt;

struct DesktopOptions {
    ModelOptions model;
    std::optional<double> fps;  // not set: as the settings say
    bool keyframes = false;
    bool timings = false;              // at the end, say on stderr how fast was drawn and watched
    bool measure = false;              // end when all is watched
    bool play = false;                 // with measure: play meanwhile
    std::string help;                  // was asked for: to be shown, and no window opened
    std::vector<std::string> sources;  // opened at once, as one memory; empty: nothing
};

// The command line of the desktop ("", "VIDEO", "--fps 2 VIDEO", "VIDEO --help"), or nothing when it names another
// command, help or version. Throws UsageError with a hint.
std::optional<DesktopOptions> parse_desktop(int argc, const char* const* argv);

// Opens the window and returns when it is closed: the exit status. Throws Error when there is no screen to open it on
// or this longview was built without it.
int run_desktop(const DesktopOptions& options, const Interrupt& interrupt);

}  // namespace lv
