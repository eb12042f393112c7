// The standing questions of one stream: which to ask after a frame, and what their answers give to tell.
//
//   Session::watch(..., after) --> due() --> answers --> take() --> what to tell
//
// Knows no terminal and no window. Any thread: the writer asks due(), another takes answers and edits the list.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "app/edge_detector.h"
#include "app/session.h"
#include "app/standing_question.h"

namespace lv {

// Something to tell. Times are the memory's.
struct Told {
    uint64_t item = 0;     // as add() returned it
    std::string text;      // the condition as it was written, or the regular question
    bool regular = false;  // asked every so often, rather than told of when it became true
    std::string question;  // that was answered
    std::string answer;
    int64_t since_us = 0;  // the first frame that showed it
    int64_t told_us = 0;   // the frame at which it was sure
    std::vector<Moment> evidence;
    VideoClock clock{};
};

struct WatchListOptions {
    EdgeOptions edge{};
    int64_t ask_every_us = 0;  // of conditions; 0: after every frame
    bool every_frame =
        false;  // the stream waits for answers; else a question is left out while its last one is pending
};

struct WatchItemState {
    uint64_t item = 0;
    std::string text, meaning;
    bool regular = false;
    bool holds = false;               // told, and not over since
    std::string last_answer;          // of the first check, or the regular question
    int64_t answered_us = -1;         // time of the frame it was of; -1: none yet
    int64_t told = 0;                 // times
    int64_t asked = 0, left_out = 0;  // rounds
};

class WatchList {
   public:
    explicit WatchList(const WatchListOptions& options = {}) : options_(options) {}

    // At most 32 items; throws UsageError. The item's number, for remove().
    uint64_t add(Condition condition);
    uint64_t add_regular(std::string question, int64_t every_us);
    void remove(uint64_t item);
    size_t size() const;
    // Another stream, or the same with its clock at 0:00 again: what was asked is forgotten, what holds is not known.
    void begin_again();

    // What to ask now that the frame of this time is in the memory.
    std::vector<Cue> due(int64_t time_us);
    // Whether an answer is to one of due()'s cues; then take() it.
    static bool is_mine(const AnswerReady& ready) { return ready.tag >= first_tag; }
    std::optional<Told> take(const AnswerReady& ready);

    // Rounds asked and not yet answered.
    size_t pending() const;
    std::vector<WatchItemState> states() const;

   private:
    static constexpr uint64_t first_tag = uint64_t{1} << 48;  // captions count their own tags from 0
    static constexpr uint64_t most_checks = 8;
    static constexpr float sure_from = 0.8f;  // of the first probability of a yes or no

    struct Item {
        Condition condition;  // of a regular one: text and its question alone
        int64_t every_us = 0;
        int64_t next_us = INT64_MIN;
        bool regular = false;
        EdgeDetector edge;
        ChangeDetector change;
        size_t pending = 0;                      // rounds asked and not yet answered
        std::vector<std::optional<bool>> round;  // readings of the round that is being answered
        bool sure = true;                        // all answers of it were
        WatchItemState state;
    };
    uint64_t insert(Item item);
    std::optional<Told> finish_round(Item& item, const AnswerReady& ready);

    const WatchListOptions options_;
    mutable std::mutex mutex_;  // guards what follows
    std::map<uint64_t, Item> items_;
    uint64_t last_item_ = 0;
};

}  // namespace lv
