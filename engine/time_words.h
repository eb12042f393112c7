// Times and lengths of time in a question's words: what split_times() of prompt.h is made of.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lv {

// A word and the marks behind it: "0:20," is "0:20" and ",".
struct Word {
    std::string text;
    std::string marks;
};

// Lower-case text cut at spaces; a range "0:20-0:30" becomes "0:20", "to", "0:30".
std::vector<Word> words_of(std::string_view text);

// Something that begins at the first of some words: its length or moment, and how many words it takes.
struct TimeWords {
    int64_t time_us = 0;
    size_t words = 0;
};

// "0:20", "1:02:03", "0:20.5". Minutes (after hours) and seconds are below 60.
std::optional<int64_t> clock_us(std::string_view word);

// "20s", "20 seconds", "1h2m", "2 minutes and 5 seconds", "twenty-five seconds", "half a minute", "a minute and a
// half", "two and a half hours". "a second" is left alone: it is mostly "a second dog".
std::optional<TimeWords> length_of_time(std::span<const Word> words);

// "second 20", "minute 2 second 5".
std::optional<TimeWords> counted_moment(std::span<const Word> words);

// "video 2", "the second clip", "of video two", "in the last video": one of several, counted from 1 (`videos` of them),
// with the small word before it. Its number may be out of range.
struct VideoMention {
    size_t number = 0;
    size_t words = 0;
};
std::optional<VideoMention> video_mention(std::span<const Word> words, size_t videos);

// Of "second", "seconds", "sec", "s", ...: microseconds.
std::optional<int64_t> unit_us(std::string_view word);

}  // namespace lv
