// A conversation about a video: earlier turns are replayed before the question, in the fork that answers it; the
// video's own memory never sees them.
//
//   [time row: now] <q> q1 <a> a1 <end> <q> q2 <a> a2 <end> <q> q3 <a>
//
// Every turn has the rows of a single question (prompt.h); "now" stands once. A turn that names no time is about the
// last time spoken of before it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/prompt.h"

namespace lv {

// A question that has been answered.
struct Turn {
    std::string question;     // as the user wrote it
    std::vector<int> answer;  // ids, without the end
    int64_t asked_at_us = 0;  // "now" of that question
};

constexpr size_t most_turns = 4;            // earlier ones that are replayed
constexpr size_t most_dialogue_rows = 384;  // of all turns together

// The time that the rows of an answer carry: the one asked about, until the answer itself has written one; then that,
// from the row of its seconds on.
class CarriedTime {
   public:
    CarriedTime(const Tokenizer& tokenizer, int64_t about_us) : tokenizer_(tokenizer), about_us_(about_us) {}

    // The time of the row of the answer's next id.
    int64_t push(int id);

   private:
    const Tokenizer& tokenizer_;
    int64_t about_us_;
    int64_t seconds_ = 0;  // of the time that is being written
    int parts_ = -1;       // -1: none is
};

struct DialogueOptions {
    PromptOptions prompt{};  // of each question
    size_t most_turns = lv::most_turns;
    size_t most_rows = most_dialogue_rows;
};

// The rows of a question after `earlier` turns, oldest first, of which the newest that fit are taken. Throws UsageError
// when the question is empty or too long; turns never are: they were answered.
std::vector<PromptRow> dialogue_prompt(const Tokenizer& tokenizer, std::span<const Turn> earlier,
                                       std::string_view question, int64_t now_us, const DialogueOptions& options = {});

}  // namespace lv
