#include <filesystem>
#include <optional>
#include <utility>

#include "app/agent_loop.h"
#include "app/byte_text.h"
#include "app/commands.h"
#include "app/model_path.h"
#include "app/saved_session.h"
#include "kernels/core/clock.h"
#include "kernels/core/error.h"

namespace lv {

namespace fs = std::filesystem;

namespace {

// A memory that is full is kept under another name, and a new one begins.
void put_aside(const std::string& file, Progress& progress) {
    if (file.empty()) return progress.say("four days are in the memory: it begins anew");
    const fs::path path(file);
    fs::path aside;
    std::error_code error;
    for (int number = 1; aside.empty() || fs::exists(aside, error); ++number)
        aside = path.parent_path() / (path.stem().string() + "-" + std::to_string(number) + path.extension().string());
    fs::rename(path, aside, error);
    require(!error, "four days are in ", file, ", and it cannot be kept as ", aside.string(), ": ", error.message(),
            "; name another file with --save");
    progress.say("four days are in " + file + ": it is kept as " + aside.string() + ", and a new one begins");
}

std::optional<SavedSession> load(const AgentOptions& options, const Context& context, const LoadedModel& model,
                                 Progress& progress) {
    const MemoryChoice& choice = options.memory;
    const std::string& file = !choice.load.empty() ? choice.load : choice.save;
    std::error_code none;  // what cannot be looked at is told of when it is saved
    if (file.empty() || (choice.load.empty() && !fs::exists(file, none))) return std::nullopt;
    std::optional<SavedSession> saved = load_session(context, model, file, choice.budget_bytes);
    const DType type = saved->memory.options().cache_type;
    if (choice.cache && *choice.cache != type)
        throw UsageError("--cache " + cache_name(*choice.cache) + ": " + file + " was watched with " +
                         cache_name(type) + "; leave --cache out, or name another file");
    const WatchedVideo* const last = saved->videos.empty() ? nullptr : &saved->videos.back();
    const bool goes_on = last && (last->runs_on_with(options.source) || last->goes_on_with(options.source));
    const int64_t now_us = !last                   ? 0
                           : goes_on && last->live ? last->start_us + wall_us() - last->began_at_us
                                                   : last->next_start_us();
    if (now_us >= most_memory_us) {
        saved.reset();
        put_aside(file, progress);
    } else if (goes_on) {
        const bool alike =
            options.sampling.fps == last->sampling.fps && options.sampling.keyframes == last->sampling.keyframes;
        if (options.sampling_given && !alike)
            throw UsageError(without_password(options.source) +
                             " was watched with other --fps or --keyframes so far; leave them out to "
                             "go on as before, or name another file");
        progress.say("going on from " + file + " (watched up to " + written_time(last->watched_us) + ")");
    } else {
        progress.say(file + " is kept; " + without_password(options.source) + " joins it as another video");
    }
    return saved;
}

// Until the end of the source, a stop, or a full memory.
AgentLoop::End run_shift(const AgentOptions& options, const std::shared_ptr<const LoadedModel>& model,
                         const Context& context, std::optional<SavedSession> saved, WatchList& list, Progress& progress,
                         const Interrupt& interrupt) {
    SessionOptions session_options;
    session_options.memory.cache_type = options.memory.cache.value_or(DType::f16);
    session_options.memory.budget_bytes = options.memory.budget_bytes;
    session_options.top_pages = options.memory.top_pages;
    const KindWords kinds(model->kind_names());
    Snapshots snapshots(options.snapshots);
    Session session(model, context, session_options, std::move(saved));
    AgentLoop loop(options, kinds, session, list, snapshots, progress, interrupt);

    WatchRequest request{.source = options.source, .sampling = options.sampling, .threads = options.model.threads};
    request.live = LiveOptions{.retries = options.retries, .speed = options.speed};
    request.record = {.file = options.record, .segment_us = options.segment_us};
    request.deadline_us = options.deadline_us;
    session.watch(
        request, {},
        [&](const SeenFrame& frame, const std::shared_ptr<const Picture>& picture) {
            snapshots.look(frame.time_us, picture);
        },
        [&](int64_t time_us) { return list.due(time_us); });
    return loop.run();
}

}  // namespace

int run_agent(const AgentOptions& options, const Interrupt& interrupt) {
    Progress progress(options.quiet);
    const Context context(static_cast<size_t>(options.model.threads), options.model.open_device());
    if (!options.memory.save.empty()) require_writable(options.memory.save);
    std::error_code none;
    if (!options.events.empty() && fs::equivalent(options.events, options.source, none))
        throw UsageError("--events " + options.events + ": this is the video itself; name another file");
    const std::shared_ptr<const LoadedModel> model = load_model(find_model(options.model.dir), context.shared_device());
    WatchList list({.edge = {.confirm = options.confirm, .hold_off_us = options.hold_off_us},
                    .ask_every_us = options.tell_every_us,
                    .every_frame = options.speed == 0});
    const KindWords kinds(model->kind_names());
    for (const std::string& text : options.tell) list.add(parse_condition(text, kinds));
    for (const auto& [question, every_us] : options.regular) {
        question_prompt(model->language->tokenizer(), question, 0);  // throws when it cannot be asked
        list.add_regular(question, every_us);
    }
    std::optional<SavedSession> saved = load(options, context, *model, progress);
    for (const WatchItemState& item : list.states())
        if (!item.regular) progress.say("\"" + item.text + "\": " + item.meaning);
    AgentLoop::End end{};
    while ((end = run_shift(options, model, context, std::exchange(saved, std::nullopt), list, progress, interrupt)) ==
           AgentLoop::End::full) {
        list.begin_again();
        put_aside(options.memory.save, progress);
    }
    return end == AgentLoop::End::unsaved ? 1 : 0;
}

}  // namespace lv
