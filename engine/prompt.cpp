#include "engine/prompt.h"

#include <algorithm>
#include <numeric>
#include <sstream>

#include "engine/time_words.h"
#include "kernels/core/error.h"

namespace lv {

namespace {

constexpr int64_t second_us = 1'000'000;

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
    return std::ranges::find(words, word) != words.end();
}

template <typename... Words>
[[noreturn]] void misuse(const Words&... words) {
    std::ostringstream message;
    (message << ... << words);
    throw UsageError(message.str());
}

// Collects parts of a question: words go to the text at hand, a time ends it.
class Parts {
   public:
    void word(std::string_view text, std::string_view marks = {}) {
        if (!text_.empty()) text_ += ' ';
        text_ += text;
        text_ += marks;
    }
    void time(int64_t time_us, std::string_view marks = {}) {
        flush();
        out_.push_back({"", std::max<int64_t>(time_us, 0)});
        text_ = marks;
    }
    std::vector<QuestionPart> finish() {
        flush();
        return std::move(out_);
    }
    // Takes back the last word when it is one of these.
    void drop(std::initializer_list<std::string_view> words) {
        const size_t space = text_.rfind(' ');
        const size_t first = space == std::string::npos ? 0 : space + 1;
        if (is_one_of(std::string_view(text_).substr(first), words)) text_.resize(first == 0 ? 0 : space);
    }
    std::string_view last_word() const {
        const size_t space = text_.rfind(' ');
        return std::string_view(text_).substr(space == std::string::npos ? 0 : space + 1);
    }

   private:
    void flush() {
        if (!text_.empty()) out_.push_back({std::move(text_), 0});
        text_.clear();
    }
    std::vector<QuestionPart> out_;
    std::string text_;
};

int64_t whole_second(int64_t time_us) { return std::max<int64_t>(time_us, 0) / second_us * second_us; }

// A video that a question names: it stood before the word with this index.
struct NamedVideo {
    size_t at = 0;
    size_t video = 0;
    std::string marks;
};

// The videos that the words name, which are taken out of the words.
std::vector<NamedVideo> take_named_videos(std::vector<Word>& words, size_t videos) {
    std::vector<NamedVideo> named;
    for (size_t at = 0; at < words.size();) {
        const auto mention = video_mention(std::span(words).subspan(at), videos);
        if (!mention) {
            ++at;
            continue;
        }
        if (mention->number < 1 || mention->number > videos)
            misuse("Reading a question: it asks about video ", mention->number, ", but there are ", videos,
                   " videos in this memory.");
        named.push_back({at, mention->number - 1, words[at + mention->words - 1].marks});
        const auto first = words.begin() + std::ptrdiff_t(at);
        words.erase(first, first + std::ptrdiff_t(mention->words));
    }
    return named;
}

// One pass over the words; each take_* looks at the words from `at_` on and moves on when it understood them.
class TimeReader {
   public:
    TimeReader(std::vector<Word> words, int64_t now_us, const VideoClock& clock)
        : words_(std::move(words)), now_us_(now_us), clock_(clock) {
        if (clock_.several()) named_ = take_named_videos(words_, clock_.videos());
    }

    std::vector<QuestionPart> read() {
        std::vector<QuestionPart> parts = read_words(false);
        const bool timed = std::ranges::any_of(parts, [](const QuestionPart& part) { return part.text.empty(); });
        return named_.empty() || timed ? parts : read_words(true);
    }

   private:
    // whole: the named videos themselves are times, from their start to their end.
    std::vector<QuestionPart> read_words(bool whole) {
        for (at_ = 0;;) {
            for (const NamedVideo& named : named_)
                if (whole && named.at == at_)
                    put_between(clock_.start_us(named.video), end_us(named.video), named.marks);
            if (at_ == words_.size()) return parts_.finish();
            if (take_span() || take_half() || take_clock() || take_moment() || take_middle() || take_length()) continue;
            parts_.word(words_[at_].text, words_[at_].marks);
            ++at_;
        }
    }
    void put_between(int64_t first_us, int64_t last_us, std::string_view marks) {
        parts_.word("between");
        parts_.time(first_us);
        parts_.word("and");
        parts_.time(last_us, marks);
    }

    // The video that a time in words [first, end) belongs to: named just behind it, else before it, else after it, else
    // the newest.
    size_t video_of(size_t first, size_t end) const {
        size_t video = clock_.videos();
        for (const NamedVideo& named : named_) {
            if (named.at == end) return named.video;
            if (named.at <= first || video == clock_.videos()) video = named.video;
        }
        return std::min(video, clock_.videos() - 1);
    }
    // Whether a video was named before the word with this index.
    bool is_named(size_t at) const {
        return std::ranges::any_of(named_, [&](const NamedVideo& named) { return named.at == at; });
    }
    int64_t middle_of(size_t video) const {
        return std::midpoint(clock_.start_us(video), clock_.last_us(video, now_us_));
    }
    int64_t end_us(size_t video) const { return whole_second(clock_.last_us(video, now_us_)); }
    void put_time(size_t first, size_t end, int64_t local_us) {
        parts_.time(clock_.start_us(video_of(first, end)) + local_us, marks_before(end));
    }

