#include "app/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "app/option_checks.h"
#include "app/time_text.h"
#include "engine/prompt.h"
#include "kernels/core/error.h"
#include "vision/location.h"

namespace lv {
namespace {

constexpr int most_jobs = 256;

constexpr const char* overview =
    R"(Watches a video once and answers questions about it, with the moments that prove the answer.)";

constexpr const char* main_examples = R"(Examples:
  longview                                            a window: watch, ask, see why; 'longview . --help' lists its options
  longview ask street.mp4 "How many people are there at 0:20?" "When does a car first appear?"
  longview agent camera:0 --tell "a person appears"    watch for as long as it comes, and speak up
  longview caption street.mp4                         captions on the terminal, one line every 10 s
  longview caption *.mp4 --format srt,vtt --out subs   subtitle files, several videos in a run
  longview info                                       what the model is and what it knows
  longview bench pipeline                             how fast this machine watches

'longview COMMAND --help' tells more about each.
Exit status: 0 done, 1 something failed, 2 wrong arguments, 130 stopped with Ctrl-C (but the agent: 0).)";

constexpr const char* ask_examples = R"(Examples:
  longview ask street.mp4 "What is visible at 0:20?"
  longview ask street.mp4 "Is there a dog in the video?" "Where is the car at 1:05?" --json
  longview ask day.mp4 --fps 0.2 --from 8:00:00 --to 9:00:00 "When does a person first appear?"
  longview ask long.mp4 --keyframes "What is in the video?"       only key frames: a quick look
  longview ask street.mp4 "What is visible halfway through?" "What happens in the last 10 seconds?"
  longview ask street.mp4 --ask-from - < questions.txt            one question a line
  longview ask street.mp4 --chat                                  ask, and ask on: "and after that?"
  longview ask day.mp4 --save day.lvm                             watch once, keep it
  longview ask --load day.lvm "When does a dog first appear?"     answered at once, without the video
  longview ask more.mp4 --load day.lvm --save day.lvm             a second video; or go on where one was stopped
  longview ask --load day.lvm "What is visible at 0:10 of video 2?"
  longview ask rtsp://camera/1 --chat --budget 256MiB             for days: the oldest is forgotten
  ffmpeg -v error -i in.mov -f matroska - | longview ask - "How many people are there at the end?"

Times are written 0:20 or 1:02:03, or in words ("after 20 seconds", "at the end"); of several videos in one memory,
"0:10 of video 2", else the newest is meant.
The model knows 80 kinds of things (person, car, dog, bottle, ...): whether, how many, where, when, in what order,
moving which way. See 'longview info'.)";

