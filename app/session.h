// Videos being watched, one after another into one memory, and asked about. Knows no terminal and no window: what
// happens comes out of a channel.
//
//   watch() --> writer thread: RowStream -> LiveMemory.append --+--> events()
//   ask()   --> queue --> answering thread: fork -> generate ---+
//
// A question is answered from a fork of the memory: a consistent prefix, which the answer does not change. The turns of
// a conversation are replayed in that fork. Two sessions may share a model and a context.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "app/loaded_model.h"
#include "app/question_queue.h"
#include "app/recent_memory.h"
#include "app/row_stream.h"
#include "app/saved_session.h"
#include "app/sightings.h"
#include "app/watched_video.h"
#include "engine/generate.h"
#include "engine/live_memory.h"
#include "engine/workspace.h"
#include "kernels/core/channel.h"

namespace lv {

// A question that the writer asks by itself; `tag` comes back with the answer.
struct Cue {
    std::string question;
    uint64_t tag = 0;
    bool recent = false;  // about now: asked of the last minutes, at a cost that does not grow; no AnswerPieces
};

// Runs on the writer thread before each frame joins the memory (`next_us`: its time), and once at the end, where
// `next_us` is the end of the video. The questions it returns are asked of the memory as it is at that moment. When
// answers lag behind, the writer waits here.
using CueFunction = std::function<std::vector<Cue>(int64_t next_us, bool ended)>;

// Runs on the writer thread for each frame; what it returns is asked, as with a CueFunction, once the frame of this
// time has joined the memory.
using AfterFunction = std::function<std::vector<Cue>(int64_t time_us)>;

// Runs on the writer thread for each frame, as it joins the memory: its boxes, and the picture as the encoder saw it.
// Must not wait.
using LookFunction = std::function<void(const SeenFrame& frame, const std::shared_ptr<const Picture>& picture)>;

// What has become of the video at hand, by its own clock, and of the memory so far.
struct Meters {
    int64_t first_us = 0;    // where watching began
    int64_t watched_us = 0;  // time of the newest frame
    int64_t end_us = 0;      // where it will end; 0: not known
    int64_t elapsed_us = 0;  // wall clock since watch()
    int64_t frames = 0;      // since watch()
    int64_t all_frames = 0;  // of all videos of the memory
    size_t rows = 0;         // of the memory
    MemoryBytes memory;
    Forgotten forgotten;  // to stay within the budget
    // Of a live source:
    int64_t dropped = 0;   // frames that a newer one took the place of
    int64_t skipped = 0;   // pictures of it that were not decoded: decoding was too slow
    int64_t gaps = 0;      // since watch()
    int64_t delay_us = 0;  // of the newest frame, from when it came to when it was in the memory
};

struct SessionOptions {
    GenerateOptions answers;
    MemoryOptions memory;  // of a memory that is not loaded
    size_t top_pages = 0;  // pages of the cache that an answer's rows read; 0: all
};

struct WatchStarted {
    SourceInfo source;
    Meters meters;
};
struct WatchProgress {
    Meters meters;
};
struct WatchEnded {
    Meters meters;  // end_us is now known
    SourceStats stats;
    bool stopped = false;        // by stop(), before the end
    std::exception_ptr failure;  // null: well
};
// What became of a live source; times are the memory's.
struct SourceNoted {
    LiveNote note;
};
struct AnswerPiece {
    uint64_t id = 0;
    std::string text;
};
struct AnswerReady {
    uint64_t id = 0;
    uint64_t tag = 0;
    std::string question;
    Answer answer;
    std::optional<Answer> again{};  // of a recent cue: to the same asked in another way (recent_memory.h)
    int64_t asked_at_us = 0;        // time of the newest frame that the answer knows, on the memory's clock
    VideoClock clock{};             // how to write times of the memory
    std::exception_ptr failure;     // set: there is no answer, for this reason
};
using SessionEvent = std::variant<WatchStarted, WatchProgress, WatchEnded, SourceNoted, AnswerPiece, AnswerReady>;

enum class AskWhen { now, at_end };

class Session {
   public:
    Session(std::shared_ptr<const LoadedModel> model, const Context& context, const SessionOptions& options = {},
            std::optional<SavedSession> saved = {});
    // As stop(), then waits for both threads.
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // Starts watching: a first video, the next one once the one before has ended, or the same again where it stopped
    // before its end. That one is sampled as it was; a live one goes on where the clock is now. Errors come as
    // WatchEnded::failure.
    void watch(const WatchRequest& request, CueFunction cue = {}, LookFunction look = {}, AfterFunction after = {});

