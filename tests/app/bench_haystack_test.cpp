#include "app/bench_haystack.h"

#include <gtest/gtest.h>

#include "app/bench_questions.h"

namespace lv {
namespace {

constexpr std::array<int, 2> aside{16, 22};  // a dog and a zebra

struct Read {
    std::vector<float> rows;
    std::vector<int64_t> times_us;
    std::vector<size_t> counts;  // of each frame
};

void read(Haystack& haystack, int frames, Read& out) {
    for (int frame = 0; frame < frames; ++frame) out.counts.push_back(haystack.next(out.rows, out.times_us));
}

TEST(Haystack, TheSameSeedGivesTheSameRowsAndAnotherOthers) {
    Haystack one({.seed = 7}, aside), same({.seed = 7}, aside), other({.seed = 8}, aside);
    Read a, b, c;
    read(one, 300, a), read(same, 300, b), read(other, 300, c);
    EXPECT_EQ(a.rows, b.rows);
    EXPECT_EQ(a.times_us, b.times_us);
    EXPECT_NE(a.rows, c.rows);
}

TEST(Haystack, ACopyGoesOnAsTheOriginalWould) {
    Haystack one({.seed = 7}, aside);
    Read before, a, b;
    read(one, 200, before);
    Haystack copy = one;
    read(one, 200, a), read(copy, 200, b);
    EXPECT_EQ(a.rows, b.rows);
    EXPECT_EQ(one.log().first(0), copy.log().first(0));
}

TEST(Haystack, ItsLogSaysWhatTheRowsSay) {
    Haystack haystack({.seed = 3, .frames = 1000}, aside);
    int clear = 0;
    for (int frame = 0; frame < 1000; ++frame) {
        if (frame == 500) haystack.hide(16, 4);
        std::vector<float> rows;
        std::vector<int64_t> times_us;
        haystack.next(rows, times_us);
        ASSERT_EQ(rows.size(), times_us.size() * row::feature_dim);
        std::vector<SeenGroup> said;
        for (size_t first = 0; first < rows.size(); first += row::feature_dim) {
            const float* row = rows.data() + first;
            if (row[row::is_object] == 0 || row[row::count] == 1) continue;  // a scene; a kind that has gone
            SeenGroup group;
            while (row[row::kind + group.kind] == 0) ++group.kind;
            while (row[row::count + group.count] == 0) ++group.count;
            for (int third = 0; third < 3; ++third)
                if (row[row::left + third] == 1) group.thirds |= static_cast<uint8_t>(1 << third);
            said.push_back(group);
        }
        const auto logged = haystack.log().groups(frame);
        EXPECT_EQ(said, std::vector<SeenGroup>(logged.begin(), logged.end())) << "frame " << frame;
        clear += haystack.log().clear(frame);
    }
    EXPECT_GT(clear, 600);  // the detector flickers,
    EXPECT_LT(clear, 980);  // but not always
}

TEST(Haystack, ANeedleIsThereForItsFramesAndNowhereElse) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        Haystack haystack({.seed = seed}, aside);
        Read out;
        read(haystack, 50, out);
        haystack.hide(22, 4);
        read(haystack, 100, out);
        const FrameLog& log = haystack.log();
        EXPECT_EQ(log.first(22), 50) << "seed " << seed;
        EXPECT_EQ(log.last(22), 53) << "seed " << seed;
        for (int frame = 50; frame < 54; ++frame) {
            ASSERT_TRUE(log.find(frame, 22)) << "seed " << seed << ", frame " << frame;
            EXPECT_EQ(log.find(frame, 22)->count, 1);
        }
        EXPECT_EQ(log.first(16), -1);
    }
}

TEST(Haystack, FramesAreAsFullAsThoseOfAStreet) {
    Haystack haystack({.seed = 5, .frames = 4000}, aside);
    Read out;
    read(haystack, 4000, out);
    EXPECT_GT(out.times_us.size(), 4000 * 3.4);
    EXPECT_LT(out.times_us.size(), 4000 * 5.0);
    EXPECT_TRUE(std::is_sorted(out.times_us.begin(), out.times_us.end()));
    EXPECT_EQ(out.times_us.back(), 3999'000'000);
    int kinds = 0;
    for (int kind = 0; kind < 80; ++kind) kinds += haystack.log().first(kind) >= 0;
    EXPECT_GT(kinds, 40);  // many of them rare, as a needle is
    for (size_t count : out.counts) EXPECT_LE(count, 17u);
}

