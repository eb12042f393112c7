// From what a user types to the rows the model reads, and from generated ids to a sentence.
//
// A question becomes: [time row: now] <q> pieces, each written time as one time row <a>; <a> carries the first time
// written in it, or now.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tokenizer.h"
#include "engine/video_clock.h"

namespace lv {

constexpr int64_t no_time = std::numeric_limits<int64_t>::min();  // the time of rows that have none

// One row of a prompt: a piece of text (id >= 0), or a time (id < 0; the model is told when it lies beyond the video).
// The rows of an answer, from <a> on, are text that carries the time which was asked about, as every row of a video
// carries its own.
struct PromptRow {
    int id = -1;
    int64_t time_us = no_time;
};

// A stretch of a question: text, or a time in microseconds from the start of the video.
struct QuestionPart {
    std::string text;  // empty: this is a time
    int64_t time_us = 0;
};

constexpr size_t most_question_rows = 192;

// Lower case, one space between words, no space or mark (? . !) at the ends.
std::string normalize_question(std::string_view question);

// Splits a normalized question at the times written in it. Understood: "0:20", "1:02:03", "20s", "2 min 5 s", "1h2m",
// "20 seconds", "second 20", "minute 2", numbers in words ("two minutes", "twenty-five seconds"), "half a minute",
// "a minute and a half", "an hour", "1.5 minutes". Against `now_us`: "the last ten seconds" and "the first minute"
// become "between" two times, "10 seconds ago" and "halfway through" become "at" a time. A length of time ("for 10 seconds", "every
// minute") stays text. Text parts are trimmed and not empty.
//
// With several videos in the memory: "0:10 of video 2", "video 2, 0:10", "between 0:10 and 0:20 of the first video". A
// time without a video is one of the newest video; a video without a time is all of it, "between" two times. Throws
// UsageError for a video that is not there.
std::vector<QuestionPart> split_times(std::string_view normalized, int64_t now_us, const VideoClock& clock = {});

struct PromptOptions {
    VideoClock clock{};                 // of the memory that is asked
    std::optional<int64_t> about_us{};  // what a question is about that names no time; not set: now
    size_t most_rows = most_question_rows;
};

// The rows of a question, "now" first. Throws UsageError when it is empty or has more than options.most_rows rows.
std::vector<PromptRow> question_prompt(const Tokenizer& tokenizer, std::string_view question, int64_t now_us,
                                       const PromptOptions& options = {});
// The same from <q> on.
std::vector<PromptRow> question_rows(const Tokenizer& tokenizer, std::string_view question, int64_t now_us,
                                     const PromptOptions& options);

// Turns generated ids into a sentence, piece by piece: `<time> hh mm ss` becomes "0:20" or "video 2, 0:00:20",
// sentences begin with a capital letter. Allocates nothing while the text stays below `capacity` bytes.
class AnswerText {
   public:
    explicit AnswerText(const Tokenizer& tokenizer, const VideoClock& clock = {}, size_t capacity = 4096);

    // What this id added to the text, valid until the next call; often empty inside a time.
    std::string_view push(int id);
    // What is left of a broken time at the end.
    std::string_view finish();
    const std::string& text() const { return text_; }

   private:
    void add(std::string_view piece);
    void add_time(int hours, int minutes, int seconds);
    void put_space(bool wanted);

    const Tokenizer& tokenizer_;
    const VideoClock clock_;
    std::string text_;
    int time_[3] = {};
    int time_digits_ = -1;  // -1: not inside a time
    bool capital_ = true;   // the next letter begins a sentence
    bool space_ = false;    // one is due before the next word
};

// All of an answer at once.
std::string answer_text(const Tokenizer& tokenizer, std::span<const int> ids, const VideoClock& clock = {});

}  // namespace lv
