#include <unistd.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/line_reader.h"
#include "app/model_path.h"
#include "app/output.h"
#include "app/progress.h"
#include "app/session.h"
#include "app/time_text.h"
#include "app/watch_notes.h"
#include "kernels/core/error.h"

namespace lv {
namespace {

using nlohmann::ordered_json;

// "rests on 0:18-0:21 (71%), 0:40 (12%)"; empty when the answer rests on nothing in particular.
std::string moments_text(const std::vector<Moment>& moments) {
    std::string text;
    for (const Moment& moment : moments) {
        const std::string start = written_time(moment.start_us), end = written_time(moment.end_us);
        text += (text.empty() ? "rests on " : ", ") + start + (start == end ? "" : "-" + end);
        text += " (" + std::to_string(std::lround(moment.weight * 100)) + "%)";
    }
    return text;
}

// parts: of a unit, e.g. 1000 for three decimals; dividing last keeps JSON short.
double rounded(double value, double parts) { return std::round(value * parts) / parts; }

ordered_json answer_json(const AnswerReady& ready) {
    ordered_json evidence = ordered_json::array();
    for (const Moment& moment : ready.answer.evidence)
        evidence.push_back({{"start", seconds(moment.start_us)},
                            {"end", seconds(moment.end_us)},
                            {"weight", rounded(moment.weight, 1e4)}});
    return {{"question", ready.question},
            {"answer", ready.answer.text},
            {"evidence", evidence},
            {"first_token_ms", static_cast<double>(ready.answer.first_token_us) / 1000},
            {"tokens", ready.answer.ids.size()}};
}

// One run of `longview ask`: pulls what happens out of the session and prints it.
class Asking {
   public:
    Asking(const AskOptions& options, const LoadedModel& model, Session& session, Progress& progress)
        : options_(options), model_(model), session_(session), progress_(progress) {}

    // Each returns false when the session was stopped. Failures of watching are thrown.
    bool watch(std::stop_token stop);
    bool answer(size_t questions, std::stop_token stop);

    void print_object(bool one_line);
    int status() const { return status_; }

   private:
    void take(const AnswerReady& ready);
    void take_end(const WatchEnded& ended);

    const AskOptions& options_;
    const LoadedModel& model_;
    Session& session_;
    Progress& progress_;
    SourceInfo source_;
    Meters meters_;
    ordered_json answers_ = ordered_json::array();
    int64_t answering_us_ = 0;
    size_t answered_ = 0;
    int status_ = 0;
};

bool Asking::watch(std::stop_token stop) {
    while (std::optional<SessionEvent> event = session_.next_event(stop)) {
        if (const auto* started = std::get_if<WatchStarted>(&*event)) {
            source_ = started->source;
        } else if (const auto* running = std::get_if<WatchProgress>(&*event)) {
            progress_.update(progress_of(options_.video, running->meters));
        } else if (const auto* ended = std::get_if<WatchEnded>(&*event)) {
            progress_.finish();
            if (ended->failure) std::rethrow_exception(ended->failure);
            if (ended->stopped) return false;
            take_end(*ended);
            return true;
        }
    }
    return false;
}

void Asking::take_end(const WatchEnded& ended) {
    meters_ = ended.meters;
    progress_.say(watched_note(ended.meters));
    if (const std::string note = damage_note(options_.video, ended); !note.empty()) {
        progress_.warn(note + "; the answers hold for the part that could be read");
        status_ = 1;
    }
}

bool Asking::answer(size_t questions, std::stop_token stop) {
    for (const size_t goal = answered_ + questions; answered_ < goal;) {
        const std::optional<SessionEvent> event = session_.next_event(stop);
        if (!event) return false;
        if (const auto* ready = std::get_if<AnswerReady>(&*event)) take(*ready);
    }
    return true;
}

void Asking::take(const AnswerReady& ready) {
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
    if (options_.json) {
        answers_.push_back(answer_json(ready));
        return;
    }
    const bool alone = options_.questions.size() == 1 && !options_.ask_from_stdin;
    std::string text = alone ? "" : ready.question + "\n  ";
    text += ready.answer.text + "\n";
    if (const std::string moments = moments_text(ready.answer.evidence); !moments.empty())
        text += "  " + moments + "\n";
    print_out(text);
}

void Asking::print_object(bool one_line) {
    const double watch_s = seconds(meters_.elapsed_us);
    const double seen_s = seconds(meters_.end_us - meters_.first_us);
    const ordered_json object{
        {"video", options_.video},
        {"duration", seconds(source_.duration_us > 0 ? source_.duration_us : meters_.end_us)},
        {"frames", meters_.frames},
        {"model", model_.language->config().name},
        {"answers", std::exchange(answers_, ordered_json::array())},
        {"memory",
         {{"state_bytes", meters_.memory.state}, {"cache_bytes", meters_.memory.cache}, {"tokens", meters_.rows}}},
        {"timing",
         {{"watch_s", rounded(watch_s, 1e3)},
          {"answer_s", rounded(seconds(std::exchange(answering_us_, 0)), 1e3)},
          {"times_real_time", rounded(watch_s > 0 ? seen_s / watch_s : 0, 100)}}}};
    print_out(object.dump(one_line ? -1 : 2, ' ', false, ordered_json::error_handler_t::replace) + "\n");
}

}  // namespace

int run_ask(const AskOptions& options, const Interrupt& interrupt) {
    Progress progress(options.quiet);
    const Context context(static_cast<size_t>(options.model.threads));
    const std::shared_ptr<const LoadedModel> model = load_model(find_model(options.model.dir));
    // Before hours of video are watched for a question that cannot be asked.
    for (const std::string& question : options.questions) question_prompt(model->language->tokenizer(), question, 0);

    Session session(model, context);
    const std::stop_callback stop_session(interrupt.token(), [&] { session.stop(); });
    Asking asking(options, *model, session, progress);
    session.watch({options.video, options.sampling, options.model.threads});
    if (!asking.watch(interrupt.token())) return exit_interrupted;

    for (const std::string& question : options.questions) {
        session.ask(question, AskWhen::now);
        if (!asking.answer(1, interrupt.token())) return exit_interrupted;
    }
    if (options.json && !options.questions.empty()) asking.print_object(options.ask_from_stdin);

    if (options.ask_from_stdin) {
        LineReader lines(STDIN_FILENO, interrupt.token());
        while (const std::optional<std::string> line = lines.next()) {
            if (line->find_first_not_of(" \t") == std::string::npos) continue;
            session.ask(*line, AskWhen::now);
            if (!asking.answer(1, interrupt.token())) return exit_interrupted;
            if (options.json) asking.print_object(true);
        }
    }
    return interrupt.happened() ? exit_interrupted : asking.status();
}

}  // namespace lv