class HaystackQuestions : public ::testing::Test {
   protected:
    HaystackQuestions() : log(2'000'000) {
        names.assign(80, "thing");
        names[0] = "person", names[16] = "dog", names[22] = "zebra", names[31] = "skis";
        const SeenGroup people{0, 2, 0b101}, dog{16, 1, 0b010}, skis{31, 1, 0b001};
        for (int frame = 0; frame < 2000; ++frame) {
            std::vector<SeenGroup> groups;
            if (frame >= 1800 && frame < 1804) groups.push_back(dog);
            if (frame >= 1500) groups.push_back(people);
            if (frame == 1999) groups.push_back(skis);
            log.add(groups, true);
        }
    }

    const HaystackQuestion& of(const std::vector<HaystackQuestion>& questions, std::string_view sort) {
        for (const HaystackQuestion& question : questions)
            if (question.sort == sort) return question;
        throw std::runtime_error("no such question");
    }

    std::vector<std::string> names;
    FrameLog log;
};

TEST_F(HaystackQuestions, TheirAnswersAreTheTruth) {
    QuestionMaker maker(names, 1);
    const auto questions = maker.about_needle(log, 16);
    EXPECT_EQ(questions.size(), 5u);
    EXPECT_EQ(of(questions, "when first").answer, "at 1:00:00.");
    EXPECT_EQ(of(questions, "when last").answer, "at 1:00:06.");
    EXPECT_EQ(of(questions, "what at").answer, "a dog and two people.");
    EXPECT_EQ(of(questions, "where at").answer, "in the middle.");
    EXPECT_EQ(of(questions, "where last").answer, "in the middle.");
    EXPECT_EQ(of(questions, "when first").start_us, 3'600'000'000);
    EXPECT_EQ(of(questions, "when first").end_us, 3'602'000'000);
    EXPECT_NE(of(questions, "what at").text.find("1:00:0"), std::string::npos);
    EXPECT_NE(of(questions, "when last").text.find("dog"), std::string::npos);
    EXPECT_EQ(maker.about_order(log, 0, 16).answer, "yes.");
    EXPECT_EQ(maker.about_order(log, 31, 16).answer, "no.");
}

TEST_F(HaystackQuestions, AnythingThatIsAskedIsTrueOfTheLog) {
    QuestionMaker maker(names, 2);
    int made = 0;
    for (int i = 0; i < 500; ++i) {
        const auto question = maker.about_anything(log);
        if (!question) continue;
        ++made;
        EXPECT_EQ(question->text.find('{'), std::string::npos) << question->text;
        if (question->sort != "what at") continue;
        const int64_t frame = question->start_us / log.period_us();
        EXPECT_EQ(question->answer.find("two people") != std::string::npos, frame >= 1500) << question->answer;
        EXPECT_EQ(question->answer.find("a dog") != std::string::npos, frame >= 1800 && frame < 1804);
    }
    EXPECT_GT(made, 50);
}

TEST_F(HaystackQuestions, AnAnswerIsRightWordForWord) {
    const HaystackQuestion question{"when first", "?", "at 1:00:00."};
    EXPECT_TRUE(is_right(question, "At 1:00:00."));
    EXPECT_FALSE(is_right(question, "At 1:00:01."));
    EXPECT_FALSE(is_right(question, "At 1:00:00"));
    EXPECT_FALSE(is_right(question, ""));
}

TEST_F(HaystackQuestions, ThingsAreNamedAsTheModelNamesThem) {
    EXPECT_EQ(counted_name("dog", 1), "a dog");
    EXPECT_EQ(counted_name("apple", 1), "an apple");
    EXPECT_EQ(counted_name("skis", 1), "skis");
    EXPECT_EQ(counted_name("bus", 2), "two buses");
    EXPECT_EQ(counted_name("mouse", 7), "seven mice");
    EXPECT_EQ(counted_name("person", 9), "more than seven people");
}

}  // namespace
}  // namespace lv
