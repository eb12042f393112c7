#include "app/standing_question.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <span>
#include <sstream>

#include "engine/prompt.h"
#include "kernels/core/error.h"

namespace lv {
namespace {

constexpr int most_counted = 7;  // the model's numbers end here

constexpr std::string_view forms =
    R"(  a person appears | a dog is there | someone      it is in the picture
  the dog leaves | a car is gone                   it was, and is no longer
  there is no person | nobody | nothing            it is not there
  more than 3 cars | at least two dogs             up to seven
  fewer than 3 people | at most one cat | exactly two buses
  the number of people changes                     another count than before
  a person is on the left | in the middle | on the right
  the car moves to the left | to the right | up | down | towards the camera)";

using Words = std::vector<std::string>;

// The words of a condition, read from the left.
class Reader {
   public:
    explicit Reader(Words words) : words_(std::move(words)) {}
    bool done() const { return at_ == words_.size(); }
    std::span<const std::string> rest() const { return std::span(words_).subspan(at_); }
    std::string_view word() const { return done() ? std::string_view() : words_[at_]; }
    void skip(size_t count) { at_ += count; }

    // Takes the phrase if it comes next.
    bool take(std::string_view phrase) {
        std::istringstream parts{std::string(phrase)};
        size_t count = 0;
        for (std::string part; parts >> part; ++count)
            if (at_ + count >= words_.size() || words_[at_ + count] != part) return false;
        at_ += count;
        return true;
    }
    template <typename... Phrases>
    bool take_any(Phrases... phrases) {
        return (take(phrases) || ...);
    }

   private:
    Words words_;
    size_t at_ = 0;
};

std::optional<int> number_of(std::string_view word) {
    static constexpr std::array<std::string_view, 11> words{"zero", "one",   "two",   "three", "four", "five",
                                                            "six",  "seven", "eight", "nine",  "ten"};
    for (size_t i = 0; i < words.size(); ++i)
        if (word == words[i]) return static_cast<int>(i);
    if (word.empty() || word.size() > 6 || word.find_first_not_of("0123456789") != std::string_view::npos)
        return std::nullopt;
    return std::stoi(std::string(word));
}

Words words_of_condition(std::string_view text) {
    std::string plain = normalize_question(text);
    std::replace(plain.begin(), plain.end(), ',', ' ');
    std::istringstream stream(plain);
    Words words;
    for (std::string word; stream >> word;) words.push_back(word);
    static constexpr std::array<std::string_view, 9> tails{"now",       "again",          "at the moment",
                                                           "right now", "in the picture", "in the frame",
                                                           "on screen", "in view",        "in the video"};
    for (bool cut = true; cut;) {
        cut = false;
        for (std::string_view tail : tails) {
            std::istringstream parts{std::string(tail)};
            const Words end{std::istream_iterator<std::string>(parts), {}};
            if (words.size() <= end.size() || !std::equal(end.rbegin(), end.rend(), words.rbegin())) continue;
            words.resize(words.size() - end.size());
            cut = true;
        }
    }
    return words;
}

// How many of a kind.
struct Amount {
    enum class Sort { some, none, more, at_most, exactly } sort = Sort::some;
    int count = 0;  // more: than this
};

class Parser {
   public:
    Parser(std::string_view text, const KindWords& kinds)
        : text_(text), kinds_(kinds), words_(words_of_condition(text)) {}

    Condition parse() {
        condition_.text = std::string(text_);
        if (words_.done()) throw UsageError("--tell: the condition is empty; say one, such as \"a person appears\"");
        words_.take_any("tell me", "alert me", "warn me", "say");
        words_.take_any("when", "if", "as soon as", "whenever", "once");
        if (words_.take_any("the number of", "the count of")) return number_changes();
        words_.take_any("there is", "there's", "there are", "is there", "are there", "do you see", "you see", "i see");
        if (anything()) return condition_;
        Amount amount;
        std::string kind = "person";
        if (words_.take_any("nobody", "no one", "no-one")) {
            amount.sort = Amount::Sort::none;
        } else if (!words_.take_any("someone", "somebody", "anyone", "anybody")) {
            amount = one_sided(read_amount());
            kind = read_kind();
            amount = one_sided(amount);
        }
        read_verb(amount, kind);
        return condition_;
    }

   private:
    [[noreturn]] void refuse(const std::string& why) const {
        throw UsageError("--tell \"" + std::string(text_) + "\": " + why + "; conditions that can be told:\n" +
                         std::string(forms));
    }

    void add(std::string question, Check::Holds holds, std::string word = "") {
        question[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(question[0])));
        condition_.checks.push_back({question + "?", holds, std::move(word)});
    }

