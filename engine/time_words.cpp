#include "engine/time_words.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace lv {

namespace {

constexpr int64_t second_us = 1'000'000;
constexpr double longest_s = 1000.0 * 3600;  // beyond this a number is no time of a video

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
    return std::ranges::find(words, word) != words.end();
}

struct Number {
    double value = 0;
    size_t words = 0;
};

// "20", "1.5": digits with at most one point, all of the word.
std::optional<double> digits(std::string_view word) {
    double value = 0;
    if (word.empty() || !is_digit(word.front())) return std::nullopt;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, std::chars_format::fixed);
    if (error != std::errc() || end != word.data() + word.size() || value > longest_s) return std::nullopt;
    return value;
}

std::optional<int> small_number(std::string_view word) {
    static constexpr std::array<std::string_view, 20> names = {
        "zero", "one",    "two",    "three",    "four",     "five",    "six",     "seven",     "eight",    "nine",
        "ten",  "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
    const auto found = std::ranges::find(names, word);
    if (found == names.end()) return std::nullopt;
    return int(found - names.begin());
}

std::optional<int> tens(std::string_view word) {
    static constexpr std::array<std::string_view, 8> names = {"twenty", "thirty",  "forty",  "fifty",
                                                              "sixty",  "seventy", "eighty", "ninety"};
    const auto found = std::ranges::find(names, word);
    if (found == names.end()) return std::nullopt;
    return 20 + 10 * int(found - names.begin());
}

// Digits or number words up to ninety-nine; not "a".
std::optional<Number> plain_number(std::span<const Word> words) {
    if (words.empty()) return std::nullopt;
    const std::string_view word = words[0].text;
    if (const auto value = digits(word)) return Number{*value, 1};
    if (const auto value = small_number(word)) return Number{double(*value), 1};
    if (const size_t dash = word.find('-'); dash != std::string_view::npos) {
        const auto ten = tens(word.substr(0, dash)), one = small_number(word.substr(dash + 1));
        if (ten && one && *one > 0 && *one < 10) return Number{double(*ten + *one), 1};
    }
    if (const auto ten = tens(word)) {
        const auto one = words.size() > 1 && words[0].marks.empty() ? small_number(words[1].text) : std::nullopt;
        if (one && *one > 0 && *one < 10) return Number{double(*ten + *one), 2};
        return Number{double(*ten), 1};
    }
    return std::nullopt;
}

bool says(std::span<const Word> words, size_t first, std::initializer_list<std::string_view> expected) {
    if (first + expected.size() > words.size()) return false;
    for (std::string_view word : expected)
        if (words[first++].text != word) return false;
    return true;
}

int64_t as_us(double seconds) { return std::llround(seconds * double(second_us)); }

// One or more numbers with their units.
struct Amount {
    int64_t time_us = 0;
    int64_t unit = 0;  // the last one of it
    size_t words = 0;
};

// "1h2m3s" in one word: numbers with units, the units falling.
std::optional<Amount> compact(std::string_view word) {
    int64_t total = 0, last_unit = std::numeric_limits<int64_t>::max();
    if (word.empty() || !is_digit(word.front())) return std::nullopt;
    while (!word.empty()) {
        const size_t number = std::min(word.find_first_not_of("0123456789."), word.size());
        const size_t unit = std::min(word.find_first_of("0123456789", number), word.size());
        const auto value = digits(word.substr(0, number));
        const auto each = unit_us(word.substr(number, unit - number));
        if (!value || !each || *each >= last_unit) return std::nullopt;
        total += std::llround(*value * double(*each));
        last_unit = *each;
        word.remove_prefix(unit);
    }
    return Amount{total, last_unit, 1};
}

// One number with its unit: "20 seconds", "half a minute", "a minute and a half", "two and a half hours", "20s".
std::optional<Amount> amount(std::span<const Word> words) {
    if (words.empty()) return std::nullopt;
    if (const auto whole = compact(words[0].text)) return whole;

    const auto unit_at = [&](size_t index) -> std::optional<int64_t> {
        if (index >= words.size() || (index > 0 && !words[index - 1].marks.empty())) return std::nullopt;
        return unit_us(words[index].text);
    };
    const bool half = says(words, 0, {"half", "a"}) || says(words, 0, {"half", "an"});
    if (half)
        if (const auto unit = unit_at(2)) return Amount{*unit / 2, *unit, 3};

    if (is_one_of(words[0].text, {"a", "an"}) || words[0].text == "one") {
        const auto unit = unit_at(1);
        const bool and_half = says(words, 2, {"and", "a", "half"});
        if (unit && and_half) return Amount{*unit + *unit / 2, *unit, 5};
        if (unit && (*unit > second_us || words[0].text == "one")) return Amount{*unit, *unit, 2};
    }
    const auto number = plain_number(words);
    if (!number) return std::nullopt;
    if (says(words, number->words, {"and", "a", "half"}))
        if (const auto unit = unit_at(number->words + 3))
            return Amount{as_us((number->value + 0.5) * double(*unit) / double(second_us)), *unit, number->words + 4};
    if (const auto unit = unit_at(number->words))
        return Amount{as_us(number->value * double(*unit) / double(second_us)), *unit, number->words + 1};
    return std::nullopt;
}

}  // namespace

