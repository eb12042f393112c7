#include "app/desktop/session_view.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "app/desktop/folder_list.h"
#include "app/desktop/sentences.h"
#include "app/failure_text.h"
#include "app/time_text.h"
#include "app/watch_notes.h"
#include "kernels/core/atomic_file.h"
#include "kernels/core/clock.h"
#include "kernels/core/error.h"

namespace lv {
namespace fs = std::filesystem;
namespace {

constexpr int64_t caption_us = 10'000'000;  // length of a caption's interval
constexpr int64_t lanes_us = 200'000;       // lanes are copied at most this often
constexpr int64_t progress_us = 120'000;    // and meters shown
constexpr size_t most_notices = 32;

}  // namespace

void SessionView::say(std::string text, bool is_error) {
    const uint64_t number = notices_.empty() ? 1 : notices_.back().number + 1;
    notices_.push_back({sentence(std::move(text)), is_error, number});
    if (notices_.size() > most_notices) notices_.erase(notices_.begin());
}

bool SessionView::update() {
    bool changed = take_loaded();
    take_lengths();
    advance_player();
    if (const uint64_t version = reader_.version(); version != reader_version_) {
        reader_version_ = version;
        changed = true;
    }
    if (!running_) return changed;
    while (std::optional<SessionEvent> event = running_->session.poll_event()) {
        const bool is_progress = std::holds_alternative<WatchProgress>(*event);
        if (!is_progress) take_progress(true);
        take(*event);
        changed |= !is_progress;
    }
    changed |= take_progress(false);
    advance_captions();
    const int64_t now_us = steady_us();
    if (const uint64_t version = running_->log.version();
        version != lanes_version_ && (now_us - lanes_taken_us_ >= lanes_us || phase_ != Phase::watching)) {
        lanes_ = running_->log.lanes();
        lanes_version_ = version;
        lanes_taken_us_ = now_us;
        changed = true;
    }
    return changed;
}

// Frames come faster than anybody reads numbers. True when something was taken.
bool SessionView::take_progress(bool at_once) {
    const int64_t now_us = steady_us();
    if (!progress_ || (!at_once && now_us - progress_taken_us_ < progress_us)) return false;
    meters_ = *std::exchange(progress_, std::nullopt);
    progress_taken_us_ = now_us;
    list_.progress(meters_.watched_us, meters_.end_us);
    if (watches_live()) take_gaps();
    add_up();
    return true;
}

void SessionView::take(SessionEvent& event) {
    if (const auto* started = std::get_if<WatchStarted>(&event)) {
        take_started(*started);
    } else if (const auto* progress = std::get_if<WatchProgress>(&event)) {
        progress_ = progress->meters;
    } else if (const auto* ended = std::get_if<WatchEnded>(&event)) {
        take_ended(*ended);
    } else if (const auto* noted = std::get_if<SourceNoted>(&event)) {
        take_note(noted->note);
    } else if (const auto* piece = std::get_if<AnswerPiece>(&event)) {
        if (ChatTurn* turn = turn_of(piece->id); turn && turn->state != TurnState::stopped) {
            turn->answer += piece->text;
            turn->state = TurnState::answering;
        }
    } else if (const auto* ready = std::get_if<AnswerReady>(&event)) {
        take_answer(*ready);
    }
}

void SessionView::take_started(const WatchStarted& started) {
    info_ = started.source;
    meters_ = started.meters;
    began_ = true;
    list_.take(running_->session.videos());
    list_.learn_length(info_.name, info_.duration_us);
    phase_ = Phase::watching;
    if (player_video_ + 1 == list_.in_memory()) show_video(player_video_);  // now it is known whether it can be played
}

void SessionView::take_ended(const WatchEnded& ended) {
    if (began_) meters_ = ended.meters;
    if (!began_ && ended.stopped) list_.put_back();
    trouble_.clear();
    list_.take(running_->session.videos());
    take_gaps();
    add_up();
    before_ = whole_;
    if (began_ && !ended.failure && !ended.stopped) before_.watched_us += meters_.end_us - meters_.watched_us;
    phase_ = Phase::watched;
    if (ended.stopped) {  // an opening that was stopped also fails
        if (ended.meters.all_frames > 0) return;
        error_ = "Nothing had come yet when you stopped; Shift+S waits for it again.";
        phase_ = Phase::failed;
        return;
    }
    if (ended.failure) return take_lost(sentence(failure_text(ended.failure)));
    const std::string name = fs::path(list_.videos()[list_.in_memory() - 1].source).filename().string();
    if (const std::string note = loss_note(name, ended); !note.empty()) say(note, true);
    if (const std::string note = damage_note(name, ended); !note.empty())
        say(note + "; the answers hold for the part that could be read", true);
    watch_next();
}

// Of several videos the others are watched all the same.
void SessionView::take_lost(const std::string& why) {
    if (!began_) {
        const size_t lost = list_.in_memory();  // the one behind those that the memory holds
        list_.drop_started();
        if (player_video_ > lost)
            --player_video_;  // the same video, a place further up
        else if (player_video_ == lost) {
            retire_player();
            if (!list_.videos().empty()) show_video(std::min(player_video_, list_.videos().size() - 1));
        }
    }
    if (list_.waits() || (!began_ && list_.in_memory() > 0)) {
        say(why, true);
        return watch_next();
    }
    error_ = why;
    if (list_.in_memory() > 0) error_ += " What was seen until then can be asked.";
    phase_ = Phase::failed;
}

// Sums what the memory holds: the videos before, and the one at hand.
void SessionView::add_up() {
    whole_ = meters_;
    whole_.first_us = 0;
    whole_.watched_us = before_.watched_us + std::max<int64_t>(meters_.watched_us - meters_.first_us, 0);
    whole_.elapsed_us = before_.elapsed_us + meters_.elapsed_us;
    whole_.frames = before_.frames + meters_.frames;
    if (!began_) whole_ = before_;
    history_.add(whole_, model_->language->config());
}

void SessionView::take_answer(const AnswerReady& ready) {
    if (WatchList::is_mine(ready)) return take_standing(ready);
    try {
        if (captions_ && captions_->take(ready, running_->session, model_->kind_names())) return;
    } catch (const std::exception& error) {
        say(std::string("The captions could not be made: ") + error.what(), true);
        captions_.reset();
        return;
    }
    ChatTurn* turn = turn_of(ready.id);
    if (turn) conversation_.add(ready);
    if (!turn || turn->state == TurnState::stopped) return;
    if (ready.failure) {
        turn->state = TurnState::failed;
        turn->answer = sentence(failure_text(ready.failure));
        return;
    }
    turn->state = ready.answer.complete ? TurnState::answered : TurnState::stopped;
    turn->answer = ready.answer.text;
    turn->evidence = ready.answer.evidence;
    turn->attention = ready.answer.attention;
    turn->asked_at_us = ready.asked_at_us;
    turn->clock = ready.clock;
    turn->first_token_us = ready.answer.first_token_us;
    turn->total_us = ready.answer.total_us;
    turn->tokens = ready.answer.ids.size();
    if (!turn->evidence.empty()) evidence_turn_ = static_cast<size_t>(turn - turns_.data());
}

ChatTurn* SessionView::turn_of(uint64_t id) {
    const auto found =
        std::find_if(turns_.rbegin(), turns_.rend(), [&](const ChatTurn& turn) { return turn.id == id; });
    return found == turns_.rend() ? nullptr : &*found;
}

void SessionView::ask(std::string question) {
    ChatTurn turn;
    turn.question = std::move(question);
    try {
        const bool failed = phase_ == Phase::failed && list_.in_memory() == 0;
        require(running_ && !failed,
                failed ? "the video could not be opened; open another one" : "no video is open; open one first");
        turn.id = running_->session.ask(turn.question, AskWhen::now, conversation_.turns());
        turn.clock = list_.clock();
    } catch (const std::exception& error) {
        turn.state = TurnState::failed;
        turn.answer = sentence(error.what());
    }
    turns_.push_back(std::move(turn));
}

bool SessionView::answering() const {
    return std::any_of(turns_.begin(), turns_.end(), [](const ChatTurn& turn) {
        return turn.state == TurnState::waiting || turn.state == TurnState::answering;
    });
}

void SessionView::stop_answer() {
    for (ChatTurn& turn : turns_) {
        if (turn.state != TurnState::waiting && turn.state != TurnState::answering) continue;
        turn.state = TurnState::stopped;
        if (running_) running_->session.stop_answer(turn.id);
    }
}

void SessionView::clear_chat() {
    stop_answer();
    turns_.clear();
    conversation_.forget();
    evidence_turn_.reset();
}

const ChatTurn* SessionView::evidence() const {
    return evidence_turn_ && *evidence_turn_ < turns_.size() ? &turns_[*evidence_turn_] : nullptr;
}

void SessionView::export_to(const fs::path& path) {
    try {
        const std::string extension = path.extension().string();
        if (extension == ".md" || extension == ".json") {
            require(!turns_.empty(), "there is no conversation to export yet; ask something first");
            write_file_atomically(path,
                                  extension == ".md" ? chat_markdown(turns_, title()) : chat_json(turns_, source_));
            say("The conversation is in " + path.string());
            return;
        }
        require(running_ && phase_ != Phase::loading, "no video is open; open one first");
        if (looks_like_memory(path)) {
            require(!saving_.valid(), "the memory is being saved already; wait until that is done");
            saving_to_ = path;
            saving_ = std::async(std::launch::async, [running = running_, path] { running->session.save(path); });
            return;
        }
        require(!captions_, "captions are being made already; wait until they are done");
        require(shown_video() < list_.in_memory(), "nothing of this video has been watched yet; wait, or show another");
        const ListedVideo& shown = list_.videos()[shown_video()];
        CaptionExport::Part part{.start_us = shown.start_us, .first_us = shown.first_us, .end_us = shown.watched_us};
        if (list_.clock().several()) part.number = shown_video() + 1;
        captions_.emplace(path, part, caption_us);
    } catch (const std::exception& error) {
        say(error.what(), true);
    }
}

void SessionView::advance_captions() {
    if (!captions_) return;
    try {
        captions_->ask_more(running_->session);
        if (!captions_->complete()) return;
        captions_->write();
        say("The captions are in " + captions_->path().string());
    } catch (const std::exception& error) {
        say(error.what(), true);
    }
    captions_.reset();
}

std::string SessionView::title() const {
    const std::string plain = source_.substr(0, source_.find('?'));
    const std::string name = fs::path(plain).filename().string();
    return name.empty() ? source_ : name;
}

std::string SessionView::stem() const {
    const std::string stem =
        fs::path(list_.clock().several() && shown_video() < list_.in_memory() ? list_.videos()[shown_video()].source
                                                                              : title())
            .stem()
            .string();
    return stem.empty() || stem.find(':') != std::string::npos ? "video" : stem;
}

std::string SessionView::kind_name(int kind) const {
    if (!model_ || kind < 0 || static_cast<size_t>(kind) >= model_->kind_names().size()) return "?";
    return model_->kind_names()[static_cast<size_t>(kind)];
}

std::vector<std::string> SessionView::suggestions() const {
    std::vector<std::string> questions{"What is visible now?"};
    const auto article = [](const std::string& name) {
        return (std::string("aeiou").find(name[0]) == std::string::npos ? "a " : "an ") + name;
    };
    for (const KindLane& lane : lanes_) {
        if (questions.size() >= 4) break;
        const std::string name = kind_name(lane.kind);
        questions.push_back("When does " + article(name) + " first appear?");
        if (questions.size() < 4) questions.push_back("Where is the " + name + " now?");
    }
    if (lanes_.empty()) questions.push_back("Is there a person in the video?");
    return questions;
}

}  // namespace lv
