// One video being watched and asked about. Knows no terminal and no window: what happens comes out of a channel.
//
//   watch() --> writer thread: RowStream -> LiveMemory.append --+--> events()
//   ask()   --> queue --> answering thread: fork -> generate ---+
//
// A question is answered from a fork of the memory: a consistent prefix, which the answer does not change. Two sessions
// may share a model and a context.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "app/loaded_model.h"
#include "app/row_stream.h"
#include "app/sightings.h"
#include "engine/generate.h"
#include "engine/live_memory.h"
#include "kernels/core/channel.h"

namespace lv {

// A question that the writer asks by itself; `tag` comes back with the answer.
struct Cue {
    std::string question;
    uint64_t tag = 0;
};

// Runs on the writer thread before each frame joins the memory (`next_us`: its time), and once at the end, where
// `next_us` is the end of the video. The questions it returns are asked of the memory as it is at that moment. When
// answers lag behind, the writer waits here.
using CueFunction = std::function<std::vector<Cue>(int64_t next_us, bool ended)>;

// What has become of the video so far.
struct Meters {
    int64_t first_us = 0;    // where watching began
    int64_t watched_us = 0;  // time of the newest frame
    int64_t end_us = 0;      // where it will end; 0: not known
    int64_t elapsed_us = 0;  // wall clock since watch()
    int64_t frames = 0;
    size_t rows = 0;
    MemoryBytes memory;
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
struct AnswerPiece {
    uint64_t id = 0;
    std::string text;
};
struct AnswerReady {
    uint64_t id = 0;
    uint64_t tag = 0;
    std::string question;
    Answer answer;
    int64_t asked_at_us = 0;     // time of the newest frame that the answer knows
    std::exception_ptr failure;  // set: there is no answer, for this reason
};
using SessionEvent = std::variant<WatchStarted, WatchProgress, WatchEnded, AnswerPiece, AnswerReady>;

enum class AskWhen { now, at_end };

class Session {
   public:
    Session(std::shared_ptr<const LoadedModel> model, const Context& context, const GenerateOptions& answers = {});
    // As stop(), then waits for both threads.
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // Starts watching; once a session. Errors come as WatchEnded::failure.
    void watch(const WatchRequest& request, CueFunction cue = {});

    // Queues a question and returns its id. now: answered from what has been seen when its turn comes. at_end: once the
    // video has ended; such questions fail when watching does. Throws UsageError when too many are waiting.
    uint64_t ask(std::string question, AskWhen when);

    // What happens, in order; any one thread. Empty after stop(). Who stops popping stops the session in the end: the
    // channel is bounded (progress is left out when it is full, words and answers wait).
    std::optional<SessionEvent> next_event(std::stop_token stop = {});

    // Any thread.
    Meters meters() const;
    const Sightings& sightings() const { return sightings_; }
    void stop();

   private:
    struct Turn {
        uint64_t id = 0;
        uint64_t tag = 0;
        std::string question;
        std::optional<Memory> memory;  // none: fork when the turn comes
    };
    struct Waiting {
        uint64_t id = 0;
        std::string question;
    };

    void run_watch(const WatchRequest& request, const CueFunction& cue);
    void absorb(const RowBatch& batch, Workspace& work, const CueFunction& cue);
    void ask_cues(const CueFunction& cue, int64_t next_us, bool ended);
    void end_watch(WatchEnded ended);
    void run_answers();
    AnswerReady answer(Turn& turn, Workspace& work);

    const std::shared_ptr<const LoadedModel> model_;
    const Context& context_;
    const GenerateOptions generate_options_;
    std::stop_source stop_;
    LiveMemory memory_;
    Sightings sightings_;
    Channel<SessionEvent> events_;
    Channel<Turn> turns_;

    mutable std::mutex mutex_;  // guards what follows
    Meters meters_;
    int64_t started_at_us_ = 0;  // steady clock
    uint64_t last_id_ = 0;
    bool ended_ = false;
    std::vector<Waiting> waiting_;

    std::thread writer_, answerer_;
};

}  // namespace lv