    // "something appears", "nothing": about all that is visible.
    bool anything() {
        const bool some = words_.take_any("something", "anything");
        if (!some && !words_.take("nothing")) return false;
        words_.take_any("is", "can be seen");
        words_.take_any("appears", "there", "visible", "comes", "moves in");
        if (!words_.done()) refuse("found '" + std::string(words_.word()) + "' where the condition should end");
        add("what is visible now", some ? Check::Holds::other_than : Check::Holds::equal, "nothing");
        return true;
    }

    Condition number_changes() {
        words_.take("the");
        const std::string kind = read_kind();
        if (!words_.take_any("changes", "has changed", "changed") || !words_.done())
            refuse("after 'the number of " + plural_name(kind) + "' comes 'changes'");
        add("how many " + plural_name(kind) + " are there now", Check::Holds::equal);
        condition_.on_change = true;
        return condition_;
    }

    int read_number() {
        const std::string word(words_.word());
        const std::optional<int> number = number_of(word);
        if (!number)
            refuse(word.empty() ? "a number is missing at the end" : "found '" + word + "' instead of a number");
        words_.skip(1);
        if (*number > most_counted) refuse("it counts up to seven things of a kind, not " + word);
        return *number;
    }

    Amount read_amount() {
        using Sort = Amount::Sort;
        if (words_.take_any("more than", "over")) return limited({Sort::more, read_number()});
        if (words_.take("at least")) return limited({Sort::more, read_number() - 1});
        if (words_.take_any("fewer than", "less than", "under")) return limited({Sort::at_most, read_number() - 1});
        if (words_.take_any("at most", "no more than", "not more than")) return limited({Sort::at_most, read_number()});
        if (words_.take("exactly")) return {Sort::exactly, read_number()};
        if (words_.take_any("no", "not a", "not an", "not any")) return {Sort::none, 0};
        words_.take_any("a", "an", "any", "some", "the", "another");
        if (number_of(words_.word())) return {Sort::exactly, read_number()};
        return {};
    }

    Amount limited(Amount amount) const {
        if (amount.count < 0) refuse("this number can never be, or always is");
        if (amount.sort == Amount::Sort::more && amount.count >= most_counted)
            refuse("it counts up to seven, so it cannot tell more than seven from seven more");
        return amount;
    }

    // "3 or more", "two or fewer", before or after the kind.
    Amount one_sided(Amount amount) {
        const bool more = words_.take("or more");
        if (!more && !words_.take_any("or fewer", "or less")) return amount;
        if (amount.sort != Amount::Sort::exactly) refuse("'or more' and 'or fewer' follow a number");
        if (more) return limited({Amount::Sort::more, amount.count - 1});
        return {Amount::Sort::at_most, amount.count};
    }

    std::string read_kind() {
        const std::optional<KindMention> found = kinds_.find(words_.rest());
        if (found) {
            words_.skip(found->words);
            return found->name;
        }
        const std::string word(words_.word());
        if (word.empty()) refuse("it names nothing to look for");
        const std::string near = kinds_.nearest(word);
        refuse("'" + word + "' is no kind of thing that the model knows ('longview info' lists them)" +
               (near.empty() ? "" : "; did you mean '" + near + "'?"));
    }

    void ask_amount(const Amount& amount, const std::string& kind, bool there) {
        using Sort = Amount::Sort;
        const std::string many = plural_name(kind);
        const bool presence = amount.sort == Sort::some || amount.sort == Sort::none ||
                              (amount.sort == Sort::more && amount.count == 0) ||
                              ((amount.sort == Sort::at_most || amount.sort == Sort::exactly) && amount.count == 0);
        if (presence) {
            const bool wanted = (amount.sort == Sort::some || amount.sort == Sort::more) == there;
            return add("is there " + with_article(kind) + " now", wanted ? Check::Holds::yes : Check::Holds::no);
        }
        if (!there) refuse("a number and 'leaves' do not go together");
        if (amount.sort == Sort::exactly)
            return add("how many " + many + " are there now", Check::Holds::equal,
                       std::string(number_word(amount.count)));
        // Counting is what the model is better at than "are there more than three now".
        add("how many " + many + " are there now",
            amount.sort == Sort::more ? Check::Holds::more : Check::Holds::at_most,
            std::string(number_word(amount.count)));
    }

    void read_verb(const Amount& amount, const std::string& kind) {
        words_.take_any("that", "who", "which");
        const bool is = words_.take_any("is", "are");
        if (read_place_or_motion(amount, kind)) return end();
        if (words_.done() || words_.take_any("appears", "appear", "arrives", "arrive", "shows up", "show up", "there",
                                             "visible", "seen", "present", "enters", "enter", "comes in", "come in",
                                             "comes into view", "come into view", "comes", "come", "can be seen")) {
            words_.take_any("the picture", "the frame", "the scene", "the room");
            ask_amount(amount, kind, true);
        } else if (words_.take_any("leaves", "leave", "disappears", "disappear", "goes away", "go away", "goes", "gone",
                                   "no longer there", "no longer visible", "vanishes", "vanish")) {
            if (amount.sort == Amount::Sort::none) refuse("'no' and 'leaves' do not go together");
            ask_amount(amount, kind, false);
            condition_.must_fail_first = true;
        } else if (is && words_.take_any("not there", "not visible", "not seen", "missing", "absent")) {
            ask_amount(amount, kind, false);
        }
        end();
    }