    std::span<const Word> from(size_t index) const { return std::span(words_).subspan(std::min(index, words_.size())); }
    std::string_view word(size_t index) const {
        return index < words_.size() ? std::string_view(words_[index].text) : std::string_view();
    }
    // Skips "of", "into", "from" ... and "the video" behind a time. Returns the index behind what was skipped.
    size_t skip_video(size_t index, std::initializer_list<std::string_view> links) const {
        if (!is_one_of(word(index), links)) return index;
        const size_t noun = index + (is_one_of(word(index + 1), {"the", "this"}) ? 2 : 1);
        return is_one_of(word(noun), {"video", "clip", "film", "movie", "recording", "footage", "stream", "it"})
                   ? noun + 1
                   : index;
    }
    std::string_view marks_before(size_t index) const { return words_[index - 1].marks; }
    void drop_span_word() { parts_.drop({"in", "during", "within", "over", "for", "at"}); }  // "between" stands for it

    // "in the last ten seconds", "the first minute": between two times.
    bool take_span() {
        const size_t which = at_ + (word(at_) == "the" ? 1 : 0);
        const bool last = is_one_of(word(which), {"last", "past", "previous", "final"}), first = word(which) == "first";
        if (!last && !first) return false;
        size_t end = which + 1;
        int64_t length_us = 0;
        if (const auto length = length_of_time(from(end))) {
            length_us = length->time_us;
            end += length->words;
        } else {
            const size_t few = is_one_of(word(end), {"few", "couple"}) ? (word(end + 1) == "of" ? 2 : 1) : 0;
            const auto unit = unit_us(word(end + few));
            // "the last second" is a time; "the first second dog", "the last m" are not.
            if (!unit || word(end + few).size() < 3 || (few == 0 && end + 1 < words_.size() && *unit == second_us))
                return false;
            length_us = *unit * (few == 0 ? 1 : word(end) == "few" ? 5 : 2);
            end += few + 1;
        }
        end = skip_video(end, {"of", "in"});
        drop_span_word();
        const size_t video = video_of(at_, end);
        const int64_t start_us = clock_.start_us(video), last_us = clock_.last_us(video, now_us_);
        if (last)
            put_between(std::max(start_us, whole_second(last_us - length_us)), whole_second(last_us),
                        marks_before(end));
        else
            put_between(start_us, start_us + length_us, marks_before(end));
        at_ = end;
        return true;
    }

    // "in the second half of the video": between two times.
    bool take_half() {
        const size_t which = at_ + (word(at_) == "the" ? 1 : 0);
        const bool last = is_one_of(word(which), {"second", "last"});
        if ((!last && word(which) != "first") || word(which + 1) != "half") return false;
        const size_t half = which + 2;
        const size_t end = skip_video(half, {"of", "in"});
        if (end == half && !is_named(half) && half < words_.size() && words_[half - 1].marks.empty()) return false;
        drop_span_word();
        const size_t video = video_of(at_, end);
        const int64_t middle_us = whole_second(middle_of(video));
        put_between(last ? middle_us : clock_.start_us(video), last ? end_us(video) : middle_us, marks_before(end));
        at_ = end;
        return true;
    }

    bool take_clock() {
        const auto time = clock_us(word(at_));
        if (!time) return false;
        parts_.drop({"time", "timestamp", "minute", "second"});
        size_t end = at_ + 1;
        if (is_one_of(word(end), {"minutes", "min"})) ++end;  // "1:30 minutes"
        put_time(at_, end, *time);
        at_ = end;
        return true;
    }

    bool take_moment() {
        const auto moment = counted_moment(from(at_));
        if (!moment) return false;
        const size_t end = at_ + moment->words;
        put_time(at_, end, moment->time_us);
        at_ = end;
        return true;
    }

    // "halfway through", "in the middle of the video"; the middle alone is a place.
    bool take_middle() {
        const bool middle = word(at_) == "middle";
        const size_t half = is_one_of(word(at_), {"halfway", "midway"})     ? 1
                            : word(at_) == "half" && word(at_ + 1) == "way" ? 2
                                                                            : 0;
        size_t end = at_ + (middle ? 1 : half);
        if (end == at_) return false;
        const size_t behind = skip_video(end, {"of", "through", "into", "in"});
        if (middle && behind == end && !is_named(end)) return false;
        end = behind == end && word(end) == "through" ? end + 1 : behind;
        if (middle) {
            parts_.drop({"the"});
            parts_.drop({"in"});
        }
        return take_relative(middle_of(video_of(at_, end)), end);
    }