std::vector<Word> words_of(std::string_view text) {
    std::vector<Word> out;
    while (!text.empty()) {
        const size_t space = std::min(text.find(' '), text.size());
        std::string_view word = text.substr(0, space);
        text.remove_prefix(std::min(space + 1, text.size()));
        if (word.empty()) continue;
        const size_t end = word.find_last_not_of(",;:.!?)\"") + 1;  // 0 when there are only marks
        const std::string marks(word.substr(end == 0 ? word.size() : end));
        if (end > 0) word = word.substr(0, end);
        const size_t dash = word.find('-');
        if (dash != std::string_view::npos && clock_us(word.substr(0, dash)) && clock_us(word.substr(dash + 1))) {
            out.push_back({std::string(word.substr(0, dash)), ""});
            out.push_back({"to", ""});
            word.remove_prefix(dash + 1);
        }
        out.push_back({std::string(word), marks});
    }
    return out;
}

std::optional<int64_t> unit_us(std::string_view word) {
    if (is_one_of(word, {"s", "sec", "secs", "second", "seconds"})) return second_us;
    if (is_one_of(word, {"m", "min", "mins", "minute", "minutes"})) return 60 * second_us;
    if (is_one_of(word, {"h", "hr", "hrs", "hour", "hours"})) return 3600 * second_us;
    return std::nullopt;
}

std::optional<int64_t> clock_us(std::string_view word) {
    int64_t fields[3] = {}, fraction_us = 0;
    size_t count = 0;
    if (const size_t point = word.find('.'); point != std::string_view::npos) {
        const std::string_view decimals = word.substr(point + 1);
        if (decimals.empty() || decimals.size() > 6 || !std::ranges::all_of(decimals, is_digit)) return std::nullopt;
        std::from_chars(decimals.data(), decimals.data() + decimals.size(), fraction_us);
        for (size_t i = decimals.size(); i < 6; ++i) fraction_us *= 10;
        word = word.substr(0, point);
    }
    while (true) {
        const size_t colon = std::min(word.find(':'), word.size());
        const std::string_view field = word.substr(0, colon);
        const size_t most = count == 0 ? 3 : 2, least = count == 0 ? 1 : 2;
        if (count == 3 || field.size() < least || field.size() > most || !std::ranges::all_of(field, is_digit))
            return std::nullopt;
        std::from_chars(field.data(), field.data() + field.size(), fields[count]);
        if (count > 0 && fields[count] >= 60) return std::nullopt;
        ++count;
        if (colon == word.size()) break;
        word.remove_prefix(colon + 1);
    }
    if (count < 2) return std::nullopt;
    const int64_t seconds = count == 2 ? fields[0] * 60 + fields[1] : fields[0] * 3600 + fields[1] * 60 + fields[2];
    return seconds * second_us + fraction_us;
}

std::optional<TimeWords> length_of_time(std::span<const Word> words) {
    const auto first = amount(words);
    if (!first) return std::nullopt;
    TimeWords out{first->time_us, first->words};
    for (int64_t unit = first->unit; unit > second_us;) {  // "2 minutes", then "and 5 seconds"
        const size_t joined = out.words + (says(words, out.words, {"and"}) ? 1 : 0);
        if (joined > words.size()) break;
        const auto next = amount(words.subspan(joined));
        if (!next || next->unit >= unit || next->time_us >= unit) break;
        out.time_us += next->time_us;
        out.words = joined + next->words;
        unit = next->unit;
    }
    return out;
}

std::optional<TimeWords> counted_moment(std::span<const Word> words) {
    TimeWords out;
    int64_t last_unit = std::numeric_limits<int64_t>::max();
    while (out.words + 1 < words.size()) {
        const auto unit = unit_us(words[out.words].text);
        const auto number = plain_number(words.subspan(out.words + 1));
        if (!unit || words[out.words].text.size() < 3 || !number || *unit >= last_unit) break;
        // "the second two dogs": a counted second is written in digits, or nothing follows it.
        const size_t end = out.words + 1 + number->words;
        if (!is_digit(words[out.words + 1].text[0]) && end < words.size() && words[end - 1].marks.empty()) break;
        out.time_us += as_us(number->value * double(*unit) / double(second_us));
        out.words = end;
        last_unit = *unit;
    }
    if (out.words == 0) return std::nullopt;
    return out;
}

std::optional<VideoMention> video_mention(std::span<const Word> words, size_t videos) {
    static constexpr std::array<std::string_view, 10> ordinals = {"first", "second",  "third",  "fourth", "fifth",
                                                                  "sixth", "seventh", "eighth", "ninth",  "tenth"};
    const auto is_video = [&](size_t index) {
        return index < words.size() && is_one_of(words[index].text, {"video", "clip", "recording"});
    };
    size_t at = !words.empty() && is_one_of(words[0].text, {"of", "in", "from", "during"}) ? 1 : 0;
    if (at < words.size() && words[at].text == "the") ++at;
    if (at + 1 >= words.size() || !words[at].marks.empty()) return std::nullopt;
    if (is_video(at)) {
        const std::string_view word = words[at + 1].text;
        const auto counted = small_number(word);
        const auto written = digits(word);
        if (counted) return VideoMention{size_t(*counted), at + 2};
        if (written && *written == std::floor(*written)) return VideoMention{size_t(*written), at + 2};
        return std::nullopt;
    }
    if (!is_video(at + 1)) return std::nullopt;
    if (words[at].text == "last") return VideoMention{videos, at + 2};
    const auto ordinal = std::ranges::find(ordinals, words[at].text);
    if (ordinal == ordinals.end()) return std::nullopt;
    return VideoMention{size_t(ordinal - ordinals.begin()) + 1, at + 2};
}

}  // namespace lv
