// Questions about a haystack with their exact answers, worded as people ask and as the model was taught to answer
// (tools/train/questions.py); the truth is what the rows of the log say.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/bench_haystack.h"

namespace lv {

struct HaystackQuestion {
    std::string sort;  // "when first", "when last", "what at", "where at", "where last", "is at", "how many at", ...
    std::string text;
    std::string answer;                // in lower case
    int64_t start_us = 0, end_us = 0;  // the moment it rests on; both 0: on no single one
};

// Whether an answer is word for word the true one, but for capitals.
bool is_right(const HaystackQuestion& question, std::string_view answer);

// "a dog", "an apple", "skis", "two dogs", "more than seven people".
std::string counted_name(std::string_view name, int count);

// Phrasings and frames are drawn by seed. One thread at a time.
class QuestionMaker {
   public:
    // kind_names [80], as the model says them.
    QuestionMaker(std::span<const std::string> kind_names, uint64_t seed) : names_(kind_names), random_(seed) {}

    // When, what and where about a kind that came once, for some frames: five questions, without those about a moment
    // where none of its frames is clear.
    std::vector<HaystackQuestion> about_needle(const FrameLog& log, int kind);
    // Whether one kind came before another.
    HaystackQuestion about_order(const FrameLog& log, int kind, int other);
    // A question of any sort about what the log is sure of; none where the dice found nothing sure.
    std::optional<HaystackQuestion> about_anything(const FrameLog& log);

   private:
    size_t pick(size_t count) { return static_cast<size_t>(random_() % count); }
    std::string say(std::span<const std::string_view> phrases, int kind, int64_t time_us);
    std::optional<int64_t> clear_frame(const FrameLog& log, int64_t first, int64_t last);
    HaystackQuestion when_first(const FrameLog& log, int kind);
    HaystackQuestion when_last(const FrameLog& log, int kind);
    HaystackQuestion what_at(const FrameLog& log, int64_t frame);
    HaystackQuestion where_at(const FrameLog& log, int kind, int64_t frame);
    HaystackQuestion where_last(const FrameLog& log, int kind);
    HaystackQuestion is_at(const FrameLog& log, int kind, int64_t frame);
    HaystackQuestion how_many_at(const FrameLog& log, int kind, int64_t frame);
    HaystackQuestion is_ever(const FrameLog& log, int kind);

    std::span<const std::string> names_;
    std::mt19937_64 random_;
};

}  // namespace lv
