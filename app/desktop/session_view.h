// One window's work as plain values: what is open, how far it is, what was said. Knows no window; panels only draw it.
//
// Everything here belongs to one thread (the window's) and none of it waits: models load, sessions end and files are
// watched elsewhere. update() takes what has happened since the last call.
//
// A view has one memory, of one video or of several that are watched one after the other. Times are of that memory's
// clock; list() says which video lies where on it. A player's own times are those of its file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/captions.h"
#include "app/conversation.h"
#include "app/desktop/caption_export.h"
#include "app/desktop/chat_log.h"
#include "app/desktop/frame_log.h"
#include "app/desktop/meter_history.h"
#include "app/desktop/player.h"
#include "app/desktop/playlist.h"
#include "app/desktop/settings.h"
#include "app/desktop/thumbnail_reader.h"
#include "app/session.h"
#include "app/watch_list.h"

namespace lv {

enum class Phase {
    empty,     // nothing is open
    loading,   // the model or the source is being opened
    watching,  // frames come
    watched,   // the end was reached, or the stream ended
    failed,    // as watched, with what came before; the reason is in error()
};

// A sentence for the user, shown for a while.
struct Notice {
    std::string text;
    bool is_error = false;
    uint64_t number = 0;  // rises
};

class SessionView {
   public:
    // `settings` outlives the view; what concerns watching is read when a video is opened. `wake` is called, in any
    // thread, when a picture to be drawn has come; the rest waits for update().
    explicit SessionView(Settings& settings, std::function<void()> wake = {});
    ~SessionView();  // waits for the threads
    SessionView(const SessionView&) = delete;
    SessionView& operator=(const SessionView&) = delete;

    // Closes what is open and opens a source: a path, a URL, camera:0, screen:, test:, a saved memory (.lvm), which
    // can be asked without its video. A folder is a list of videos, watched into one memory. Errors come as failed or
    // as a notice.
    void open(const std::string& source);
    // Several videos or folders of them, in this order, into one memory.
    void open_list(const std::vector<std::string>& sources);
    // The same, behind what the memory holds already; as open_list() when nothing is open.
    void add(const std::vector<std::string>& sources);
    void close();
    // Stops watching, or waiting for a stream; the memory stays and can be asked.
    void stop_watching();
    // Watches on where it stopped or failed, in this video or with the next.
    void go_on();
    bool can_go_on() const;
    // Settings have changed that what is open does not follow.
    bool settings_wait() const;
    // Takes what has happened. True when something has changed that is worth a redraw.
    bool update();

    // A question for the conversation. Never throws: what is wrong with it becomes the turn's answer.
    void ask(std::string question);
    // Ends the answer that is being given, and forgets the questions that wait.
    void stop_answer();
    bool answering() const;
    void clear_chat();
    // The turn whose evidence the timeline shows; by number in turns().
    void choose_evidence(size_t turn) { evidence_turn_ = turn; }

    // Standing questions: told of when they come true, in this video and in those opened later. A condition ("a person
    // appears") or "every 30s: what is visible". Returns why it cannot be one, as a sentence; empty: well.
    std::string add_standing(const std::string& text);
    void remove_standing(size_t index);
    // What would be asked, or what is wrong with it.
    std::string standing_meaning(const std::string& text) const;
    const std::vector<WatchItemState>& standing() const { return standing_; }
    const std::vector<Told>& told() const { return told_; }  // oldest first
    uint64_t told_in_all() const { return told_in_all_; }

    // By extension: .lvm the memory, at any time; .md, .json the conversation; .srt, .vtt, .jsonl, .txt captions, which
    // are asked for first and written when the last has come. Success and failure come as notices.
    void export_to(const std::filesystem::path& path);
    bool exporting() const { return captions_.has_value(); }
    double export_share() const { return captions_ ? captions_->share() : 0; }

    // Seeks player and timeline alike; without a player it chooses the picture that is shown.
    void seek(int64_t time_us);
    // To the start of the next (1) or the previous (-1) video.
    void seek_video(int step);
    int64_t position_us() const;
    // The video that is shown: an index of list().videos(), and its own 0:00.
    size_t shown_video() const { return player_video_; }
    int64_t shown_start_us() const;
    int64_t shown_length_us() const;
    bool shows_newest() const { return !player_ && chosen_us_ < 0; }  // what is being watched, as it comes
    // How large the player's pictures are drawn, px of the long side.
    void set_picture_side(int px);
    // What is known of the picture at a time, small; asks for it to be read where that can be done.
    Thumbnail thumbnail_at(int64_t time_us);

    // Of a live source: whether it is being watched; why nothing comes of it just now, as a sentence (it is tried
    // again; empty: it comes); and when nothing was seen, on the memory's clock.
    bool watches_live() const;
    const std::string& trouble() const { return trouble_; }
    const std::vector<Gap>& gaps() const { return gaps_; }
    const Gap* gap_at(int64_t time_us) const;  // null: none

