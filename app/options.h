// The command line as plain values: what to do, to which files, how.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "app/agent_options.h"
#include "app/bench_options.h"
#include "app/captions.h"
#include "app/memory_options.h"
#include "app/model_options.h"
#include "app/row_stream.h"

namespace lv {

struct AskOptions {
    ModelOptions model;
    SamplingOptions sampling;
    bool sampling_given = false;  // --fps or --keyframes
    MemoryChoice memory;
    std::string video;  // a path, a URL, or "-" for a pipe; empty: a loaded memory alone
    std::vector<std::string> questions;
    bool ask_from_stdin = false;  // more questions, one a line, after those above
    bool chat = false;            // a conversation: every question knows those before it
    bool json = false;
    bool quiet = false;
};

struct CaptionOptions {
    ModelOptions model;
    SamplingOptions sampling;
    std::vector<std::string> videos;
    std::vector<CaptionFormat> formats;
    std::string out;  // folder; empty: captions go to stdout
    int64_t every_us = 10'000'000;
    bool resume = false;
    int jobs = 1;
    bool quiet = false;
};

struct InfoOptions {
    ModelOptions model;  // its directory may be the file of a saved memory
    bool json = false;
};

// Text to print on stdout and be done (help, version).
struct ShowText {
    std::string text;
};

using Command = std::variant<ShowText, AskOptions, AgentOptions, CaptionOptions, InfoOptions, BenchOptions>;

// Throws UsageError, with a hint where the help is, when the arguments make no sense.
Command parse_options(int argc, const char* const* argv);

}  // namespace lv
