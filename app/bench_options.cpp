#include "app/bench_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>

#include "app/option_checks.h"
#include "kernels/core/error.h"

namespace lv {
namespace {

constexpr const char* examples = R"(Names:
  pipeline   a 720p h264 video at 1 frame a second: times real time, share of bare decoding
  encode     frames a second through the vision net alone
  prefill    rows a second into the memory, share of the machine's matmul peak; mini and a random 100M model
  decode     words a second out of the cross-decoder, by length
  memory     bytes of state and cache by length: YOCO beside a Transformer of equal size
  kernels    every kernel alone: its share of the matmul peak or of the bandwidth of reading
  needle     a few frames of a dog hidden in hours of other things: when, what and where, by depth and length;
             every wrong answer is shown
  answers    how many answers an int8 cache and --attend top:64 change
  agent      a live stream: frames a second, delay, answers meanwhile, overload; precision of standing questions

Examples:
  longview bench                       all of them
  longview bench memory prefill --json > bench.json && tools/plot_bench.py bench.json --out pictures
  longview bench needle --lengths 4K,32K,256K,1M --attend exact,top:64    minutes; asks by depth and length
  longview bench pipeline --video my.mp4
  longview-bench --device cuda --help  the GPU's figures: a program of its own)";

const std::vector<std::string> names{"pipeline", "encode",  "prefill", "decode",
                                     "memory",   "kernels", "needle",  "answers", "agent"};

std::vector<std::string_view> parts_of(std::string_view list) {
    std::vector<std::string_view> parts;
    for (size_t begin = 0; begin <= list.size();) {
        const size_t end = std::min(list.find(',', begin), list.size());
        parts.push_back(list.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

std::vector<size_t> parse_counts(std::string_view list, std::string_view what) {
    std::vector<size_t> counts;
    for (const std::string_view part : parts_of(list)) counts.push_back(parse_count(part, what));
    std::sort(counts.begin(), counts.end());
    counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
    return counts;
}

}  // namespace

size_t parse_count(std::string_view text, std::string_view what) {
    size_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    const std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
    const int shift = unit == "K" || unit == "k" ? 10 : unit == "M" || unit == "m" ? 20 : 0;
    if (error != std::errc() || count == 0 || (shift == 0 && !unit.empty()) || count > (size_t{1} << 40) >> shift)
        throw UsageError(std::string(what) + ": found '" + std::string(text) +
                         "', expected a number above 0 such as 1000, 32K or 1M");
    return count << shift;
}

CLI::App& add_bench_command(CLI::App& app, BenchOptions& options) {
    CLI::App& command = *app.add_subcommand("bench", "Measure this machine, each figure beside its yardstick");
    command.footer(examples);
    command.add_option("NAME", options.names, "Which ones (default: all)")->type_name("")->check(CLI::IsMember(names));
    command.add_option("--video", options.video, "Video for 'pipeline' (default: one is made, 720p h264, 60 s)")
        ->type_name("FILE");
    command.add_flag("--full", options.full, "Longer lengths too; takes minutes");
    command
        .add_option_function<std::string>(
            "--lengths", [&](const std::string& text) { options.lengths = parse_counts(text, "--lengths"); },
            "Tokens in memory, with commas between: 4K,32K,1M")
        ->type_name("LIST");
    command
        .add_option_function<std::string>(
            "--needles", [&](const std::string& text) { options.needles = parse_counts(text, "--needles"); },
            "How many are hidden at once (default: 1,2,4,8)")
        ->type_name("LIST");
    command.add_option("--depths", options.depths, "Places of a single needle (default: 10)")
        ->type_name("N")
        ->transform(whole_number(1, most_needles));
    command.add_option("--trials", options.trials, "Haystacks a length (default: 1; of a needle in up to 64K tokens 4)")
        ->type_name("N")
        ->transform(whole_number(1, 1000));
    command.add_option("--seed", options.seed, "Of the haystacks (default: 1)")
        ->type_name("N")
        ->transform(whole_number(0, UINT64_MAX));
    command
        .add_option_function<std::string>(
            "--cache", [&](const std::string& text) { options.cache = parse_cache(text); },
            "Numbers of the cache: f16, int8 or f32 (default: f16)")
        ->type_name("TYPE");
    command
        .add_option_function<std::string>(
            "--attend",
            [&](const std::string& text) {
                options.attends.clear();
                for (const std::string_view part : parts_of(text))
                    options.attends.push_back(parse_attend(std::string(part)));
            },
            "exact, or top:N: only the best N pages of the cache (default: exact); of several, with commas between, "
            "'needle' makes a comparison")
        ->type_name("LIST");
    command.add_flag("--json", options.json, "As one JSON object, for tools/plot_bench.py");
    command.add_flag("-q,--quiet", options.quiet, "No notes on stderr");
    return command;
}

void check_bench(const BenchOptions& options) {
    if (options.model.device == "cuda")
        throw UsageError("--device cuda: this bench measures the CPU; longview-bench --device cuda measures the GPU");
    if (!options.lengths.empty() && options.lengths.front() < 512)
        throw UsageError("--lengths: found " + std::to_string(options.lengths.front()) + ", expected at least 512");
    if (options.needles.back() > most_needles)
        throw UsageError("--needles: found " + std::to_string(options.needles.back()) + ", expected at most " +
                         std::to_string(most_needles));
}

}  // namespace lv