    // Queues a question, before all cues, and returns its id. now: answered from what has been seen when its turn
    // comes. at_end: once the video has ended; such questions fail when watching does. Throws UsageError when too many
    // are waiting. `earlier`: the turns of the conversation it belongs to, oldest first.
    uint64_t ask(std::string question, AskWhen when, std::vector<Turn> earlier = {});

    // Writes all that was watched until now to `file` (app/saved_session.h); any thread, at any time, also while frames
    // arrive, which wait for no more than a copy of the state. Throws Error.
    void save(const std::filesystem::path& file);

    // What happens, in order; any one thread. Empty after stop(). Who stops popping stops the session in the end: the
    // channel is bounded (progress is left out when it is full, words and answers wait).
    std::optional<SessionEvent> next_event(std::stop_token stop = {});
    // The next one if it is there already.
    std::optional<SessionEvent> poll_event() { return events_.try_pop(); }

    // Ends the answer of this id, now or when its turn comes: AnswerReady follows, incomplete.
    void stop_answer(uint64_t id);
    // Watches no further. WatchEnded follows; the memory stays and can be asked.
    void stop_watching();

    // Any thread.
    Meters meters() const;
    std::vector<WatchedVideo> videos() const;
    const Sightings& sightings() const { return sightings_; }
    void stop();

   private:
    struct Question {
        uint64_t id = 0;
        uint64_t tag = 0;
        std::string text;
        std::vector<Turn> earlier;
        std::optional<Memory> memory;    // none: fork when its turn comes
        std::optional<RecentPast> past;  // set: asked instead, and no pieces; as Cue::recent
    };

    struct Watch {  // of one video
        WatchRequest request;
        CueFunction cue;
        LookFunction look;
        AfterFunction after;
        StreamStart start;
        std::stop_token stop;
    };

    Watch begin_watch(WatchRequest request);
    void run_watch(const Watch& watch);
    void begin_video(const Watch& watch, RowStream& stream);
    void end_video(const Watch& watch, const RowStream& stream, const WatchEnded& ended);
    // Throws Error when the memory will not fit into what is free, or a budget.
    void require_room(const Watch& watch, const RowStream& stream) const;
    void absorb(const RowBatch& batch, Workspace& work, const Watch& watch);
    void note_live(const LiveStats& live);
    void note_frames(const RowBatch& batch);
    void ask_cues(std::vector<Cue> cues);
    void end_watch(WatchEnded ended);
    void run_answers();
    std::stop_token begin_answer(uint64_t id);
    AnswerReady answer(Question& question, std::optional<Workspace>& work, std::stop_token stop);
    Workspace& hands(std::optional<Workspace>& work) const;

    const std::shared_ptr<const LoadedModel> model_;
    const Context& context_;
    const SessionOptions options_;
    std::stop_source stop_;  // of everything
    LiveMemory memory_;
    std::optional<RecentMemory> recent_;  // the writer's, where it may ask by itself after frames
    Sightings sightings_;
    Channel<SessionEvent> events_;
    QuestionQueue<Question> questions_;

    std::mutex writing_;           // held while a batch is encoded and joins the memory; before mutex_
    RowStream* stream_ = nullptr;  // of the video at hand; guarded by writing_

    mutable std::mutex mutex_;  // guards what follows
    Meters meters_;
    int64_t started_at_us_ = 0;  // steady clock
    uint64_t last_id_ = 0;
    bool watching_ = false;
    bool ended_ = false;  // the video at hand, or there is none and a memory was loaded
    std::vector<Question> waiting_;
    std::stop_source watch_stop_;  // of watching alone
    std::vector<WatchedVideo> videos_;
    std::vector<std::byte> encoder_state_;  // after the last frame of the videos that have ended
    std::set<uint64_t> unwanted_;           // answers that were stopped before their turn
    uint64_t answering_ = 0;                // id of the answer being given, 0: none
    std::stop_source answer_stop_;          // of that answer

    std::thread writer_, answerer_;
};

}  // namespace lv
