#include "app/session.h"

#include <chrono>

#include "kernels/core/error.h"

namespace lv {
namespace {

constexpr size_t most_events = 256;
constexpr size_t most_waiting = 64;
constexpr const char* no_answer = "I can't tell.";  // the model ended its answer before the first word

int64_t steady_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

}  // namespace

Session::Session(std::shared_ptr<const LoadedModel> model, const Context& context, const GenerateOptions& answers)
    : model_(std::move(model)),
      context_(context),
      generate_options_(answers),
      memory_(Memory(model_->language)),
      events_(most_events),
      turns_(most_waiting) {
    answerer_ = std::thread([this] { run_answers(); });
}

Session::~Session() {
    stop();
    if (writer_.joinable()) writer_.join();
    answerer_.join();
}

void Session::stop() {
    stop_.request_stop();
    turns_.abandon();
    events_.abandon();
}

void Session::watch(const WatchRequest& request, CueFunction cue) {
    require(!writer_.joinable(), "this session is already watching a video");
    {
        const std::lock_guard lock(mutex_);
        started_at_us_ = steady_us();
    }
    writer_ = std::thread([this, request, cue = std::move(cue)] { run_watch(request, cue); });
}

uint64_t Session::ask(std::string question, AskWhen when) {
    Turn turn;
    {
        const std::lock_guard lock(mutex_);
        turn.id = ++last_id_;
        if (when == AskWhen::at_end && !ended_) {
            waiting_.push_back({turn.id, std::move(question)});
            return turn.id;
        }
    }
    const uint64_t id = turn.id;
    turn.question = std::move(question);
    if (!turns_.try_push(std::move(turn)))
        throw UsageError(std::to_string(most_waiting) +
                         " questions are waiting for their answers; ask again when some have come");
    return id;
}

std::optional<SessionEvent> Session::next_event(std::stop_token stop) { return events_.pop(stop); }

Meters Session::meters() const {
    const std::lock_guard lock(mutex_);
    Meters meters = meters_;
    if (!ended_ && started_at_us_ > 0) meters.elapsed_us = steady_us() - started_at_us_;
    return meters;
}

void Session::run_watch(const WatchRequest& request, const CueFunction& cue) {
    WatchEnded ended;
    try {
        RowStream stream(*model_, request, context_, stop_.get_token());
        {
            const std::lock_guard lock(mutex_);
            meters_.first_us = request.sampling.from_us;
            meters_.end_us = stream.end_us();
        }
        events_.push(WatchStarted{stream.info(), meters()}, stop_.get_token());
        Workspace work(context_, model_->language->config());
        while (const RowBatch* batch = stream.next()) absorb(*batch, work, cue);
        ended.stats = stream.stats();
        const std::lock_guard lock(mutex_);
        meters_.end_us = stream.end_us();
    } catch (...) {
        ended.failure = std::current_exception();
    }
    ended.stopped = stop_.stop_requested();
    if (!ended.failure && !ended.stopped) ask_cues(cue, meters().end_us, true);
    end_watch(std::move(ended));
}

void Session::absorb(const RowBatch& batch, Workspace& work, const CueFunction& cue) {
    size_t row = 0;  // the first that the memory has not
    const auto append_until = [&](size_t end) {
        if (row == end) return;
        const std::span times = std::span(batch.times_us).subspan(row, end - row);
        memory_.append(work, batch.rows.slice(row, end - row), times, stop_.get_token());
        row = end;
    };
    for (const FrameSpan& frame : batch.frames) {
        if (cue) {
            append_until(frame.first_row);
            ask_cues(cue, frame.time_us, false);
        }
        sightings_.add(frame.time_us, frame.objects);
    }
    append_until(batch.rows.rows);
    {
        const std::lock_guard lock(mutex_);
        meters_.frames += static_cast<int64_t>(batch.frames.size());
        meters_.watched_us = batch.frames.back().time_us;
        meters_.rows = memory_.rows();
        meters_.memory = memory_.bytes();
    }
    events_.try_push(WatchProgress{meters()});
}

void Session::ask_cues(const CueFunction& cue, int64_t next_us, bool ended) {
    if (!cue) return;
    for (Cue& asked : cue(next_us, ended)) {
        Turn turn;
        {
            const std::lock_guard lock(mutex_);
            turn.id = ++last_id_;
        }
        turn.tag = asked.tag;
        turn.question = std::move(asked.question);
        turn.memory = memory_.fork();
        turns_.push(std::move(turn), stop_.get_token());
    }
}

void Session::end_watch(WatchEnded ended) {
    std::vector<Waiting> waiting;
    {
        const std::lock_guard lock(mutex_);
        meters_.elapsed_us = steady_us() - started_at_us_;
        ended_ = true;
        ended.meters = meters_;
        waiting.swap(waiting_);
    }
    const std::exception_ptr failure = ended.failure;
    events_.push(std::move(ended), stop_.get_token());
    for (Waiting& question : waiting) {
        if (failure) {
            AnswerReady none;
            none.id = question.id;
            none.question = std::move(question.question);
            none.failure = failure;
            events_.push(std::move(none), stop_.get_token());
        } else {
            turns_.push(Turn{question.id, 0, std::move(question.question), std::nullopt}, stop_.get_token());
        }
    }
}

void Session::run_answers() {
    Workspace work(context_, model_->language->config());
    while (std::optional<Turn> turn = turns_.pop(stop_.get_token()))
        events_.push(answer(*turn, work), stop_.get_token());
}

AnswerReady Session::answer(Turn& turn, Workspace& work) {
    AnswerReady ready;
    ready.id = turn.id;
    ready.tag = turn.tag;
    ready.question = turn.question;
    try {
        const Memory memory = turn.memory ? std::move(*turn.memory) : memory_.fork();
        require(memory.rows() > 0, "nothing of the video has been seen yet");
        ready.asked_at_us = memory.last_time_us();
        const auto piece = [&](std::string_view text) {
            events_.push(AnswerPiece{turn.id, std::string(text)}, stop_.get_token());
        };
        ready.answer = lv::ask(work, memory, turn.question, generate_options_, piece, stop_.get_token());
        if (ready.answer.text.empty()) ready.answer.text = no_answer;
    } catch (...) {
        ready.failure = std::current_exception();
    }
    return ready;
}

}  // namespace lv
