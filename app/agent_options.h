// `longview agent`: what to watch, what to speak up about, and where to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/memory_options.h"
#include "app/model_options.h"
#include "app/row_stream.h"

namespace CLI {
class App;
}

namespace lv {

struct AgentOptions {
    ModelOptions model;
    SamplingOptions sampling;
    bool sampling_given = false;
    MemoryChoice memory;
    std::string source;
    std::vector<std::string> tell;                         // conditions
    std::vector<std::pair<std::string, int64_t>> regular;  // questions, and every how many microseconds
    int64_t tell_every_us = 0;                             // 0: after every frame
    int confirm = 2;                                       // as EdgeOptions
    int64_t hold_off_us = 10'000'000;
    std::string events, snapshots, socket, record;  // files and folders; empty: none
    int64_t segment_us = 600'000'000;               // of --record
    std::vector<std::string> exec;                  // words of a command; empty: none
    size_t exec_limit = 4;                          // commands that run at once
    int64_t save_every_us = 60'000'000;
    std::optional<int> retries;
    int64_t deadline_us = 10'000'000;
    double speed = 1;  // 0: as fast as it goes
    bool json = false;
    bool quiet = false;
};

// The words as they were given.
struct AgentText {
    MemoryText memory;
    std::vector<std::pair<std::string, std::string>> every;
    std::string tell_every, hold_off, segment, save_every, deadline, speed, exec;
};

CLI::App& add_agent_command(CLI::App& app, AgentOptions& options, AgentText& text);
// Throws UsageError.
void read_agent_options(const CLI::App& command, const AgentText& text, AgentOptions& options);

// A command line as words: spaces part them, quotes '...' and "..." and \ hold together, nothing else is special.
// Throws UsageError where a quote has no end.
std::vector<std::string> split_command(const std::string& text);

}  // namespace lv
