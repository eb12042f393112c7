#include "app/agent_options.h"

#include <CLI/CLI.hpp>
#include <cctype>

#include "app/option_checks.h"
#include "app/standing_question.h"
#include "app/time_text.h"
#include "kernels/core/error.h"

namespace lv {
namespace {

constexpr size_t usual_budget = size_t{256} << 20;

constexpr const char* sources =
    R"(Sources: a file (played at its own pace), - (a pipe), rtsp:// srt:// udp:// http(s)://, camera:0, screen:, test:

While it watches, type a question and press Enter: "what happened in the last ten minutes?". /forget begins a new
conversation. Ctrl-C or /quit ends it; what is watched is kept with --save, and the same command goes on from there.

Examples:
  longview agent camera:0                                         watch, and ask by typing
  longview agent rtsp://camera/1 --tell "a person appears" --tell "there are more than 3 cars"
  longview agent rtsp://camera/1 --every 30s "What is happening?" --events events.jsonl --snapshots pictures
  longview agent screen: --fps 2 --tell "a cat is there" --exec 'notify-send Longview {text}'
  longview agent 'udp://0.0.0.0:5000?fifo_size=100000' --record yard.mkv --segment 10m
  longview agent rtsp://camera/1 --save yard.lvm --budget 512MiB  goes on from yard.lvm when started again
  longview agent srt://0.0.0.0:9000?mode=listener --socket /run/longview.sock
  echo '{"question": "Is there a dog now?"}' | socat - UNIX-CONNECT:/run/longview.sock
  longview agent street.mp4 --speed max --tell "a person leaves"  a file, as fast as it goes

--tell understands:
)";

constexpr const char* more_help = R"(
{text} {answer} {question} {time} {wall} {picture} in --exec are replaced by what the event says; there is no shell.
Socket: one JSON object a line. {"question": "...", "id": 1}, {"tell": "..."}, {"events": true}, {"state": true}.
Exit status: 0 ended (also with Ctrl-C), 1 something failed, 2 wrong arguments.)";

int64_t read_length(const std::string& text, const std::string& what, int64_t usual_us, int64_t least_us) {
    if (text.empty()) return usual_us;
    const int64_t length_us = parse_time_us(text, what);
    if (length_us < least_us)
        throw UsageError(what + ": found '" + text + "', expected at least " + std::to_string(least_us / 1'000'000) +
                         "s");
    return length_us;
}

double read_speed(const std::string& text) {
    if (text.empty()) return 1;
    if (text == "max") return 0;
    if (const auto speed = plain_number(text, 0.01, 10'000)) return *speed;
    throw UsageError("--speed: found '" + text + "', expected a number from 0.01 to 10000 such as 2, or max");
}

}  // namespace

std::vector<std::string> split_command(const std::string& text) {
    std::vector<std::string> words;
    std::string word;
    bool open = false;  // a word has begun
    char quote = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quote) {
            if (c == quote)
                quote = 0;
            else if (c == '\\' && quote == '"' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\'))
                word += text[++i];
            else
                word += c;
        } else if (c == '\'' || c == '"') {
            quote = c;
            open = true;
        } else if (c == '\\' && i + 1 < text.size()) {
            word += text[++i];
            open = true;
        } else if (std::isspace(static_cast<unsigned char>(c))) {
            if (open) words.push_back(std::exchange(word, ""));
            open = false;
        } else {
            word += c;
            open = true;
        }
    }
    if (quote) throw UsageError("--exec: the quote " + std::string(1, quote) + " has no end in: " + text);
    if (open) words.push_back(word);
    return words;
}

