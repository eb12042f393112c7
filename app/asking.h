// One run of `longview ask`: takes what happens out of a session and prints it.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "app/conversation.h"
#include "app/loaded_model.h"
#include "app/options.h"
#include "app/progress.h"
#include "app/session.h"

namespace lv {

// One thread at a time.
class Asking {
   public:
    Asking(const AskOptions& options, const LoadedModel& model, Session& session, Progress& progress);

    // Takes events until watching has ended; false when it was stopped before its end. Failures are thrown.
    bool watch();
    // Asks and takes events until the answer is printed; false when the session was stopped. --json: kept for
    // print_object(), unless `each`.
    bool answer(const std::string& question, bool each);

    // One event. Failures of watching are thrown, but of one that was stopped: it may fail of that.
    void take(const SessionEvent& event);
    // Writes what is known to --save, and says so.
    void save();
    // The same where there is a --save and something is known; a failure is told. Whether it was written.
    bool keep();
    // Prints the answers since the last call, with what is known of the memory.
    void print_object(bool one_line);

    Conversation& conversation() { return conversation_; }
    int status() const { return status_; }
    bool seen() const { return seen_; }  // a frame, or a memory was loaded
    const std::optional<WatchEnded>& ended() const { return ended_; }
    size_t answered() const { return answered_; }

   private:
    void take_answer(const AnswerReady& ready);
    void take_end(const WatchEnded& ended);
    void tell_forgotten(const Meters& meters);

    const AskOptions& options_;
    const LoadedModel& model_;
    Session& session_;
    Progress& progress_;
    Conversation conversation_;
    SourceInfo source_;
    std::optional<WatchEnded> ended_;
    nlohmann::ordered_json answers_ = nlohmann::ordered_json::array();
    int64_t answering_us_ = 0;
    size_t answered_ = 0;
    bool seen_ = false;
    int status_ = 0;
};

}  // namespace lv