    Phase phase() const { return phase_; }
    const std::string& source() const { return source_; }  // without a password
    uint64_t opened() const { return opened_; }            // rises with every open(): the ids of turns begin anew
    std::string title() const;                             // of the source, short
    std::string stem() const;                              // for names of files made of it
    const Playlist& list() const { return list_; }
    const std::string& error() const { return error_; }
    const SourceInfo& info() const { return info_; }
    const Meters& meters() const { return meters_; }  // of the video at hand, by its own clock
    // Of all that was watched: first_us is 0, watched_us how much, elapsed_us and frames in this run of the program.
    const Meters& whole() const { return whole_; }
    const MeterHistory& history() const { return history_; }
    const std::vector<ChatTurn>& turns() const { return turns_; }
    const std::vector<KindLane>& lanes() const { return lanes_; }
    const std::vector<Notice>& notices() const { return notices_; }
    const ChatTurn* evidence() const;  // null: no answer with evidence is chosen
    std::vector<std::string> suggestions() const;
    std::string kind_name(int kind) const;
    const FrameLog* frames() const { return running_ ? &running_->log : nullptr; }
    Player* player() { return player_.get(); }
    const Player* player() const { return player_.get(); }
    int64_t length_us() const;                       // of all that can be shown
    bool busy() const { return reader_.reading(); }  // something to draw will come by itself, soon
    const Model* model() const { return model_ ? model_->language.get() : nullptr; }
    void say(std::string text, bool is_error = false);

   private:
    // A session with what it needs to live; ends in a thread of its own.
    struct Running {
        // `memory`: a saved one to go on from; empty: a new one. Reads the file: not in the window's thread.
        Running(const std::shared_ptr<const LoadedModel>& model, const Settings& settings,
                const std::filesystem::path& memory, const WatchListOptions& standing);
        Context context;
        FrameLog log;
        WatchList watches;
        Session session;  // last: its threads use the others
    };

    void begin_loading();
    void take_model();
    void begin_open(const std::string& source, const std::vector<std::string>& videos);
    void start();
    void start_watching(const std::string& source);
    void watch_next();
    std::vector<std::string> shown_names(const std::vector<std::string>& sources);
    std::string given(const std::string& shown) const;
    bool take_loaded();  // a model, a memory, a file that was being written
    void take_memory();
    void take_saved();
    void retire();
    void take(SessionEvent& event);
    void take_started(const WatchStarted& started);
    void take_ended(const WatchEnded& ended);
    void take_lost(const std::string& why);
    void take_lengths();
    void take_note(const LiveNote& note);
    void take_gaps();
    WatchListOptions watch_list_options() const;
    void begin_standing();
    void take_standing(const AnswerReady& ready);
    uint64_t list_standing(const std::string& text);
    void add_up();
    bool take_progress(bool at_once);
    void show_video(size_t video);
    void retire_player();
    void advance_player();
    void take_answer(const AnswerReady& ready);
    void advance_captions();
    ChatTurn* turn_of(uint64_t id);

    Settings& settings_;
    const std::function<void()> wake_;
    std::shared_ptr<const LoadedModel> model_;
    std::string model_dir_;  // that model_ was loaded from
    std::future<std::shared_ptr<const LoadedModel>> loading_;
    std::shared_ptr<Running> running_;  // shared with who saves it
    ThumbnailReader reader_;
    uint64_t reader_version_ = 0;
    std::unique_ptr<Player> player_;
    size_t player_video_ = 0;  // of list_; also when it has no player
    int picture_side_ = 1280;  // px
    bool was_playing_ = false;
    std::future<std::shared_ptr<Running>> opening_;  // a saved memory
    std::future<void> saving_;
    std::filesystem::path saving_to_;
    std::vector<std::future<void>> retired_;

    Phase phase_ = Phase::empty;
    Settings opened_with_;
    uint64_t opened_ = 0;
    std::string source_, error_, trouble_;
    std::map<std::string, std::string> given_;  // with the password, by the name that is shown; never written down
    std::vector<Gap> gaps_;
    Playlist list_;
    bool began_ = false;  // the video at hand has begun to come
    SourceInfo info_;
    Meters meters_, whole_;
    std::optional<Meters> progress_;  // came, but is not shown yet
    int64_t progress_taken_us_ = 0;   // steady clock
    Meters before_;                   // whole_ without the video at hand
    MeterHistory history_;
    std::vector<ChatTurn> turns_;
    Conversation conversation_;  // what a follow-up is understood by
    std::optional<size_t> evidence_turn_;
    std::vector<KindLane> lanes_;
    uint64_t lanes_version_ = 0;
    int64_t lanes_taken_us_ = 0;  // steady clock
    std::unique_ptr<const KindWords> kind_words_;
    std::vector<WatchItemState> standing_;
    std::vector<Told> told_;
    uint64_t told_in_all_ = 0;
    std::vector<Notice> notices_;
    std::optional<CaptionExport> captions_;
    int64_t chosen_us_ = -1;  // without a player: the time being looked at; -1: the newest
};

}  // namespace lv