constexpr const char* caption_examples = R"(Examples:
  longview caption street.mp4                                  text on the terminal
  longview caption street.mp4 --format srt --out subs          subs/street.srt
  longview caption a.mp4 b.mkv --format srt,vtt,jsonl,txt --out subs --every 30s --jobs 2
  longview caption archive/*.mp4 --format vtt --out subs --resume   go on where an earlier run stopped
  longview caption day.lvm --every 10m                         of what 'ask --save' has kept, at once

A file appears whole or not at all. A video that fails is reported and the others are done; the exit status is then 1.
Play with subtitles:  mpv street.mp4 --sub-file=subs/street.srt)";

constexpr const char* info_examples = R"(Examples:
  longview info                       the model that the other commands would use
  longview info path/to/model --json
  longview info day.lvm               what 'ask --save' has kept: videos, frames, sizes, what was forgotten)";

void add_model_options(CLI::App& command, ModelOptions& options) {
    command
        .add_option("--model", options.dir,
                    "Model directory (default: $LONGVIEW_MODEL, else the one that came with it)")
        ->type_name("DIR");
    command.add_option("--threads", options.threads, "Threads to use (default: all cores)")
        ->type_name("N")
        ->transform(threads_check());
    command
        .add_option("--device", options.device,
                    "auto, cpu or cuda: where the model runs, and decoding (default: auto, the CPU so far)")
        ->type_name("NAME")
        ->check(CLI::IsMember({"auto", "cpu", "cuda"}));
}

struct SamplingText {
    std::string from, to;
};

void add_sampling_options(CLI::App& command, SamplingOptions& options, SamplingText& text) {
    command.add_option("--fps", options.fps, "Frames looked at per second of video (default: 1)")
        ->type_name("N")
        ->check(fps_check());
    command.add_flag("--keyframes", options.keyframes, "Look at the nearest key frames only; faster, times less exact");
    command.add_option("--from", text.from, "Start here (0:30, 90, 2m)")->type_name("TIME");
    command.add_option("--to", text.to, "Stop here")->type_name("TIME");
}

void read_sampling(const SamplingText& text, SamplingOptions& options) {
    if (!text.from.empty()) options.from_us = parse_time_us(text.from, "--from");
    if (!text.to.empty()) options.to_us = parse_time_us(text.to, "--to");
    if (options.to_us && *options.to_us <= options.from_us)
        throw UsageError("--to must be later than --from (" + written_time(options.from_us) + ")");
}

// Of the first word after --load, which may be a video that joins the memory or the first question already.
bool looks_like_video(const std::string& word) {
    std::error_code none;  // a question may be longer than a name can be
    if (word == "-" || std::filesystem::exists(word, none) || word.find("://") != std::string::npos) return true;
    if (word.find(' ') != std::string::npos) return false;
    const size_t dot = word.rfind('.');
    const bool extension = dot != std::string::npos && dot > 0 && word.size() - dot > 2 && word.size() - dot < 6;
    return extension || word.starts_with("test:") || word.starts_with("camera:") || word.starts_with("screen:");
}

// Without a video the first word is a question.
void take_video(AskOptions& options) {
    if (options.memory.load.empty() || options.video.empty() || looks_like_video(options.video)) return;
    options.questions.insert(options.questions.begin(), std::exchange(options.video, ""));
}

void check_ask(const AskOptions& options, const std::string& ask_from, bool sampled) {
    const MemoryChoice& memory = options.memory;
    if (options.video.empty() && memory.load.empty() && options.questions.empty())
        throw UsageError("VIDEO is missing; see 'longview ask --help'");
    if (options.video.empty() && memory.load.empty()) throw UsageError("the name of the video is empty; name a file");
    if (memory.load.empty() && options.video.ends_with(".lvm"))
        throw UsageError(options.video + " is what was watched of a video; ask it with --load " + options.video);
    if (options.video.empty() && sampled)
        throw UsageError("--fps, --keyframes, --from and --to say how to watch, but no video is named beside --load");
    if (!ask_from.empty() && ask_from != "-" && ask_from != "stdin")
        throw UsageError("--ask-from: found '" + ask_from + "', expected - (standard input, one question a line)");
    if (options.ask_from_stdin && options.video == "-")
        throw UsageError("the video and the questions cannot both come from standard input; name the video as a file");
    if (options.chat && options.ask_from_stdin)
        throw UsageError("--chat reads standard input by itself; leave --ask-from out");
    if (options.chat && options.video == "-")
        throw UsageError(
            "the video and the conversation cannot both come from standard input; name the video as a file");
    if (options.questions.empty() && !options.ask_from_stdin && !options.chat && memory.save.empty())
        throw UsageError("no question; try: longview ask " +
                         (options.video.empty() ? "--load " + memory.load : without_password(options.video)) +
                         " \"What is in the video?\"");
}

void read_caption(CaptionOptions& options, const std::string& formats, const std::string& every, bool sampled) {
    if (options.out == "-") options.out.clear();
    const bool to_stdout = options.out.empty();
    options.formats = parse_formats(!formats.empty() ? formats : to_stdout ? "txt" : "srt");
    options.every_us = parse_time_us(every, "--every");
    if (options.every_us < 1'000'000) throw UsageError("--every: at least 1s, found '" + every + "'");
    for (const std::string& video : options.videos)
        if (sampled && video.ends_with(".lvm"))
            throw UsageError("--fps and --keyframes say how to watch, but " + video + " was watched already");
    if (to_stdout && options.formats.size() > 1)
        throw UsageError("several formats need a folder to write to; add --out DIR");
    if (to_stdout && options.videos.size() > 1 && options.formats.front() != CaptionFormat::txt)
        throw UsageError("several videos need a folder to write to; add --out DIR");
    if (to_stdout && options.resume) throw UsageError("--resume needs the folder of the earlier run; add --out DIR");
    if (to_stdout && options.jobs > 1) throw UsageError("--jobs needs a folder to write to; add --out DIR");
}

// A first word that is no command: most often a file without "ask".
std::string unknown_word_hint(const CLI::App& app, int argc, const char* const* argv) {
    if (argc < 2 || argv[1][0] == '-') return "";
    const std::string word = argv[1];
    for (const CLI::App* command : app.get_subcommands({}))
        if (command->get_name() == word) return "";
    return "unknown command '" + word +
           "'; the commands are ask, agent, caption, info and bench. To ask about a video: longview ask " + word +
           " \"What is in the video?\"";
}

// Words that nothing takes, in the order in which they came: CLI11 turns it round.
std::string unexpected_text(const CLI::App& command) {
    const std::vector<std::string> words = command.remaining();
    if (command.get_name() == "agent" && !words.front().starts_with('-'))
        return "'" + words.front() + "': the agent watches one source; ask with --every 30s \"" + words.front() +
               "\", or type questions while it watches";
    std::string text = "not expected here:";
    for (const std::string& word : words) text += " " + word;
    return text;
}

}  // namespace

Command parse_options(int argc, const char* const* argv) {
    AskOptions ask;
    CaptionOptions caption;
    InfoOptions info;
    AgentOptions agent;
    AgentText agent_text;
    BenchOptions bench;
    SamplingText sampling_text;
    MemoryText memory_text;
    std::string ask_from, formats, every = "10s";

    CLI::App app(overview, "longview");
    app.get_formatter()->column_width(26);
    app.footer(main_examples);
    app.set_version_flag("--version", "longview " LV_VERSION);
    app.require_subcommand(0, 1);

    CLI::App& ask_command = *app.add_subcommand("ask", "Answer questions about a video");
    ask_command.footer(ask_examples);
    ask_command.add_option("VIDEO", ask.video, "File, URL, or - for a pipe; may be left out with --load")
        ->type_name("");
    ask_command.add_option("QUESTION", ask.questions, "One or more questions, each in quotes")->type_name("");
    ask_command.add_flag("--json", ask.json, "One JSON object: answers, evidence, timings, sizes");
    ask_command
        .add_option("--ask-from", ask_from, "-: read questions from standard input, one a line, answered as they come")
        ->type_name("-");
    ask_command.add_flag("--chat", ask.chat,
                         "A conversation, also while the video is still watched: questions know those before them");
    add_memory_options(ask_command, ask.memory, memory_text);
    add_sampling_options(ask_command, ask.sampling, sampling_text);
    add_model_options(ask_command, ask.model);
    ask_command.add_flag("-q,--quiet", ask.quiet, "No progress and no notes on stderr");

    CLI::App& agent_command = add_agent_command(app, agent, agent_text);
    add_model_options(agent_command, agent.model);

    CLI::App& caption_command = *app.add_subcommand("caption", "Write what happens, interval by interval");
    caption_command.footer(caption_examples);
    caption_command.add_option("VIDEO", caption.videos, "Files, URLs, - for a pipe, or saved memories (.lvm)")
        ->required()
        ->type_name("");
    caption_command
        .add_option("--format", formats,
                    "srt, vtt, jsonl, txt, with commas between (default: srt; txt on the terminal)")
        ->type_name("LIST");
    caption_command.add_option("--out", caption.out, "Folder for the files (default, and -: print on the terminal)")
        ->type_name("DIR");
    caption_command.add_option("--every", every, "Length of an interval (default: 10s)")->type_name("TIME");
    caption_command.add_flag("--resume", caption.resume,
                             "Skip videos whose files are complete and newer than the video");
    caption_command.add_option("--jobs", caption.jobs, "Videos at the same time (default: 1)")
        ->type_name("N")
        ->transform(whole_number(1, most_jobs));
    add_sampling_options(caption_command, caption.sampling, sampling_text);
    add_model_options(caption_command, caption.model);
    caption_command.add_flag("-q,--quiet", caption.quiet, "No progress and no notes on stderr");

    CLI::App& info_command = *app.add_subcommand("info", "Show what is in a model directory or a saved memory");
    info_command.footer(info_examples);
    info_command
        .add_option("MODEL", info.model.dir,
                    "Model directory (default: the one the other commands use), or a saved memory")
        ->type_name("");
    info_command.add_flag("--json", info.json, "As one JSON object");

    CLI::App& bench_command = add_bench_command(app, bench);
    add_model_options(bench_command, bench.model);

    for (CLI::App* command : app.get_subcommands({})) refuse_empty_values(*command);
    if (const std::string hint = unknown_word_hint(app, argc, argv); !hint.empty()) throw UsageError(hint);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& shown) {  // --help, --version
        std::ostringstream text, none;
        app.exit(shown, text, none);
        return ShowText{text.str()};
    } catch (const CLI::ParseError& error) {
        const auto parsed = app.get_subcommands();
        if (parsed.empty()) throw UsageError(std::string(error.what()) + "; see 'longview --help'");
        const bool extra = dynamic_cast<const CLI::ExtrasError*>(&error);
        throw UsageError((extra ? unexpected_text(*parsed.front()) : error.what()) + "; see 'longview " +
                         parsed.front()->get_name() + " --help'");
    }

    if (ask_command.parsed()) {
        ask.ask_from_stdin = !ask_from.empty();
        ask.sampling_given = ask_command.count("--fps") + ask_command.count("--keyframes") > 0;
        const bool cut = ask_command.count("--from") + ask_command.count("--to") > 0;
        take_video(ask);
        check_ask(ask, ask_from, ask.sampling_given || cut);
        read_sampling(sampling_text, ask.sampling);
        read_memory_options(memory_text, ask.memory);
        return ask;
    }
    if (agent_command.parsed()) {
        read_agent_options(agent_command, agent_text, agent);
        return agent;
    }
    if (caption_command.parsed()) {
        read_caption(caption, formats, every,
                     caption_command.count("--fps") + caption_command.count("--keyframes") > 0);
        read_sampling(sampling_text, caption.sampling);
        return caption;
    }
    if (info_command.parsed()) return info;
    if (bench_command.parsed()) {
        check_bench(bench);
        return bench;
    }
    return ShowText{app.help()};
}

}  // namespace lv
