#include "app/asking.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "app/answer_report.h"
#include "app/byte_text.h"
#include "app/output.h"
#include "app/time_text.h"
#include "app/watch_notes.h"
#include "kernels/core/error.h"

namespace lv {
namespace {

using nlohmann::ordered_json;

// parts: of a unit, e.g. 1000 for three decimals; dividing last keeps JSON short.
double rounded(double value, double parts) { return std::round(value * parts) / parts; }

ordered_json videos_json(const std::vector<WatchedVideo>& videos) {
    ordered_json out = ordered_json::array();
    for (const WatchedVideo& video : videos)
        out.push_back({{"name", video.source}, {"duration", seconds(video.end_us)}, {"frames", video.frames}});
    return out;
}

}  // namespace

Asking::Asking(const AskOptions& options, const LoadedModel& model, Session& session, Progress& progress)
    : options_(options), model_(model), session_(session), progress_(progress), seen_(session.meters().rows > 0) {}

bool Asking::watch() {
    while (!ended_) {
        const std::optional<SessionEvent> event = session_.next_event();
        if (!event) return false;
        take(*event);
    }
    return !ended_->stopped;
}

bool Asking::answer(const std::string& question, bool each) {
    const size_t goal = answered_ + 1;
    session_.ask(question, AskWhen::now, options_.chat ? conversation_.turns() : std::vector<Turn>());
    while (answered_ < goal) {
        const std::optional<SessionEvent> event = session_.next_event();
        if (!event) return false;
        take(*event);
    }
    if (each && options_.json) print_object(true);
    return true;
}

void Asking::take(const SessionEvent& event) {
    if (const auto* started = std::get_if<WatchStarted>(&event)) {
        source_ = started->source;
    } else if (const auto* running = std::get_if<WatchProgress>(&event)) {
        seen_ = true;
        progress_.update(progress_of(options_.video, running->meters));
    } else if (const auto* ended = std::get_if<WatchEnded>(&event)) {
        progress_.finish();
        ended_ = *ended;
        take_end(*ended);
        if (ended->failure && !ended->stopped) std::rethrow_exception(ended->failure);
    } else if (const auto* ready = std::get_if<AnswerReady>(&event)) {
        take_answer(*ready);
    }
}

void Asking::tell_forgotten(const Meters& meters) {
    const Forgotten& lost = meters.forgotten;
    if (lost.frames == 0) return;
    const VideoClock clock = clock_of(session_.videos(), INT64_MAX);
    const size_t budget = options_.memory.budget_bytes;
    progress_.say("forgot " + grouped(lost.frames) + (lost.frames == 1 ? " frame" : " frames") + " between " +
                  written_time(lost.first_us, clock) + " and " + written_time(lost.last_us, clock) +
                  " to stay within " + (budget > 0 ? byte_text(budget) : "the budget"));
}

void Asking::save() {
    const std::string& file = options_.memory.save;
    session_.save(file);
    progress_.say("saved to " + file + " (" + byte_text(std::filesystem::file_size(file)) + ")");
}

// What was watched can be asked even where it could not be saved.
bool Asking::keep() {
    if (options_.memory.save.empty() || session_.meters().rows == 0) return false;
    try {
        save();
        return true;
    } catch (const std::exception& error) {
        progress_.warn(error.what());
        status_ = 1;
        return false;
    }
}

void Asking::take_end(const WatchEnded& ended) {
    if (keep() && ended.stopped) {
        tell_forgotten(ended.meters);
        const std::string& file = options_.memory.save;
        progress_.warn("stopped at " + written_time(ended.meters.watched_us) + "; go on with: longview ask " +
                       without_password(options_.video) + " --load " + file + " --save " + file);
    }
    if (ended.failure && !ended.stopped) status_ = 1;
    if (ended.stopped || ended.failure) return;
    progress_.say(watched_note(ended.meters));
    if (const std::string& why = ended.stats.not_on_gpu; !why.empty()) progress_.say("decoded on the CPU: " + why);
    tell_forgotten(ended.meters);
    if (const std::string note = loss_note(options_.video, ended); !note.empty()) progress_.say(note);
    if (const std::string note = damage_note(options_.video, ended); !note.empty()) {
        progress_.warn(note + "; the answers hold for the part that could be read");
        status_ = 1;
    }
}

void Asking::take_answer(const AnswerReady& ready) {
    ++answered_;
    if (ready.failure) {
        try {
            std::rethrow_exception(ready.failure);
        } catch (const UsageError& error) {
            progress_.warn(error.what());
            answers_.push_back({{"question", ready.question}, {"error", error.what()}});
            status_ = 2;
        }
        return;
    }
    answering_us_ += ready.answer.total_us;
    conversation_.add(ready);
    if (options_.json) {
        answers_.push_back(answer_json(ready, session_.videos()));
        return;
    }
    const bool alone = options_.chat || (options_.questions.size() == 1 && !options_.ask_from_stdin);
    std::string text = alone ? "" : shown(ready.question) + "\n  ";
    text += ready.answer.text + (ready.answer.complete ? "\n" : " ... (stopped)\n");
    if (const std::string moments = moments_text(ready.answer.evidence, ready.clock); !moments.empty())
        text += "  " + moments + "\n";
    if (options_.chat && !options_.video.empty() && !ended_)
        text += "  seen so far: up to " + written_time(ready.asked_at_us, ready.clock) + "\n";
    print_out(text);
}

void Asking::print_object(bool one_line) {
    const Meters meters = session_.meters();
    const std::vector<WatchedVideo> videos = session_.videos();
    const double watch_s = seconds(meters.elapsed_us);
    const double seen_s = seconds(meters.end_us - meters.first_us);
    ordered_json object;
    object["video"] = videos.empty() ? without_password(options_.video) : videos.back().source;
    // A header knows only of the first of several recordings put one behind the other.
    object["duration"] = seconds(std::max(source_.duration_us, videos.empty() ? 0 : videos.back().end_us));
    object["frames"] = meters.all_frames;
    if (videos.size() > 1) object["videos"] = videos_json(videos);
    object["model"] = model_.language->config().name;
    object["answers"] = std::exchange(answers_, ordered_json::array());
    object["memory"] = {
        {"state_bytes", meters.memory.state}, {"cache_bytes", meters.memory.cache}, {"tokens", meters.rows}};
    if (meters.forgotten.frames > 0)
        object["memory"]["forgotten"] = {{"frames", meters.forgotten.frames},
                                         {"start", seconds(meters.forgotten.first_us)},
                                         {"end", seconds(meters.forgotten.last_us)}};
    object["timing"] = {{"watch_s", rounded(watch_s, 1e3)},
                        {"answer_s", rounded(seconds(std::exchange(answering_us_, 0)), 1e3)},
                        {"times_real_time", rounded(watch_s > 0 ? seen_s / watch_s : 0, 100)}};
    print_out(object.dump(one_line ? -1 : 2, ' ', false, ordered_json::error_handler_t::replace) + "\n");
}

}  // namespace lv