CLI::App& add_agent_command(CLI::App& app, AgentOptions& options, AgentText& text) {
    CLI::App& command = *app.add_subcommand("agent", "Watch a stream for as long as it comes; answer and speak up");
    command.footer(std::string(sources) + std::string(condition_forms()) + more_help);
    command.add_option("SOURCE", options.source, "What to watch")->required()->type_name("");
    command.add_option("--tell", options.tell, "Say when this becomes true; as often as you like")
        ->type_name("CONDITION")
        ->allow_extra_args(false);
    command.add_option("--every", text.every, "Ask this every so often: --every 30s \"What is happening?\"")
        ->type_name("TIME QUESTION");
    command.add_option("--tell-every", text.tell_every, "Look at conditions this often (default: after every frame)")
        ->type_name("TIME");
    command.add_option("--confirm", options.confirm, "Frames in a row that must show a condition (default: 2)")
        ->type_name("N")
        ->transform(whole_number(1, 100));
    command.add_option("--hold-off", text.hold_off, "Least time between two times that one is told (default: 10s)")
        ->type_name("TIME");
    command.add_option("--events", options.events, "Append events to this file, a JSON object a line")
        ->type_name("FILE");
    command.add_option("--snapshots", options.snapshots, "Keep a small picture of each event in this folder")
        ->type_name("DIR");
    command.add_option("--exec", text.exec, "Run this command at each event (no shell)")->type_name("COMMAND");
    command.add_option("--exec-limit", options.exec_limit, "Commands that run at once (default: 4)")
        ->type_name("N")
        ->transform(whole_number(1, 64));
    command.add_option("--socket", options.socket, "Answer questions on this Unix socket")->type_name("PATH");
    command.add_option("--record", options.record, "Keep the stream as it is in files beside this name (yard.mkv)")
        ->type_name("FILE");
    command.add_option("--segment", text.segment, "Length of those files (default: 10m)")->type_name("TIME");
    command.add_option("--save-every", text.save_every, "How often --save is written (default: 60s)")
        ->type_name("TIME");
    command.add_option("--retries", options.retries, "Give up after so many attempts in a row (default: never)")
        ->type_name("N")
        ->transform(whole_number(0, 1'000'000));
    command.add_option("--deadline", text.deadline, "A source that is silent for so long is lost (default: 10s)")
        ->type_name("TIME");
    command.add_option("--fps", options.sampling.fps, "Frames looked at per second (default: 1)")
        ->type_name("N")
        ->check(fps_check());
    command.add_flag("--keyframes", options.sampling.keyframes, "Decode key frames only; cheaper, times less exact");
    command
        .add_option(
            "--speed", text.speed,
            "Files (and test:...) come at so many times their own pace, or as fast as it goes: max (default: 1)")
        ->type_name("N");
    add_memory_options(command, options.memory, text.memory);
    command.add_flag("--json", options.json, "Answers and events as JSON on stdout, one object a line");
    command.add_flag("-q,--quiet", options.quiet, "Only events on stderr: no progress, no notes");
    return command;
}

void read_agent_options(const CLI::App& command, const AgentText& text, AgentOptions& options) {
    if (options.source.empty()) throw UsageError("the name of the source is empty; see 'longview agent --help'");
    read_memory_options(text.memory, options.memory);
    if (options.memory.budget_bytes == 0) options.memory.budget_bytes = usual_budget;
    options.sampling_given = command.count("--fps") + command.count("--keyframes") > 0;
    for (const auto& [interval, question] : text.every) {
        const int64_t every_us = parse_time_us(interval, "--every");
        if (every_us < 1'000'000) throw UsageError("--every: at least 1s, found '" + interval + "'");
        options.regular.emplace_back(question, every_us);
    }
    options.tell_every_us = text.tell_every.empty() ? 0 : parse_time_us(text.tell_every, "--tell-every");
    options.hold_off_us = text.hold_off.empty() ? options.hold_off_us : parse_time_us(text.hold_off, "--hold-off");
    options.segment_us = read_length(text.segment, "--segment", options.segment_us, 1'000'000);
    options.save_every_us = read_length(text.save_every, "--save-every", options.save_every_us, 1'000'000);
    options.deadline_us = read_length(text.deadline, "--deadline", options.deadline_us, 1'000'000);
    options.speed = read_speed(text.speed);
    if (!text.exec.empty()) {
        options.exec = split_command(text.exec);
        if (options.exec.empty()) throw UsageError("--exec: the command is empty; name a program");
    }
    if (!text.save_every.empty() && options.memory.save.empty())
        throw UsageError("--save-every says how often to save, but --save names no file");
    if (!text.segment.empty() && options.record.empty())
        throw UsageError("--segment says how long the files of --record are, but --record names none");
}

}  // namespace lv