    void end() const {
        if (words_.done() && !condition_.checks.empty()) return;
        const std::string word(words_.word());
        if (word == "and" || word == "or") refuse("it is more than one condition; give each a --tell of its own");
        if (condition_.checks.empty()) refuse("'" + word + "' is nothing that the model can tell");
        refuse("found '" + word + "' where the condition should end");
    }

    bool read_place_or_motion(const Amount& amount, const std::string& kind) {
        static constexpr std::array<std::string_view, 3> places{"on the left", "in the middle", "on the right"};
        static constexpr std::array<std::array<std::string_view, 2>, 9> ways{
            {{"to the left", "to the left"},
             {"left", "to the left"},
             {"to the right", "to the right"},
             {"right", "to the right"},
             {"up", "up"},
             {"down", "down"},
             {"towards the camera", "towards the camera"},
             {"closer", "towards the camera"},
             {"nearer", "towards the camera"}}};
        const auto asked = [&](std::string question, Check::Holds holds, std::string_view word) {
            if (amount.sort != Amount::Sort::some)
                refuse("where a thing is, or goes, can be told of a kind, not of a number");
            ask_amount(amount, kind, true);
            add(std::move(question), holds, std::string(word));
            return true;
        };
        for (std::string_view place : places)
            if (words_.take(place)) return asked("where is the " + kind + " now", Check::Holds::has, place);
        static constexpr std::array<std::string_view, 15> verbs{"moves", "move",    "moving", "goes",    "go",
                                                                "going", "walks",   "walk",   "walking", "drives",
                                                                "drive", "driving", "comes",  "come",    "coming"};
        for (std::string_view verb : verbs)
            for (const auto& [said, answered] : ways)
                if (words_.take(std::string(verb) + " " + std::string(said)))
                    return asked("which way is the " + kind + " moving", Check::Holds::equal, answered);
        return false;
    }

    const std::string_view text_;
    const KindWords& kinds_;
    Reader words_;
    Condition condition_{};
};

// 8: "more than seven".
std::optional<int> said_number(std::string_view said) {
    for (int number = 0; number <= most_counted + 1; ++number)
        if (said == number_word(number)) return number;
    return std::nullopt;
}

}  // namespace

std::optional<bool> Check::read(std::string_view answer) const {
    std::string said = normalize_question(answer);  // lower case, without the full stop
    if (said.empty() || said.find("can't tell") != std::string::npos) return std::nullopt;
    const bool yes = said == "yes" || said.starts_with("yes,"), no = said == "no" || said.starts_with("no,");
    switch (holds) {
        case Holds::yes:
            return yes || no ? std::optional(yes) : std::nullopt;
        case Holds::no:
            return yes || no ? std::optional(no) : std::nullopt;
        case Holds::equal:
            return said == word;
        case Holds::other_than:
            return said != word;
        case Holds::has:
            return said.find(word) != std::string::npos;
        case Holds::more:
        case Holds::at_most: {
            const std::optional<int> count = said_number(said);
            if (!count) return std::nullopt;
            return (*count > said_number(word)) == (holds == Holds::more);
        }
    }
    return std::nullopt;
}

std::string Condition::meaning() const {
    if (on_change) return "asks \"" + checks.front().question + "\" and tells when the answer is another one";
    std::string meaning;
    for (const Check& check : checks) {
        meaning += (meaning.empty() ? "asks \"" : " and \"") + check.question + "\"";
        if (checks.size() > 1) continue;
        meaning += " and tells when the answer is ";
        switch (check.holds) {
            case Check::Holds::yes:
                meaning += "yes";
                break;
            case Check::Holds::no:
                meaning += "no";
                break;
            case Check::Holds::other_than:
                meaning += "not \"" + check.word + "\"";
                break;
            case Check::Holds::more:
                meaning += "more than " + check.word;
                break;
            case Check::Holds::at_most:
                meaning += "at most " + check.word;
                break;
            default:
                meaning += "\"" + check.word + "\"";
        }
    }
    if (checks.size() > 1) meaning += " and tells when the answers are yes and \"" + checks.back().word + "\"";
    return must_fail_first ? meaning + ", after it was not" : meaning;
}

Condition parse_condition(std::string_view text, const KindWords& kinds) { return Parser(text, kinds).parse(); }

std::string_view condition_forms() { return forms; }

}  // namespace lv
