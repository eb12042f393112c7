#include <unistd.h>

#include <optional>

#include "app/asking.h"
#include "app/chat.h"
#include "app/commands.h"
#include "app/line_reader.h"
#include "app/model_path.h"
#include "kernels/core/error.h"

namespace lv {
namespace {

// One question after another, none of which knows of the others.
void ask_each(Asking& asking, const AskOptions& options, const Interrupt& interrupt) {
    for (const std::string& question : options.questions)
        if (interrupt.happened() || !asking.answer(question, false)) return;
    if (options.json && !options.questions.empty()) asking.print_object(options.ask_from_stdin);
    if (!options.ask_from_stdin) return;
    LineReader lines(STDIN_FILENO, interrupt.token());
    while (const std::optional<std::string> line = lines.next()) {
        if (line->find_first_not_of(" \t") == std::string::npos) continue;
        if (!asking.answer(*line, true)) return;
    }
}

// What was watched is kept, too, when the talk cannot go on: nobody reads the answers, or a line has no end.
void talk(Asking& asking, const AskOptions& options, Session& session, Progress& progress, const Interrupt& interrupt) {
    try {
        chat(asking, options, session, progress, interrupt);
    } catch (...) {
        session.stop_watching();
        if (!asking.ended()) asking.keep();
        throw;
    }
    session.stop_watching();
}

// The clock that questions will be asked by, once the video has joined the memory.
VideoClock clock_to_be(const AskOptions& options, const std::optional<SavedSession>& saved) {
    if (!saved || saved->videos.empty()) return {};
    std::vector<WatchedVideo> videos = saved->videos;
    if (!options.video.empty() && !videos.back().goes_on_with(options.video)) {
        WatchedVideo next;
        next.start_us = videos.back().next_start_us();
        next.watched_us = 0;
        videos.push_back(next);
    }
    return clock_of(videos, INT64_MAX);
}

std::optional<SavedSession> load(const AskOptions& options, const Context& context, const LoadedModel& model) {
    const MemoryChoice& choice = options.memory;
    if (choice.load.empty()) return std::nullopt;
    std::optional<SavedSession> saved = load_session(
        context, model, choice.load, choice.budget_bytes > 0 ? std::optional(choice.budget_bytes) : std::nullopt);
    const DType type = saved->memory.options().cache_type;
    if (choice.cache && *choice.cache != type)
        throw UsageError("--cache " + cache_name(*choice.cache) + ": " + choice.load + " was watched with " +
                         cache_name(type) + "; leave --cache out, or watch the videos again");
    const WatchedVideo* const last = saved->videos.empty() ? nullptr : &saved->videos.back();
    const bool alike =
        last && options.sampling.fps == last->sampling.fps && options.sampling.keyframes == last->sampling.keyframes;
    if (last && last->goes_on_with(options.video) && options.sampling_given && !alike)
        throw UsageError(without_password(options.video) +
                         " was watched with other --fps or --keyframes so far; leave them out to go on "
                         "as before");
    return saved;
}

SessionOptions session_options(const AskOptions& options) {
    SessionOptions out;
    out.memory.cache_type = options.memory.cache.value_or(DType::f16);
    out.memory.budget_bytes = options.memory.budget_bytes;
    out.top_pages = options.memory.top_pages;
    return out;
}

}  // namespace

int run_ask(const AskOptions& options, const Interrupt& interrupt) {
    Progress progress(options.quiet);
    const Context context(static_cast<size_t>(options.model.threads), options.model.open_device());
    if (!options.memory.save.empty()) require_writable(options.memory.save);
    const std::shared_ptr<const LoadedModel> model = load_model(find_model(options.model.dir), context.shared_device());
    std::optional<SavedSession> saved = load(options, context, *model);
    // Before hours of video are watched for a question that cannot be asked.
    const VideoClock clock = clock_to_be(options, saved);
    for (const std::string& question : options.questions)
        question_prompt(model->language->tokenizer(), question, 0, {.clock = clock});

    Session session(model, context, session_options(options), std::move(saved));
    Asking asking(options, *model, session, progress);
    if (!options.video.empty())
        session.watch({options.video, options.sampling, options.model.threads});
    else if (!options.memory.save.empty())
        asking.save();
    if (options.chat) talk(asking, options, session, progress, interrupt);
    {
        const std::stop_callback stop_watching(interrupt.token(), [&] { session.stop_watching(); });
        const bool watched = options.video.empty() || asking.watch();
        if (interrupt.happened()) return exit_interrupted;
        if (!watched || options.chat) return asking.status();
    }
    const std::stop_callback stop_session(interrupt.token(), [&] { session.stop(); });
    ask_each(asking, options, interrupt);
    return interrupt.happened() ? exit_interrupted : asking.status();
}

}  // namespace lv