    // "20 seconds", "20 seconds in", "at the 20 second mark", "20 seconds ago".
    bool take_length() {
        const size_t first = at_ + (word(at_) == "the" ? 1 : 0);
        const auto length = length_of_time(from(first));
        if (!length) return false;
        size_t end = first + length->words;
        const bool mark = is_one_of(word(end), {"mark", "point"});
        if (first > at_ && !mark) return false;
        if (mark) ++end;

        if (!mark && is_one_of(parts_.last_word(), {"for", "every", "each", "per", "than", "least", "most", "about"}) &&
            word(end) != "ago" && word(end) != "in")
            return false;
        if (word(end) == "ago") return take_relative(now_us_ - length->time_us, end + 1);
        for (std::string_view link : {"before", "from"})
            if (word(end) == link && word(end + 1) == "the" && word(end + 2) == "end")
                return take_relative(clock_.last_us(video_of(at_, end + 3), now_us_) - length->time_us,
                                     skip_video(end + 3, {"of"}));
        for (std::string_view link : {"after", "from"})
            if (word(end) == link && word(end + 1) == "the" && is_one_of(word(end + 2), {"start", "beginning"}))
                end = skip_video(end + 3, {"of"});
        if (end > first && words_[end - 1].marks.empty()) {
            const bool at_end = end + 1 == words_.size() || (end < words_.size() && !words_[end].marks.empty());
            if (word(end) == "in" && at_end) ++end;
            end = skip_video(end, {"into", "in"});
        }
        put_time(at_, end, length->time_us);
        at_ = end;
        return true;
    }

    bool take_relative(int64_t time_us, size_t end) {
        parts_.drop({"about", "around", "at"});
        parts_.word("at");
        parts_.time(whole_second(time_us), marks_before(end));
        at_ = end;
        return true;
    }

    std::vector<Word> words_;
    const int64_t now_us_;
    const VideoClock& clock_;
    std::vector<NamedVideo> named_;
    size_t at_ = 0;
    Parts parts_;
};

}  // namespace

std::string normalize_question(std::string_view question) {
    std::string out;
    for (size_t i = 0; i < question.size(); ++i) {
        char c = question[i];
        if (question.substr(i, 3) == "\u2019") {  // the apostrophe that word processors write
            c = '\'';
            i += 2;
        } else if (question.substr(i, 3) == "\u2013") {  // the dash of a range
            c = '-';
            i += 2;
        }
        if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
        const bool space = c == ' ' || (c >= '\t' && c <= '\r');
        if (space && (out.empty() || out.back() == ' ')) continue;
        out += space ? ' ' : c;
    }
    const size_t end = out.find_last_not_of(" ?.!");
    out.resize(end == std::string::npos ? 0 : end + 1);
    return out;
}

std::vector<QuestionPart> split_times(std::string_view normalized, int64_t now_us, const VideoClock& clock) {
    return TimeReader(words_of(normalized), now_us, clock).read();
}

std::vector<PromptRow> question_rows(const Tokenizer& tokenizer, std::string_view question, int64_t now_us,
                                     const PromptOptions& options) {
    const std::string text = normalize_question(question);
    if (text.empty()) misuse("Reading a question: it is empty; ask something, such as \"What is visible at 0:20?\".");
    std::vector<PromptRow> rows{{tokenizer.question()}};
    // A question may be as long as a book: stop before it is split into pieces.
    constexpr size_t most_bytes_a_row = 64;
    const size_t most_rows = options.most_rows;
    if (text.size() <= most_rows * most_bytes_a_row) {
        for (const QuestionPart& part : split_times(text, now_us, options.clock)) {
            if (part.text.empty())
                rows.push_back({-1, part.time_us});
            else
                for (int id : tokenizer.encode(part.text)) rows.push_back({id});
        }
    } else {
        rows.resize(most_rows + 1);
    }
    int64_t about_us = options.about_us.value_or(now_us);
    for (size_t row = rows.size(); row-- > 1;)
        if (rows[row].id < 0) about_us = rows[row].time_us;
    rows.push_back({tokenizer.answer(), about_us});
    if (rows.size() + 1 > most_rows) {
        std::ostringstream found;
        if (text.size() <= most_rows * most_bytes_a_row)
            found << rows.size() + 1 << " rows";
        else
            found << text.size() << " bytes";
        misuse("Reading a question: \"", text.substr(0, 40), "...\" takes ", found.str(), ", the most is ", most_rows,
               " rows (about ", most_rows / 2, " words); ask it in fewer words.");
    }
    return rows;
}

std::vector<PromptRow> question_prompt(const Tokenizer& tokenizer, std::string_view question, int64_t now_us,
                                       const PromptOptions& options) {
    std::vector<PromptRow> rows = question_rows(tokenizer, question, now_us, options);
    rows.insert(rows.begin(), {-1, now_us});
    return rows;
}

}  // namespace lv
