#include "app/session.h"

#include "app/memory_need.h"
#include "kernels/core/clock.h"
#include "kernels/core/error.h"

namespace lv {
namespace {

constexpr size_t most_events = 256;
constexpr size_t most_waiting = 64;
constexpr size_t most_live_sightings = 20'000;      // changes of what is there, remembered of an endless stream
constexpr const char* no_answer = "I can't tell.";  // the model ended its answer before the first word

// Whether the stream was read to where the video itself ends.
bool is_whole(const SamplingOptions& sampling, const RowStream& stream) {
    const int64_t duration_us = stream.info().duration_us;
    return !sampling.to_us || (duration_us > 0 && *sampling.to_us >= duration_us);
}

}  // namespace

Session::Session(std::shared_ptr<const LoadedModel> model, const Context& context, const SessionOptions& options,
                 std::optional<SavedSession> saved)
    : model_(std::move(model)),
      context_(context),
      options_(options),
      memory_(saved ? std::move(saved->memory) : Memory(model_->language, options.memory)),
      events_(most_events),
      questions_(most_waiting) {
    if (saved) {
        sightings_.restore(saved->sightings);
        videos_ = std::move(saved->videos);
        encoder_state_ = std::move(saved->encoder);
        ended_ = true;
        for (const WatchedVideo& video : videos_) meters_.all_frames += video.frames;
        meters_.rows = memory_.rows();
        meters_.memory = memory_.bytes();
        meters_.forgotten = memory_.forgotten();
    }
    answerer_ = std::thread([this] { run_answers(); });
}

Session::~Session() {
    stop();
    if (writer_.joinable()) writer_.join();
    answerer_.join();
}

void Session::stop() {
    stop_.request_stop();
    {
        const std::lock_guard lock(mutex_);
        watch_stop_.request_stop();
        answer_stop_.request_stop();
    }
    events_.abandon();
}

void Session::stop_watching() {
    const std::lock_guard lock(mutex_);
    watch_stop_.request_stop();
}

void Session::watch(const WatchRequest& request, CueFunction cue, LookFunction look, AfterFunction after) {
    Watch watch = begin_watch(request);
    watch.cue = std::move(cue);
    watch.look = std::move(look);
    watch.after = std::move(after);
    if (writer_.joinable()) writer_.join();  // of the video before, which has ended
    writer_ = std::thread([this, watch = std::move(watch)] { run_watch(watch); });
}

Session::Watch Session::begin_watch(WatchRequest request) {
    const std::lock_guard lock(mutex_);
    require(!watching_, "this session is watching a video already; wait for its end, or stop watching it");
    watching_ = true;
    ended_ = false;
    started_at_us_ = steady_us();
    watch_stop_ = std::stop_source();
    if (stop_.stop_requested()) watch_stop_.request_stop();
    Watch watch;
    watch.stop = watch_stop_.get_token();
    watch.start.encoder = encoder_state_;
    if (!videos_.empty() && videos_.back().watched_us < 0) videos_.pop_back();  // nothing came of it
    const WatchedVideo* const last = videos_.empty() ? nullptr : &videos_.back();
    if (last && request.live && last->runs_on_with(request.source)) {
        const int64_t period_us = last->sampling.period_us();
        const int64_t now_us = (wall_us() - last->began_at_us) / period_us * period_us;
        request.sampling = last->sampling;
        request.sampling.from_us = std::max(last->watched_us + period_us, now_us);
        request.live->going_on = true;
        watch.start.continues = true;
        watch.start.start_us = last->start_us;
    } else if (last && last->goes_on_with(request.source) && request.sampling.from_us <= last->sampling.from_us) {
        const std::optional<int64_t> to_us = request.sampling.to_us;
        request.sampling = last->sampling;
        request.sampling.from_us = last->watched_us + last->sampling.period_us();
        request.sampling.to_us = to_us;
        watch.start.continues = true;
        watch.start.start_us = last->start_us;
    } else if (last) {
        watch.start.start_us = last->next_start_us();
    }
    if (request.live)
        request.live->note = [this, start_us = watch.start.start_us](LiveNote note) {
            note.time_us += start_us;
            events_.push(SourceNoted{std::move(note)}, stop_.get_token());
        };
    watch.request = std::move(request);
    return watch;
}

uint64_t Session::ask(std::string text, AskWhen when, std::vector<Turn> earlier) {
    Question question{
        .text = std::move(text), .earlier = std::move(earlier), .memory = std::nullopt, .past = std::nullopt};
    uint64_t id = 0;
    {
        const std::lock_guard lock(mutex_);
        id = question.id = ++last_id_;
        if (when == AskWhen::at_end && !ended_) {
            waiting_.push_back(std::move(question));
            return id;
        }
    }
    if (!questions_.try_ask(std::move(question)))
        throw UsageError(std::to_string(most_waiting) +
                         " questions are waiting for their answers; ask again when some have come");
    return id;
}

std::optional<SessionEvent> Session::next_event(std::stop_token stop) { return events_.pop(stop); }

Meters Session::meters() const {
    const std::lock_guard lock(mutex_);
    Meters meters = meters_;
    if (watching_) meters.elapsed_us = steady_us() - started_at_us_;
    return meters;
}

std::vector<WatchedVideo> Session::videos() const {
    const std::lock_guard lock(mutex_);
    return videos_;
}

void Session::save(const std::filesystem::path& file) {
    std::optional<SavedSession> saved;
    {
        const std::lock_guard writing(writing_);
        saved = SavedSession{.memory = memory_.fork(), .videos = {}, .encoder = {}, .sightings = sightings_.save()};
        if (stream_) saved->encoder = stream_->encoder_state();
        const std::lock_guard lock(mutex_);
        saved->videos = videos_;
        if (!stream_) saved->encoder = encoder_state_;
    }
    save_session(*saved, file);
}

void Session::require_room(const Watch& watch, const RowStream& stream) const {
    if (options_.memory.budget_bytes > 0) return;
    MemoryNeed need{.config = model_->language->config(), .options = memory_.fork().options(), .now = meters()};
    need.source = without_password(watch.request.source);
    need.first_us = watch.request.sampling.from_us;
    need.end_us = stream.end_us();
    need.period_us = watch.request.sampling.period_us();
    lv::require_room(need, free_memory_bytes());
}

void Session::begin_video(const Watch& watch, RowStream& stream) {
    const std::lock_guard writing(writing_);
    stream_ = &stream;
    if (!watch.start.continues) memory_.begin_video(without_password(watch.request.source));
    const std::lock_guard lock(mutex_);
    if (!watch.start.continues) {
        WatchedVideo video{.source = without_password(watch.request.source), .sampling = watch.request.sampling};
        video.start_us = watch.start.start_us;
        video.live = stream.info().is_live;
        videos_.push_back(std::move(video));
    }
    meters_.first_us = watch.request.sampling.from_us;
    meters_.watched_us = 0;
    meters_.end_us = stream.end_us();
    meters_.frames = 0;
}

void Session::note_live(const LiveStats& live) {
    const std::lock_guard lock(mutex_);
    meters_.dropped = live.dropped;
    meters_.skipped = live.skipped;
    meters_.gaps = live.gaps;
}

void Session::end_video(const Watch& watch, const RowStream& stream, const WatchEnded& ended) {
    const std::lock_guard writing(writing_);
    if (!stream_) return;            // it never began
    note_live(stream.live_stats());  // of frames, too, that came too late to be absorbed
    stream_ = nullptr;
    std::vector<std::byte> encoder = stream.encoder_state();
    const std::lock_guard lock(mutex_);
    encoder_state_ = std::move(encoder);
    WatchedVideo& video = videos_.back();
    video.finished =
        !ended.failure && !ended.stopped && !ended.stats.ended_early && is_whole(watch.request.sampling, stream);
    video.end_us = video.finished ? stream.end_us() : video.watched_us + video.sampling.period_us();
    meters_.end_us = stream.end_us();
}

void Session::run_watch(const Watch& watch) {
    WatchEnded ended;
    std::unique_ptr<RowStream> stream;
    try {
        stream = std::make_unique<RowStream>(*model_, watch.request, context_, watch.stop, watch.start);
        require_room(watch, *stream);
        begin_video(watch, *stream);
        events_.push(WatchStarted{stream->info(), meters()}, stop_.get_token());
        Workspace work(context_, model_->language->config());
        recent_.reset();
        if (watch.after) recent_.emplace(model_->language);
        while (stream->wait()) {
            const std::lock_guard writing(writing_);
            absorb(stream->encode(), work, watch);
        }
        ended.stats = stream->stats();
    } catch (...) {
        ended.failure = std::current_exception();
    }
    ended.stopped = watch.stop.stop_requested();
    try {
        if (stream) end_video(watch, *stream, ended);
        stream.reset();
        if (watch.cue && !ended.failure && !ended.stopped) ask_cues(watch.cue(meters().end_us, true));
    } catch (...) {
        if (!ended.failure) ended.failure = std::current_exception();
    }
    end_watch(std::move(ended));
}

// All of a batch or none of it: it is small, and what is saved after a stop must be what the encoder has seen.
void Session::absorb(const RowBatch& batch, Workspace& work, const Watch& watch) {
    if (batch.frames.empty()) return;
    size_t row = 0;  // the first that the memory has not
    const auto append_until = [&](size_t end) {
        if (row == end) return;
        const std::span times = std::span(batch.times_us).subspan(row, end - row);
        memory_.append(work, batch.rows.slice(row, end - row), times);
        if (recent_) recent_->append(work, batch.rows.slice(row, end - row), times);
        row = end;
    };
    for (const FrameSpan& frame : batch.frames) {
        if (watch.cue) {
            append_until(frame.first_row);
            ask_cues(watch.cue(frame.time_us, false));
        }
        sightings_.add(frame.time_us, frame.objects);
        if (watch.look) watch.look(*frame.seen, frame.picture);
        if (watch.after) {
            std::vector<Cue> cues = watch.after(frame.time_us);
            if (!cues.empty()) append_until(frame.first_row + frame.seen->rows);
            ask_cues(std::move(cues));
        }
    }
    append_until(batch.rows.rows);
    note_frames(batch);
    if (watch.request.live && stream_) {
        sightings_.keep_newest(most_live_sightings);
        note_live(stream_->live_stats());
    }
    events_.try_push(WatchProgress{meters()});
}

void Session::note_frames(const RowBatch& batch) {
    const std::lock_guard lock(mutex_);
    WatchedVideo& video = videos_.back();
    for (const FrameSpan& frame : batch.frames) {
        const int64_t time_us = frame.time_us - video.start_us;
        if (frame.after_gap && video.watched_us >= 0) video.add_gap({video.watched_us, time_us});
        video.watched_us = time_us;
    }
    const FrameSpan& newest = batch.frames.back();
    meters_.delay_us = newest.arrived_us > 0 ? boot_us() - newest.arrived_us : 0;
    video.came_at(wall_us() - meters_.delay_us);
    const auto frames = static_cast<int64_t>(batch.frames.size());
    video.frames += frames;
    meters_.frames += frames;
    meters_.all_frames += frames;
    meters_.watched_us = video.watched_us;
    meters_.rows = memory_.rows();
    meters_.memory = memory_.bytes();
    meters_.forgotten = memory_.forgotten();
}

void Session::ask_cues(std::vector<Cue> cues) {
    for (Cue& asked : cues) {
        Question question;
        question.tag = asked.tag;
        question.text = std::move(asked.question);
        if (asked.recent && recent_)
            question.past = recent_->fork();
        else
            question.memory = memory_.fork();
        {
            const std::lock_guard lock(mutex_);
            question.id = ++last_id_;
        }
        questions_.cue(std::move(question), stop_.get_token());
    }
}

void Session::end_watch(WatchEnded ended) {
    std::vector<Question> waiting;
    {
        const std::lock_guard lock(mutex_);
        meters_.elapsed_us = steady_us() - started_at_us_;
        ended_ = true;
        watching_ = false;  // who reads WatchEnded may watch again at once; watch() waits for this thread
        ended.meters = meters_;
        waiting.swap(waiting_);
    }
    const std::exception_ptr failure = ended.failure;
    events_.push(std::move(ended), stop_.get_token());
    for (Question& question : waiting) {
        if (failure) {
            AnswerReady none;
            none.id = question.id;
            none.question = std::move(question.text);
            none.failure = failure;
            events_.push(std::move(none), stop_.get_token());
        } else {
            questions_.ask(std::move(question), stop_.get_token());
        }
    }
}

void Session::run_answers() {
    std::optional<Workspace> work;
    try {
        hands(work);
        if (memory_.rows() > 0) memory_.asked(*work);  // one that was loaded: its first answer waits for less
    } catch (const std::exception&) {  // the question will say it
    }
    while (std::optional<Question> question = questions_.take(stop_.get_token()))
        events_.push(answer(*question, work, begin_answer(question->id)), stop_.get_token());
}

std::stop_token Session::begin_answer(uint64_t id) {
    const std::lock_guard lock(mutex_);
    answering_ = id;
    answer_stop_ = std::stop_source();
    if (unwanted_.erase(id) > 0 || stop_.stop_requested()) answer_stop_.request_stop();
    return answer_stop_.get_token();
}

void Session::stop_answer(uint64_t id) {
    const std::lock_guard lock(mutex_);
    if (id == answering_)
        answer_stop_.request_stop();
    else if (id <= last_id_)
        unwanted_.insert(id);
}

// The answerer's, made in its thread, whose queue they are of: where there is no room, the question says so.
Workspace& Session::hands(std::optional<Workspace>& work) const {
    return work ? *work : work.emplace(context_, model_->language->config(), WorkspaceOptions{.top_pages = options_.top_pages});
}

AnswerReady Session::answer(Question& question, std::optional<Workspace>& work, std::stop_token stop) {
    AnswerReady ready;
    ready.id = question.id;
    ready.tag = question.tag;
    ready.question = question.text;
    try {
        const auto know_time = [&](int64_t time_us) {
            ready.asked_at_us = time_us;
            ready.clock = clock_of(videos(), time_us);
        };
        if (question.past) {
            know_time(question.past->last_time_us());
            RecentAnswer recent = question.past->ask(hands(work), question.text, options_.answers, stop);
            ready.answer = std::move(recent.dated);
            ready.again = std::move(recent.now);
        } else {
            const std::shared_ptr<const Memory> memory =
                question.memory ? std::make_shared<Memory>(std::move(*question.memory)) : memory_.asked(hands(work));
            require(memory->rows() > 0, "nothing of the video has been seen yet");
            know_time(memory->last_time_us());
            GenerateOptions options = options_.answers;
            options.clock = ready.clock;
            const auto piece = [&](std::string_view text) {
                events_.push(AnswerPiece{question.id, std::string(text)}, stop_.get_token());
            };
            ready.answer = lv::ask(hands(work), *memory, question.text, options, piece, stop, question.earlier);
        }
        if (ready.answer.text.empty() && ready.answer.complete) ready.answer.text = no_answer;
    } catch (...) {
        ready.failure = std::current_exception();
    }
    return ready;
}

}  // namespace lv
