// One run of `longview agent`: takes what happens out of a session and tells it; passes questions on.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "app/agent_options.h"
#include "app/agent_report.h"
#include "app/command_runner.h"
#include "app/conversation.h"
#include "app/interrupt.h"
#include "app/line_socket.h"
#include "app/progress.h"
#include "app/session.h"
#include "app/snapshots.h"
#include "app/watch_list.h"

namespace lv {

// A file of JSON objects, a line each, written at once. What cannot be written is told once: the stream goes on. A line
// that was written in part is taken out again; where that cannot be, the next begins a line of its own.
class EventFile {
   public:
    // An empty name: writes nothing. Throws Error when it cannot be opened.
    explicit EventFile(const std::string& file);
    // False when it is the first that could not be written.
    bool write(const nlohmann::ordered_json& event);

   private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    bool take_back(off_t bytes);
    std::unique_ptr<std::FILE, Close> file_;
    bool failing_ = false;
    bool torn_ = false;  // the file ends within a line
};

// A memory that is this long is full: times are written with two digits of hours.
constexpr int64_t most_memory_us = int64_t{96} * 3600 * 1'000'000;

class AgentLoop {
   public:
    AgentLoop(const AgentOptions& options, const KindWords& kinds, Session& session, WatchList& list,
              Snapshots& snapshots, Progress& progress, const Interrupt& interrupt);
    ~AgentLoop();

    enum class End { source, stopped, full, unsaved };
    // Until the source has ended and what was asked is answered, a stop, or most_memory_us. Failures of the source, and
    // of standard output, are thrown after what was seen has been saved. unsaved: that failed, and was told.
    End run();

   private:
    struct Asked {
        uint64_t caller = 0;  // of the socket; 0: the terminal
        nlohmann::ordered_json id;
    };

    void take_events();
    void end_watching();
    void take(const SessionEvent& event);
    void take_answer(const AnswerReady& ready);
    void take_told(const Told& told);
    void take_note(const LiveNote& note);
    void take_progress(const Meters& meters);
    void note_overload(const Meters& meters);
    void take_line(uint64_t caller, const std::string& line);
    void publish(const nlohmann::ordered_json& event);
    void ask(std::string question, Asked asked, std::vector<Turn> earlier = {});
    nlohmann::ordered_json state_json() const;
    void read_questions();
    void take_typed(const std::string& line);
    void ask_typed(const std::string& question);
    void save_often();
    bool save(bool at_end);
    void finish();

    const AgentOptions& options_;
    const KindWords& kinds_;
    Session& session_;
    WatchList& list_;
    Snapshots& snapshots_;
    Progress& progress_;
    const Interrupt& interrupt_;
    EventFile events_;
    CommandRunner commands_;
    std::stop_source leave_;  // of the threads below
    std::optional<WatchEnded> ended_;
    bool full_ = false;
    int64_t dropped_told_ = 0, skipped_told_ = 0, slow_at_us_ = 0;

    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable_any changed_;
    bool seen_ = false;  // a frame
    std::map<uint64_t, Asked> asked_;
    Conversation conversation_;
    std::map<uint64_t, bool> listeners_;  // callers that want events

    std::unique_ptr<LineSocket> socket_;
    std::thread reader_, saver_;
};

}  // namespace lv
