// Generated ids as sentences.
#include <cstdio>
#include <utility>

#include "engine/prompt.h"

namespace lv {

namespace {

bool is_mark(char c) { return std::string_view(".,:;!?)").find(c) != std::string_view::npos; }

}  // namespace

AnswerText::AnswerText(const Tokenizer& tokenizer, const VideoClock& clock, size_t capacity)
    : tokenizer_(tokenizer), clock_(clock) {
    text_.reserve(capacity);
}

std::string_view AnswerText::push(int id) {
    const size_t before = text_.size();
    if (id == tokenizer_.time()) {
        finish();
        time_digits_ = 0;
    } else if (const auto value = time_digits_ >= 0 ? tokenizer_.two_digits_value(id) : std::nullopt) {
        time_[time_digits_++] = *value;
        if (time_digits_ == 3) {
            time_digits_ = -1;
            add_time(time_[0], time_[1], time_[2]);
        }
    } else {
        finish();
        add(tokenizer_.piece_text(id));
    }
    return std::string_view(text_).substr(before);
}

std::string_view AnswerText::finish() {
    const size_t before = text_.size();
    const int count = std::exchange(time_digits_, -1);
    for (int i = 0; i < count; ++i) {  // a time that was broken off: its numbers as they are
        char digits[8];
        add({digits, size_t(std::snprintf(digits, sizeof digits, " %02d", time_[i]))});
    }
    return std::string_view(text_).substr(before);
}

void AnswerText::add(std::string_view piece) {
    for (char c : piece) {
        if (c == ' ') {
            space_ = true;
            continue;
        }
        put_space(!is_mark(c));
        if (capital_ && c >= 'a' && c <= 'z') c = char(c - 'a' + 'A');
        if (c == '.' || c == '!' || c == '?')
            capital_ = true;
        else if (c != '\n' && c != '"')
            capital_ = false;
        text_ += c;
    }
}

void AnswerText::add_time(int hours, int minutes, int seconds) {
    space_ = true;
    put_space(true);
    char text[64];
    text_ += write_time((int64_t(hours) * 3600 + minutes * 60 + seconds) * 1'000'000, clock_, text);
    capital_ = false;
    space_ = true;
}

// A space is only written when the next character is known to want one.
void AnswerText::put_space(bool wanted) {
    if (space_ && wanted && !text_.empty() && text_.back() != '(' && text_.back() != '\n') text_ += ' ';
    space_ = false;
}

std::string answer_text(const Tokenizer& tokenizer, std::span<const int> ids, const VideoClock& clock) {
    AnswerText text(tokenizer, clock);
    for (int id : ids) text.push(id);
    text.finish();
    return text.text();
}

}  // namespace lv
