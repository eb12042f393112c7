#include "app/bench_questions.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "app/kind_words.h"
#include "engine/prompt.h"

namespace lv {
namespace {

// {a} "a dog", {s} "dog", {p} "dogs", {t} a time.
constexpr std::array<std::string_view, 6> first_phrases{
    "when does {a} first appear?", "when does {a} appear for the first time?",
    "when do you first see {a}?",  "when does the {s} first appear?",
    "when is {a} first seen?",     "when does {a} show up?"};
constexpr std::array<std::string_view, 5> last_phrases{"when is {a} last seen?", "when do you last see {a}?",
                                                       "when does the {s} leave?", "when was {a} last seen?",
                                                       "when is the {s} last visible?"};
constexpr std::array<std::string_view, 5> what_phrases{"what is visible at {t}?", "what can be seen at {t}?",
                                                       "what do you see at {t}?", "what is in the picture at {t}?",
                                                       "what is there at {t}?"};
constexpr std::array<std::string_view, 4> where_at_phrases{"where is the {s} at {t}?", "where was the {s} at {t}?",
                                                           "where do you see the {s} at {t}?",
                                                           "at {t}, where is the {s}?"};
constexpr std::array<std::string_view, 4> where_phrases{"where is the {s}?", "where was the {s} last seen?",
                                                        "where did you last see the {s}?",
                                                        "in which part of the picture is the {s}?"};
constexpr std::array<std::string_view, 4> is_at_phrases{"is there {a} at {t}?", "is {a} visible at {t}?",
                                                        "can you see {a} at {t}?", "was there {a} at {t}?"};
constexpr std::array<std::string_view, 4> how_many_phrases{"how many {p} are there at {t}?",
                                                           "how many {p} are visible at {t}?", "how many {p} at {t}?",
                                                           "how many {p} can you see at {t}?"};
constexpr std::array<std::string_view, 4> ever_phrases{"is there {a} in the video?", "does {a} appear in the video?",
                                                       "did you see {a}?", "is {a} ever visible?"};

std::string listed(const std::vector<std::string>& parts) {
    std::string text;
    for (size_t i = 0; i < parts.size(); ++i) text += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
    return text;
}

std::string places(uint8_t thirds) {
    static constexpr std::array<const char*, 3> names{"on the left", "in the middle", "on the right"};
    std::vector<std::string> parts;
    for (size_t i = 0; i < names.size(); ++i)
        if (thirds >> i & 1) parts.emplace_back(names[i]);
    return listed(parts) + ".";
}

void replace(std::string& text, std::string_view field, std::string_view value) {
    if (const size_t at = text.find(field); at != std::string::npos) text.replace(at, field.size(), value);
}

}  // namespace

bool is_right(const HaystackQuestion& question, std::string_view answer) {
    return std::equal(answer.begin(), answer.end(), question.answer.begin(), question.answer.end(),
                      [](unsigned char a, unsigned char b) { return std::tolower(a) == b; });
}

std::string counted_name(std::string_view name, int count) {
    return count == 1 ? with_article(name) : std::string(number_word(count)) + " " + plural_name(name);
}

std::string QuestionMaker::say(std::span<const std::string_view> phrases, int kind, int64_t time_us) {
    std::string text(phrases[pick(phrases.size())]);
    const std::string& name = names_[static_cast<size_t>(kind)];
    replace(text, "{a}", with_article(name));
    replace(text, "{s}", name);
    replace(text, "{p}", plural_name(name));
    replace(text, "{t}", written_time(time_us));
    text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
    return text;
}

// Where what is seen is what is there; a few are tried.
std::optional<int64_t> QuestionMaker::clear_frame(const FrameLog& log, int64_t first, int64_t last) {
    for (int attempt = 0; attempt < 16; ++attempt) {
        const int64_t frame = first + static_cast<int64_t>(pick(static_cast<size_t>(last - first + 1)));
        if (log.clear(frame)) return frame;
    }
    return std::nullopt;
}

HaystackQuestion QuestionMaker::when_first(const FrameLog& log, int kind) {
    const int64_t start_us = log.time_us(log.first(kind));
    return {"when first", say(first_phrases, kind, 0), "at " + written_time(start_us) + ".", start_us,
            start_us + log.period_us()};
}

// What shows that it is gone is the frame after: that counts as the same moment.
HaystackQuestion QuestionMaker::when_last(const FrameLog& log, int kind) {
    const int64_t start_us = log.time_us(log.last(kind));
    return {"when last", say(last_phrases, kind, 0), "at " + written_time(start_us) + ".", start_us,
            start_us + 2 * log.period_us()};
}

HaystackQuestion QuestionMaker::what_at(const FrameLog& log, int64_t frame) {
    std::vector<std::string> parts;
    for (const SeenGroup& group : log.groups(frame)) parts.push_back(counted_name(names_[group.kind], group.count));
    const int64_t start_us = log.time_us(frame);
    return {"what at", say(what_phrases, 0, start_us), (parts.empty() ? "nothing" : listed(parts)) + ".", start_us,
            start_us + log.period_us()};
}

HaystackQuestion QuestionMaker::where_at(const FrameLog& log, int kind, int64_t frame) {
    const SeenGroup* group = log.find(frame, kind);
    const int64_t start_us = log.time_us(frame);
    return {"where at", say(where_at_phrases, kind, start_us), group ? places(group->thirds) : "nowhere.", start_us,
            start_us + log.period_us()};
}

HaystackQuestion QuestionMaker::where_last(const FrameLog& log, int kind) {
    const int64_t frame = log.last(kind), start_us = log.time_us(frame);
    return {"where last", say(where_phrases, kind, 0), places(log.find(frame, kind)->thirds), start_us,
            start_us + 2 * log.period_us()};
}

HaystackQuestion QuestionMaker::is_at(const FrameLog& log, int kind, int64_t frame) {
    const int64_t start_us = log.time_us(frame);
    return {"is at", say(is_at_phrases, kind, start_us), log.find(frame, kind) ? "yes." : "no.", start_us,
            start_us + log.period_us()};
}

HaystackQuestion QuestionMaker::how_many_at(const FrameLog& log, int kind, int64_t frame) {
    const SeenGroup* group = log.find(frame, kind);
    const int64_t start_us = log.time_us(frame);
    return {"how many at", say(how_many_phrases, kind, start_us),
            std::string(number_word(group ? group->count : 0)) + ".", start_us, start_us + log.period_us()};
}

HaystackQuestion QuestionMaker::is_ever(const FrameLog& log, int kind) {
    return {"is ever", say(ever_phrases, kind, 0), log.first(kind) >= 0 ? "yes." : "no."};
}

HaystackQuestion QuestionMaker::about_order(const FrameLog& log, int kind, int other) {
    return {"in order",
            "Does " + with_article(names_[static_cast<size_t>(kind)]) + " appear before " +
                with_article(names_[static_cast<size_t>(other)]) + "?",
            log.first(kind) < log.first(other) ? "yes." : "no."};
}

std::vector<HaystackQuestion> QuestionMaker::about_needle(const FrameLog& log, int kind) {
    const int64_t first = log.first(kind), last = log.last(kind);
    std::vector<HaystackQuestion> questions{when_first(log, kind), when_last(log, kind), where_last(log, kind)};
    if (const auto frame = clear_frame(log, first, last)) questions.push_back(what_at(log, *frame));
    if (const auto frame = clear_frame(log, first, last)) questions.push_back(where_at(log, kind, *frame));
    return questions;
}

std::optional<HaystackQuestion> QuestionMaker::about_anything(const FrameLog& log) {
    const auto frame = clear_frame(log, 0, log.frames() - 1);
    if (!frame || log.groups(*frame).empty()) return std::nullopt;
    const auto groups = log.groups(*frame);
    const int here = groups[pick(groups.size())].kind, any = static_cast<int>(pick(row::kinds));
    const int mixed = pick(2) == 0 ? here : any;
    const bool sure = log.first(here) >= 0 && log.clear(log.first(here)) && log.clear(log.last(here));
    switch (pick(8)) {
        case 0:
            return sure ? std::optional(when_first(log, here)) : std::nullopt;
        case 1:
            return sure ? std::optional(when_last(log, here)) : std::nullopt;
        case 2:
            return sure ? std::optional(where_last(log, here)) : std::nullopt;
        case 3:
            return where_at(log, here, *frame);
        case 4:
            return is_at(log, mixed, *frame);
        case 5:
            return how_many_at(log, mixed, *frame);
        case 6:
            return is_ever(log, any);
        default:
            return what_at(log, *frame);
    }
}

}  // namespace lv
