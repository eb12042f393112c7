// The built program as a user runs it: arguments in; exit code, stdout and stderr out.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tests/temporary_folder.h"

namespace lv::test {

struct RunRequest {
    std::vector<std::string> arguments;
    std::string input;                 // written to stdin, which then ends
    std::string input_file;            // instead: a file or FIFO as stdin
    std::string output_file;           // stdout goes there instead of into Outcome::out, e.g. /dev/full
    std::vector<std::string> settings; // "NAME=value" added to the environment
    bool terminal = false;             // stderr is a terminal of 100 columns
    // Called with all of stderr so far each time some comes; returning true sends SIGINT (once).
    std::function<bool(const std::string&)> interrupt_when;
};

struct Outcome {
    int exit_code = -1;  // 128 + signal when a signal ended it
    std::string out, err;
    long peak_rss_kib = 0;
};

// Runs longview and waits for its end. Outcome::err starts with "cannot run" when it could not be started.
Outcome run_longview(const RunRequest& request);
Outcome run_longview(std::vector<std::string> arguments);

// Any other program (ffmpeg, ffprobe) found on PATH; `arguments` starts with its name.
Outcome run_other(std::vector<std::string> arguments);
bool has_program(const std::string& name);

// How often `part` stands in `text`.
size_t count(const std::string& text, const std::string& part);

}  // namespace lv::test
