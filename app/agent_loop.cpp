#include "app/agent_loop.h"

#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "app/answer_report.h"
#include "app/byte_text.h"
#include "app/failure_text.h"
#include "app/output.h"
#include "app/time_text.h"
#include "app/watch_notes.h"
#include "kernels/core/clock.h"
#include "kernels/core/error.h"
#include "kernels/core/shallow_json.h"

namespace lv {
namespace {

using nlohmann::ordered_json;

constexpr int64_t slow_again_us = 60'000'000;  // least time between two notes that the machine is too slow

std::string line_of(const ordered_json& object) {
    return object.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

// Attempts are told of ever more rarely: a camera may be away for a week.
bool worth_telling(int attempt) { return attempt <= 3 || std::has_single_bit(static_cast<unsigned>(attempt)); }

}  // namespace

EventFile::EventFile(const std::string& file) {
    if (file.empty()) return;
    file_.reset(std::fopen(file.c_str(), "ae"));
    require(file_ != nullptr, "--events ", file, ": ", std::strerror(errno), "; name a file that you may write to");
    std::setvbuf(file_.get(), nullptr, _IONBF, 0);  // fwrite() then tells how much of a line was written
}

bool EventFile::write(const ordered_json& event) {
    if (!file_) return true;
    std::string line = line_of(event) + "\n";
    if (torn_) line.insert(line.begin(), '\n');
    const size_t written = std::fwrite(line.data(), 1, line.size(), file_.get());
    if (written == line.size()) {
        failing_ = torn_ = false;
        return true;
    }
    std::clearerr(file_.get());
    if (written > 0 && !take_back(static_cast<off_t>(written))) torn_ = true;
    return std::exchange(failing_, true);
}

// Cuts the piece of a line off again. False where that cannot be: in a pipe.
bool EventFile::take_back(off_t bytes) {
    const int fd = fileno(file_.get());
    struct stat found {};
    return fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && found.st_size >= bytes &&
           ftruncate(fd, found.st_size - bytes) == 0;
}

AgentLoop::AgentLoop(const AgentOptions& options, const KindWords& kinds, Session& session, WatchList& list,
                     Snapshots& snapshots, Progress& progress, const Interrupt& interrupt)
    : options_(options),
      kinds_(kinds),
      session_(session),
      list_(list),
      snapshots_(snapshots),
      progress_(progress),
      interrupt_(interrupt),
      events_(options.events),
      commands_(options.exec, options.exec_limit) {
    if (!options.socket.empty())
        socket_ = std::make_unique<LineSocket>(
            options.socket, [this](uint64_t caller, const std::string& line) { take_line(caller, line); });
    if (options.source != "-") reader_ = std::thread([this] { read_questions(); });
    if (!options.memory.save.empty()) saver_ = std::thread([this] { save_often(); });
}

AgentLoop::~AgentLoop() { finish(); }

// Ends the threads.
void AgentLoop::finish() {
    leave_.request_stop();
    if (reader_.joinable()) reader_.join();
    if (saver_.joinable()) saver_.join();
}

AgentLoop::End AgentLoop::run() {
    const std::stop_callback stop_watching(interrupt_.token(), [this] {
        leave_.request_stop();
        session_.stop_watching();
    });
    std::exception_ptr failure;
    try {
        take_events();
    } catch (...) {  // nobody reads standard output any more, or its disk is full
        failure = std::current_exception();
        end_watching();
    }
    finish();
    progress_.finish();
    progress_.prompt("");
    const bool saved = options_.memory.save.empty() || session_.meters().rows == 0 || save(true);
    if (interrupt_.happened() || !ended_ || !ended_->failure || session_.meters().frames > 0)
        progress_.say(agent_note(session_.meters()));
    if (!failure && ended_ && !interrupt_.happened() && !full_) failure = ended_->failure;
    if (failure) std::rethrow_exception(failure);
    if (!saved) return End::unsaved;
    if (interrupt_.happened()) return End::stopped;
    return full_ ? End::full : End::source;
}

// Until the source has ended and what was asked is answered.
void AgentLoop::take_events() {
    const auto done = [&] {
        if (!ended_) return false;
        const std::lock_guard lock(mutex_);
        return interrupt_.happened() || ended_->failure || (asked_.empty() && list_.pending() == 0);
    };
    while (!done()) {
        const std::optional<SessionEvent> event = session_.next_event();
        if (!event) break;
        take(*event);
        for (const std::string& failure : commands_.failures()) progress_.warn(failure);
    }
}

// Events are thrown away meanwhile: a writer that waits for room to ask would be waited for by save().
void AgentLoop::end_watching() {
    session_.stop_watching();
    while (!ended_) {
        const std::optional<SessionEvent> event = session_.next_event();
        if (!event) return;
        if (const auto* ended = std::get_if<WatchEnded>(&*event)) ended_ = *ended;
    }
}

void AgentLoop::take(const SessionEvent& event) {
    if (const auto* running = std::get_if<WatchProgress>(&event)) take_progress(running->meters);
    if (const auto* noted = std::get_if<SourceNoted>(&event)) take_note(noted->note);
    if (const auto* ended = std::get_if<WatchEnded>(&event)) ended_ = *ended;
    const auto* ready = std::get_if<AnswerReady>(&event);
    if (!ready) return;
    if (!WatchList::is_mine(*ready))
        take_answer(*ready);
    else if (const std::optional<Told> told = list_.take(*ready))
        take_told(*told);
}

void AgentLoop::take_progress(const Meters& meters) {
    {
        const std::lock_guard lock(mutex_);
        seen_ = true;
    }
    changed_.notify_all();
    progress_.update(progress_of(options_.source, meters));
    const std::vector<WatchedVideo> videos = session_.videos();
    if (!full_ && !videos.empty() && videos.back().start_us + meters.watched_us >= most_memory_us) {
        full_ = true;
        session_.stop_watching();
    }
    note_overload(meters);
}

void AgentLoop::note_overload(const Meters& meters) {
    const bool frames = meters.dropped - dropped_told_ >= 10, pictures = meters.skipped - skipped_told_ >= 100;
    if ((!frames && !pictures) || meters.elapsed_us - slow_at_us_ < slow_again_us) return;
    if (frames)
        progress_.say("this machine is too slow for every frame: " + grouped(meters.dropped) + " of " +
                      grouped(meters.dropped + meters.frames) + " were dropped for newer ones; --fps asks for fewer");
    if (pictures)
        progress_.say("this machine is too slow to decode every picture: " + grouped(meters.skipped) +
                      " were left out; a smaller stream of the same source, or more --threads, lets it see them all");
    dropped_told_ = meters.dropped;
    skipped_told_ = meters.skipped;
    slow_at_us_ = meters.elapsed_us;
}

void AgentLoop::publish(const ordered_json& event) {
    if (!events_.write(event))
        progress_.warn("--events " + options_.events + " cannot be written; the disk may be full");
    const std::string line = line_of(event);
    if (options_.json) print_out(line + "\n");
    if (!socket_) return;
    const std::lock_guard lock(mutex_);
    for (const auto& [caller, wants] : listeners_) socket_->send(caller, line);
}

void AgentLoop::take_told(const Told& told) {
    const std::vector<WatchedVideo> videos = session_.videos();
    const int64_t at_us = told.regular ? told.told_us : told.since_us;
    const int64_t wall = wall_of(at_us, videos, wall_us());
    progress_.tell(told_text(told, wall));
    std::string picture;
    try {
        picture = snapshots_.write(at_us, snapshot_name(wall, told.text));
    } catch (const std::exception& error) {
        progress_.warn(error.what());
    }
    publish(told_json(told, videos, wall, picture));
    const std::string failed = commands_.start({{"text", told.text},
                                                {"question", told.question},
                                                {"answer", told.answer},
                                                {"time", written_time(at_us, told.clock)},
                                                {"wall", wall_text(wall)},
                                                {"picture", picture}});
    if (!failed.empty()) progress_.warn(failed);
}

void AgentLoop::take_note(const LiveNote& note) {
    if (note.kind == LiveNote::Kind::waiting && !worth_telling(note.attempt)) return;
    const int64_t now = wall_us();
    const bool bad = note.kind == LiveNote::Kind::waiting || note.kind == LiveNote::Kind::lost ||
                     note.kind == LiveNote::Kind::unrecorded;
    if (bad)
        progress_.warn(note.words);
    else
        progress_.say(note.words);
    publish(note_json(note, clock_of(session_.videos(), note.time_us), now));
}

void AgentLoop::ask(std::string question, Asked asked, std::vector<Turn> earlier) {
    const std::lock_guard lock(mutex_);  // the answer is not looked for before it is known who asked
    const uint64_t id = session_.ask(std::move(question), AskWhen::now, std::move(earlier));
    asked_.emplace(id, std::move(asked));
}

void AgentLoop::take_answer(const AnswerReady& ready) {
    Asked asked;
    {
        const std::lock_guard lock(mutex_);
        const auto found = asked_.find(ready.id);
        if (found == asked_.end()) return;
        asked = std::move(found->second);
        asked_.erase(found);
        if (asked.caller == 0) conversation_.add(ready);
    }
    ordered_json object;
    std::string gaps;
    if (ready.failure) {
        object = {{"question", ready.question}, {"error", failure_text(ready.failure)}};
    } else {
        const std::vector<WatchedVideo> videos = session_.videos();
        object = answer_json(ready, videos);
        gaps = gap_text(ready, videos);
        if (!gaps.empty()) object["gaps"] = gaps;
    }
    if (asked.caller != 0) {
        if (!asked.id.is_null()) object["id"] = asked.id;
        if (socket_) socket_->send(asked.caller, line_of(object));
    } else if (options_.json) {
        ordered_json line{{"event", "answer"}};
        line.update(object);
        print_out(line_of(line) + "\n");
    } else if (ready.failure) {
        progress_.warn(failure_text(ready.failure));
    } else {
        std::string text = shown(ready.question) + "\n  " + ready.answer.text + "\n";
        if (const std::string moments = moments_text(ready.answer.evidence, ready.clock); !moments.empty())
            text += "  " + moments + "\n";
        if (!gaps.empty()) text += "  " + gaps + "\n";
        print_out(text);
    }
}

ordered_json AgentLoop::state_json() const {
    const Meters meters = session_.meters();
    ordered_json items = ordered_json::array();
    for (const WatchItemState& item : list_.states())
        items.push_back({{"item", item.item},
                         {"text", item.text},
                         {"holds", item.holds},
                         {"told", item.told},
                         {"left_out", item.left_out},
                         {"last_answer", item.last_answer}});
    return {{"watched", seconds(meters.watched_us)},
            {"frames", meters.frames},
            {"dropped", meters.dropped},
            {"skipped", meters.skipped},
            {"gaps", meters.gaps},
            {"delay_ms", static_cast<double>(meters.delay_us) / 1000},
            {"memory_bytes", meters.memory.total()},
            {"standing", items}};
}

void AgentLoop::take_line(uint64_t caller, const std::string& line) {
    const auto answer = [&](const ordered_json& object) { socket_->send(caller, line_of(object)); };
    const auto refuse = [&] {
        answer({{"error",
                 "this is no JSON object that is understood; expected one a line, such as "
                 "{\"question\": \"What is visible now?\"}"}});
    };
    ordered_json id;
    try {
        constexpr int deepest = 4;  // an id is given back as it was, as long as it is no deeper
        const auto request = parse_shallow<ordered_json>(line, deepest);
        if (request.is_discarded()) return refuse();
        if (request.is_object() && request.contains("id")) id = request["id"];
        if (request.is_object() && request.contains("question")) {
            ask(request.at("question").get<std::string>(), {.caller = caller, .id = id});
        } else if (request.is_object() && request.contains("tell")) {
            Condition condition = parse_condition(request.at("tell").get<std::string>(), kinds_);
            const std::string meaning = condition.meaning();
            answer({{"item", list_.add(std::move(condition))}, {"meaning", meaning}});
        } else if (request.is_object() && request.value("events", false)) {
            const std::lock_guard lock(mutex_);
            listeners_[caller] = true;
        } else if (request.is_object() && request.value("state", false)) {
            answer(state_json());
        } else {
            throw UsageError("found '" + line +
                             "', expected {\"question\": \"...\"}, {\"tell\": \"...\"}, "
                             "{\"events\": true} or {\"state\": true}");
        }
    } catch (const ordered_json::exception&) {
        refuse();
    } catch (const Error& error) {
        ordered_json refused{{"error", error.what()}};
        if (!id.is_null()) refused["id"] = id;
        answer(refused);
    }
}

void AgentLoop::save_often() {
    while (true) {
        {
            std::unique_lock lock(mutex_);
            changed_.wait_for(lock, leave_.get_token(), std::chrono::microseconds(options_.save_every_us),
                              [] { return false; });
        }
        if (leave_.stop_requested()) return;
        if (session_.meters().rows > 0) save(false);
    }
}

// False when it failed, which is told; while it watches it is tried again the next time.
bool AgentLoop::save(bool at_end) {
    const std::string& file = options_.memory.save;
    try {
        session_.save(file);
        if (at_end)
            progress_.say("saved to " + file + " (" + byte_text(std::filesystem::file_size(file)) +
                          "); the same command goes on from there");
        return true;
    } catch (const std::exception& error) {
        progress_.warn(error.what());
        return false;
    }
}

}  // namespace lv
