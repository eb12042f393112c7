// What people write after --tell: the questions it becomes, how their answers are read, and what is refused.
#include "app/standing_question.h"

#include <gtest/gtest.h>

#include "kernels/core/error.h"

namespace lv {
namespace {

const std::vector<std::string> names{"person", "bicycle", "car",  "bus",     "dog",   "cat",
                                     "apple",  "skis",    "boat", "hot dog", "mouse", "sheep"};

Condition parsed(const std::string& text) { return parse_condition(text, KindWords(names)); }

std::string refusal(const std::string& text) {
    try {
        parsed(text);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "";
}

// The first check as one line: its question, and the answers at which it holds.
std::string check_of(const std::string& text, size_t index = 0) {
    const Condition condition = parsed(text);
    if (index >= condition.checks.size()) return "none";
    const Check& check = condition.checks[index];
    static constexpr const char* holds[] = {"yes", "no", "=", "not", "has", "more", "at most"};
    return check.question + " " + holds[static_cast<int>(check.holds)] + (check.word.empty() ? "" : " " + check.word);
}

TEST(StandingQuestions, AskForWhatIsThereNow) {
    for (const char* text :
         {"a person appears", "A person appears.", "someone", "there is a person", "is there anyone?",
          "tell me when a man comes into view", "people", "a pedestrian is visible", "at least one person",
          "more than zero people", "a woman enters the room"})
        EXPECT_EQ(check_of(text), "Is there a person now? yes") << text;
    EXPECT_EQ(check_of("an apple is there"), "Is there an apple now? yes");
    EXPECT_EQ(check_of("a hot dog appears"), "Is there a hot dog now? yes");
    EXPECT_EQ(check_of("bikes"), "Is there a bicycle now? yes");
    EXPECT_EQ(check_of("skis"), "Is there skis now? yes");
}

TEST(StandingQuestions, TellWhatIsNoLongerThere) {
    for (const char* text :
         {"no person is there", "nobody", "no one is visible", "a person is not there", "no people"}) {
        EXPECT_EQ(check_of(text), "Is there a person now? no") << text;
        EXPECT_FALSE(parsed(text).must_fail_first) << text;
    }
    for (const char* text : {"a person leaves", "the dog disappears", "a car is gone", "someone goes away"})
        EXPECT_TRUE(parsed(text).must_fail_first) << text;
    EXPECT_EQ(check_of("the dog disappears"), "Is there a dog now? no");
}

TEST(StandingQuestions, Count) {
    EXPECT_EQ(check_of("there are more than 3 cars"), "How many cars are there now? more three");
    EXPECT_EQ(check_of("at least two dogs"), "How many dogs are there now? more one");
    EXPECT_EQ(check_of("3 or more cars"), "How many cars are there now? more two");
    EXPECT_EQ(check_of("there are three cars or more"), "How many cars are there now? more two");
    EXPECT_EQ(check_of("fewer than 3 people"), "How many people are there now? at most two");
    EXPECT_EQ(check_of("at most one cat"), "How many cats are there now? at most one");
    EXPECT_EQ(check_of("two or fewer buses"), "How many buses are there now? at most two");
    EXPECT_EQ(check_of("exactly 2 buses"), "How many buses are there now? = two");
    EXPECT_EQ(check_of("there are seven mice"), "How many mice are there now? = seven");
    EXPECT_EQ(check_of("fewer than one sheep"), "Is there a sheep now? no");
    EXPECT_EQ(check_of("the number of people changes"), "How many people are there now? =");
    EXPECT_TRUE(parsed("the number of people changes").on_change);
}

TEST(StandingQuestions, SayWhatTheyMean) {
    EXPECT_EQ(parsed("a dog leaves").meaning(),
              "asks \"Is there a dog now?\" and tells when the answer is no, after it was not");
    EXPECT_EQ(parsed("more than 3 cars").meaning(),
              "asks \"How many cars are there now?\" and tells when the answer is more than three");
    EXPECT_EQ(parsed("fewer than 3 cars").meaning(),
              "asks \"How many cars are there now?\" and tells when the answer is at most two");
}

TEST(StandingQuestions, AskWhereAndWhichWayOnlyOfWhatIsThere) {
    EXPECT_EQ(check_of("a person is on the left"), "Is there a person now? yes");
    EXPECT_EQ(check_of("a person is on the left", 1), "Where is the person now? has on the left");
    EXPECT_EQ(check_of("the car moves to the right", 1), "Which way is the car moving? = to the right");
    EXPECT_EQ(check_of("a dog comes closer", 1), "Which way is the dog moving? = towards the camera");
    EXPECT_EQ(check_of("something appears"), "What is visible now? not nothing");
    EXPECT_EQ(check_of("nothing is visible"), "What is visible now? = nothing");
}

TEST(StandingQuestions, RefuseWhatTheModelCannotTellAndSayWhatItCan) {
    const auto says = [](const std::string& text, const std::string& part) {
        const std::string message = refusal(text);
        EXPECT_NE(message.find(part), std::string::npos) << text << ": " << message;
        EXPECT_NE(message.find("more than 3 cars"), std::string::npos) << message;
    };
    says("a dragon appears", "'dragon' is no kind of thing that the model knows");
    says("a persn appears", "did you mean 'person'?");
    says("more than 7 cars", "it counts up to seven");
    says("more than twelve cars", "instead of a number");
    says("at least 9 cars", "counts up to seven");
    says("fewer than 0 cars", "never");
    says("a person and a dog", "more than one condition");
    says("a person is happy", "'happy' is nothing that the model can tell");
    says("two dogs leave", "do not go together");
    says("two dogs on the left", "of a kind, not of a number");
    says("is there", "names nothing");
    says("a person appears twice", "'twice' where the condition should end");
    EXPECT_NE(refusal(" ?").find("empty"), std::string::npos);
}

TEST(StandingQuestions, ReadAnswersAndKnowWhenNothingWasSaid) {
    const Check yes{.question = "?", .holds = Check::Holds::yes};
    EXPECT_EQ(yes.read("Yes."), true);
    EXPECT_EQ(yes.read("No."), false);
    EXPECT_EQ(yes.read("I can't tell."), std::nullopt);
    EXPECT_EQ(yes.read("Seven people."), std::nullopt);
    EXPECT_EQ((Check{.question = "?", .holds = Check::Holds::no}.read("No.")), true);
    EXPECT_EQ((Check{.question = "?", .holds = Check::Holds::equal, .word = "two"}.read("Two.")), true);
    const Check more{.question = "?", .holds = Check::Holds::more, .word = "three"};
    EXPECT_EQ(more.read("Three."), false);
    EXPECT_EQ(more.read("Four."), true);
    EXPECT_EQ(more.read("More than seven."), true);
    EXPECT_EQ(more.read("None."), false);
    EXPECT_EQ(more.read("Yes."), std::nullopt);
    EXPECT_EQ((Check{.question = "?", .holds = Check::Holds::at_most, .word = "one"}.read("One.")), true);
    EXPECT_EQ((Check{.question = "?", .holds = Check::Holds::at_most, .word = "one"}.read("Two.")), false);
    EXPECT_EQ((Check{.question = "?", .holds = Check::Holds::has, .word = "on the left"}.read(
                  "On the left and in the middle.")),
              true);
    EXPECT_EQ((Check{.question = "?", .holds = Check::Holds::other_than, .word = "nothing"}.read("Nothing.")), false);
}

TEST(StandingQuestions, AnyWordsAreParsedOrRefusedButNeverCrash) {
    const std::vector<std::string> words{"a",  "no",     "one",     "person",      "cars", "more", "than",
                                         "at", "least",  "or",      "left",        "is",   "not",  "there",
                                         "on", "the",    "appears", "99999999999", "'",    "\xff", "moves",
                                         "to", "number", "of",      "changes",     "3"};
    const KindWords kinds(names);
    uint32_t random = 7;
    for (int round = 0; round < 20000; ++round) {
        std::string text;
        for (uint32_t count = random % 7; count-- > 0;) {
            random = random * 1664525 + 1013904223;
            text += words[(random >> 8) % words.size()] + " ";
        }
        random = random * 1664525 + 1013904223;
        try {
            const Condition condition = parse_condition(text, kinds);
            EXPECT_FALSE(condition.checks.empty()) << text;
            EXPECT_FALSE(condition.meaning().empty());
        } catch (const UsageError&) {
        }
    }
}

}  // namespace
}  // namespace lv
