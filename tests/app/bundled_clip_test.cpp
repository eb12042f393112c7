// The main job on real footage: the bundled model answers questions about the bundled clip that were checked by eye.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "tests/app/clips.h"
#include "tests/app/run_program.h"

namespace lv::test {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

constexpr double least_right = 0.7;

bool is_word_letter(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == ':' || c == '_'; }

bool has_words(const std::string& text, const std::string& words) {
    for (size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) {
        const size_t end = at + words.size();
        if ((at == 0 || !is_word_letter(text[at - 1])) && (end == text.size() || !is_word_letter(text[end]))) return true;
    }
    return false;
}

bool has_any(const std::string& text, const Words& words) {
    return std::any_of(words.begin(), words.end(), [&](const std::string& word) { return has_words(text, word); });
}

// As tools/ask_clips.py: an accepted word, and for yes/no and counts none that contradicts it.
bool is_right(std::string answer, const std::string& question, const Words& accept) {
    for (char& c : answer) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (!has_any(answer, accept)) return false;
    std::vector<Words> groups;
    if (accept[0] == "yes" || accept[0] == "no") groups = {{"yes"}, {"no", "never", "not"}};
    if (question.rfind("How many", 0) == 0)
        groups = {{"none", "0"}, {"one", "1"}, {"two", "2"}, {"three", "3"}, {"four", "4"}, {"five", "5"}, {"six", "6"}, {"seven", "7"}};
    return std::none_of(groups.begin(), groups.end(), [&](const Words& group) {
        const bool agrees = std::any_of(accept.begin(), accept.end(), [&](const std::string& word) { return has_any(word, group); });
        return !agrees && has_any(answer, group);
    });
}

TEST(ScoringOfAnswers, TakesWholeWordsAndNoContradiction) {
    EXPECT_TRUE(is_right("Yes.", "Is there a dog?", {"yes"}));
    EXPECT_FALSE(is_right("Yes and no.", "Is there a dog?", {"yes"}));
    EXPECT_FALSE(is_right("Nothing.", "Is there a dog?", {"no"}));
    EXPECT_TRUE(is_right("Three people.", "How many people are there?", {"three", "3"}));
    EXPECT_FALSE(is_right("Two or three.", "How many people are there?", {"three", "3"}));
    EXPECT_FALSE(is_right("At 10:00.", "When does a dog first appear?", {"0:00"}));
    EXPECT_TRUE(is_right("At 0:00.", "When does a dog first appear?", {"0:00"}));
}

TEST(BundledClip, MostAnswersAreRight) {
    const json questions = json::parse(read_text(bundled_clip().parent_path() / "questions.json"));
    std::vector<std::string> arguments{"ask", bundled_clip().string(), "--json", "--quiet"};
    for (const json& entry : questions) arguments.push_back(entry.at("question"));
    const Outcome outcome = run_longview(arguments);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const json answers = json::parse(outcome.out).at("answers");
    ASSERT_EQ(answers.size(), questions.size());
    size_t right = 0;
    std::string told;
    for (size_t i = 0; i < questions.size(); ++i) {
        const std::string question = questions[i].at("question"), answer = answers[i].at("answer");
        const bool good = is_right(answer, question, questions[i].at("accept"));
        right += good;
        told += (good ? "+ " : "- ") + question + " -> " + answer + "\n";
    }
    EXPECT_GE(static_cast<double>(right), least_right * static_cast<double>(questions.size())) << told;
}

}  // namespace
}  // namespace lv::test
