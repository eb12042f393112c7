// The turns of one conversation: what a follow-up question is understood by. Belongs to who asks; the video's memory
// never sees them.
#pragma once

#include <utility>
#include <vector>

#include "app/session.h"

namespace lv {

class Conversation {
   public:
    // What to give to Session::ask with the next question, oldest first.
    const std::vector<Turn>& turns() const { return turns_; }
    // An answer becomes a turn; one that failed or was stopped does not.
    void add(const AnswerReady& ready) {
        if (ready.failure || !ready.answer.complete) return;
        if (turns_.size() == most_kept) turns_.erase(turns_.begin());
        turns_.push_back({ready.question, ready.answer.ids, ready.asked_at_us});
    }
    void forget() { turns_.clear(); }

   private:
    // More than are replayed (most_turns): the last time that was spoken of may lie before those.
    static constexpr size_t most_kept = 16;
    std::vector<Turn> turns_;
};

}  // namespace lv
