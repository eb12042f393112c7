#include "engine/prompt.h"

#include "kernels/core/error.h"
#include "tests/engine/engine_support.h"

namespace lv::test {

namespace {

// Parts in one line, times as [seconds]; now is 2:00.
std::string parts(const std::string& question, double now_s = 120, const VideoClock& clock = {}) {
    std::string out;
    for (const QuestionPart& part : split_times(normalize_question(question), int64_t(now_s * 1e6), clock)) {
        if (!out.empty()) out += ' ';
        if (!part.text.empty()) {
            out += part.text;
            continue;
        }
        const double seconds = double(part.time_us) / 1e6;
        std::string number = std::to_string(seconds);
        number.erase(number.find_last_not_of('0') + 1);
        if (number.back() == '.') number.pop_back();
        out += "[" + number + "]";
    }
    return out;
}

// Each row: a question and its parts.
void expect_parts(std::initializer_list<std::pair<std::string, std::string>> table, double now_s = 120,
                  const VideoClock& clock = {}) {
    for (const auto& [question, expected] : table) EXPECT_EQ(parts(question, now_s, clock), expected) << question;
}

}  // namespace

TEST(Question, is_normalized_as_in_training) {
    EXPECT_EQ(normalize_question("  What's   visible\tNOW?!  "), "what's visible now");
    EXPECT_EQ(normalize_question("What\u2019s there..."), "what's there");
    EXPECT_EQ(normalize_question("?"), "");
    EXPECT_EQ(normalize_question(""), "");
    EXPECT_EQ(normalize_question("is it 0:20 ?"), "is it 0:20");
}

TEST(Question, written_clocks_become_times) {
    expect_parts({{"What is visible at 0:20?", "what is visible at [20]"},
                  {"at 1:02:03, what can you see", "at [3723] , what can you see"},
                  {"00:20", "[20]"},
                  {"between 0:10 and 0:20.5 is there a dog", "between [10] and [20.5] is there a dog"},
                  {"is there a dog 0:10-0:20", "is there a dog [10] to [20]"},
                  {"is there a dog 0:10\u20130:20", "is there a dog [10] to [20]"},
                  {"what is there at minute 1:30", "what is there at [90]"},
                  {"is 0:75 a time", "is 0:75 a time"},
                  {"a ratio of 16:9", "a ratio of 16:9"}});
}

TEST(Question, numbers_with_units_become_times) {
    expect_parts({{"what is there at 20s", "what is there at [20]"},
                  {"what is there at 20 seconds", "what is there at [20]"},
                  {"what is there 20 seconds in", "what is there [20]"},
                  {"what is there 20 seconds into the video", "what is there [20]"},
                  {"what is there at the 20 second mark", "what is there at [20]"},
                  {"what is there at second 20", "what is there at [20]"},
                  {"at minute 2 second 5 is there a cat", "at [125] is there a cat"},
                  {"at 2 minutes 5 seconds is there a cat", "at [125] is there a cat"},
                  {"at 2 min and 5 sec", "at [125]"},
                  {"at 1h2m3s", "at [3723]"},
                  {"at 1m 20s", "at [80]"},
                  {"at 1.5 minutes", "at [90]"},
                  {"after an hour", "after [3600]"},
                  {"between 10 seconds and 20 seconds", "between [10] and [20]"},
                  {"what is visible 20 seconds after the start", "what is visible [20]"}});
}

TEST(Question, numbers_in_words_become_times) {
    expect_parts({{"after half a minute", "after [30]"},
                  {"after a minute and a half", "after [90]"},
                  {"after two minutes", "after [120]"},
                  {"after two and a half minutes", "after [150]"},
                  {"at twenty-five seconds", "at [25]"},
                  {"at forty five seconds", "at [45]"},
                  {"at one minute and twenty seconds", "at [80]"},
                  {"after half an hour", "after [1800]"},
                  {"after a minute", "after [60]"}});
}

TEST(Question, phrases_that_count_from_now_become_times) {
    expect_parts({{"what happened in the last ten seconds?", "what happened between [110] and [120]"},
                  {"did a cat appear during the last minute", "did a cat appear between [60] and [120]"},
                  {"what happens in the first half minute", "what happens in the first half minute"},
                  {"what happens in the first 30 seconds", "what happens between [0] and [30]"},
                  {"what happened in the last few seconds", "what happened between [115] and [120]"},
                  {"what was there 10 seconds ago", "what was there at [110]"},
                  {"what was there half a minute ago", "what was there at [90]"},
                  {"what is there 20 seconds before the end of the video", "what is there at [100]"},
                  {"what happened in the last ten minutes", "what happened between [0] and [120]"}});
    EXPECT_EQ(parts("is there a dog in the last 2 minutes of the video", 300.7),
              "is there a dog between [180] and [300]");
}

TEST(Question, the_middle_and_the_halves_of_a_video_become_times) {
    expect_parts({{"what is there halfway through?", "what is there at [60]"},
                  {"what do you see half way through the video", "what do you see at [60]"},
                  {"midway into the clip, is there a dog", "at [60] , is there a dog"},
                  {"what is there at the middle of the video", "what is there at [60]"},
                  {"which objects are visible in the middle of the video", "which objects are visible at [60]"},
                  {"in the middle of the video, is there a dog", "at [60] , is there a dog"},
                  {"what happens in the first half of the video", "what happens between [0] and [60]"},
                  {"does a dog appear in the second half", "does a dog appear between [60] and [120]"},
                  {"in the last half, what changes", "between [60] and [120] , what changes"}});
    const VideoClock clock({0, 80'000'000});
    EXPECT_EQ(parts("what is there halfway through video 1", 120, clock), "what is there at [39]");
    EXPECT_EQ(parts("is there a dog in the middle of video 1", 120, clock), "is there a dog at [39]");
    EXPECT_EQ(parts("what is there halfway through", 120, clock), "what is there at [100]");
    EXPECT_EQ(parts("is there a dog in the second half of the first video", 120, clock),
              "is there a dog between [39] and [79]");
}

TEST(Question, what_is_no_moment_stays_text) {
    for (const char* text :
         {"when does the second person appear", "is there a second dog", "how many cars per minute",
          "is the dog there for 10 seconds", "does it change every 20 seconds", "how many seconds is it long",
          "when is the last time a dog is visible", "when does the first cat appear", "where was the dog last seen",
          "are there more than two people", "count the two dogs", "is there a 2 in the picture",
          "does the second two dogs appear", "what is the last thing", "the first second dog",
          "is the dog in the middle", "what is in the middle of the picture", "is it half full", "the second half dog"})
        EXPECT_EQ(parts(text), text);
}

TEST(Question, names_one_of_several_videos) {
    const VideoClock clock({0, 80'000'000, 200'000'000});
    expect_parts({{"What is visible at 0:10 of video 2?", "what is visible at [90]"},
                  {"What is visible at video 2, 0:00:10?", "what is visible at [90]"},
                  {"what is visible in the second video at 10 seconds", "what is visible at [90]"},
                  {"in video 1, what is there at 0:10", "what is there at [10]"},
                  {"is there a dog between 0:10 and 0:20 of video 2", "is there a dog between [90] and [100]"},
                  {"is there a dog between 0:10 of video 1 and 0:20 of the second clip",
                   "is there a dog between [10] and [100]"},
                  {"is there a dog 0:10-0:20 in video two", "is there a dog [90] to [100]"},
                  {"what happened in the last ten seconds of video 1", "what happened between [69] and [79]"},
                  {"what happens in the first minute of video 2", "what happens between [80] and [140]"},
                  {"what is there 20 seconds before the end of video 2", "what is there at [179]"},
                  {"what is there at minute 1 of the last video", "what is there at [260]"},
                  {"is there a dog in video 2", "is there a dog between [80] and [199]"},
                  {"is there a dog in the last video, or a cat", "is there a dog between [200] and [300] , or a cat"}},
                 300, clock);
}

TEST(Question, a_time_without_a_video_is_one_of_the_newest) {
    const VideoClock clock({0, 80'000'000});
    EXPECT_EQ(parts("what is visible at 0:10", 120, clock), "what is visible at [90]");
    EXPECT_EQ(parts("what happened in the last ten seconds", 120, clock), "what happened between [110] and [120]");
    EXPECT_EQ(parts("what happened in the last hour", 120, clock), "what happened between [80] and [120]");
    EXPECT_EQ(parts("is there a dog in the video", 120, clock), "is there a dog in the video");
    EXPECT_EQ(parts("what is visible at 0:10 of video 2"), "what is visible at [10] of video 2") << "one video alone";
}

TEST(Question, about_a_video_that_is_not_there_is_refused) {
    const VideoClock clock({0, 80'000'000});
    const std::string message = error_of([&] { split_times("is there a dog in video 3", 0, clock); });
    EXPECT_TRUE(says(message, "video 3"));
    EXPECT_TRUE(says(message, "2 videos"));
    EXPECT_THROW(split_times("at 0:10 of video 0", 0, clock), UsageError);
}

TEST(Question, becomes_rows_with_now_first_and_the_answer_mark_last) {
    const Tokenizer t = Tokenizer::load(golden("engine_tokenizer.model"));
    const std::vector<PromptRow> rows = question_prompt(t, "What is visible at 0:20?", 83'000'000);
    ASSERT_GE(rows.size(), 5u);
    EXPECT_LT(rows[0].id, 0);
    EXPECT_EQ(rows[0].time_us, 83'000'000);
    EXPECT_EQ(rows[1].id, t.question());
    std::vector<int> text;
    for (size_t i = 2; i + 2 < rows.size(); ++i) text.push_back(rows[i].id);
    EXPECT_EQ(text, t.encode("what is visible at"));
    EXPECT_LT(rows[rows.size() - 2].id, 0);
    EXPECT_EQ(rows[rows.size() - 2].time_us, 20'000'000);
    EXPECT_EQ(rows.back().id, t.answer());
}

TEST(Question, the_answer_is_about_the_first_time_asked_or_about_now) {
    const Tokenizer t = Tokenizer::load(golden("engine_tokenizer.model"));
    const int64_t now_us = 83'000'000;
    EXPECT_EQ(question_prompt(t, "What is visible?", now_us).back().time_us, now_us);
    EXPECT_EQ(question_prompt(t, "What is visible at 0:20?", now_us).back().time_us, 20'000'000);
    EXPECT_EQ(question_prompt(t, "What is visible between 0:05 and 0:20?", now_us).back().time_us, 5'000'000);
    EXPECT_EQ(question_prompt(t, "What is visible at 0:20?", now_us)[1].time_us, no_time);
}

TEST(Question, that_is_empty_or_too_long_is_refused_with_what_to_do) {
    const Tokenizer t = Tokenizer::load(golden("engine_tokenizer.model"));
    EXPECT_THROW(question_prompt(t, " ? ", 0), UsageError);
    std::string longer;
    for (int i = 0; i < 150; ++i) longer += "dog ";
    const std::string message = error_of([&] { question_prompt(t, longer + longer, 0); });
    EXPECT_TRUE(says(message, "the most is 192"));
    EXPECT_TRUE(says(message, "in fewer words"));
    EXPECT_TRUE(says(error_of([&] { question_prompt(t, std::string(5'000'000, 'x'), 0); }), "5000000 bytes"));
    EXPECT_NO_THROW(question_prompt(t, longer, 0));
}

TEST(Question, random_bytes_never_crash_it) {
    const Tokenizer t = Tokenizer::load(golden("engine_tokenizer.model"));
    const std::string bits[] = {"the ",   "last ", "first ", "0:20",    "-",    ":",        "1h2m",   "seconds ",
                                "half ",  "a ",    "and ",   "minute ", "ago ", "20",       ".",      ",",
                                "twenty", " ",     "in ",    "second ", "\xff", "\xe2\x80", "video ", "first "};
    uint32_t random = 1;
    for (int round = 0; round < 3000; ++round) {
        std::string text;
        for (int i = 0; i < 14; ++i) text += bits[((random = random * 1664525 + 1013904223) >> 16) % std::size(bits)];
        const VideoClock two_videos({0, 3'000'000});
        try {
            question_prompt(t, "x" + text, 5'000'000);
            split_times(normalize_question(text), 5'000'000, two_videos);
        } catch (const UsageError& error) {
            EXPECT_TRUE(says(error.what(), "video")) << text;  // that there is no video 20
        }
    }
}

TEST(Time, is_written_as_people_write_it) {
    EXPECT_EQ(written_time(20'999'999), "0:20");
    EXPECT_EQ(written_time(754'000'000), "12:34");
    EXPECT_EQ(written_time(3'723'000'000), "1:02:03");
    EXPECT_EQ(written_time(-5), "0:00");
}

TEST(AnswerText, ids_become_sentences_with_times) {
    const Tokenizer t = Tokenizer::load(golden("engine_tokenizer.model"));
    const auto ids = [&](std::initializer_list<std::string> bits) {
        std::vector<int> out;
        for (const std::string& bit : bits) {
            if (bit[0] == '@') {  // "@hhmmss"
                out.push_back(t.time());
                for (size_t i = 1; i + 1 < bit.size(); i += 2)
                    out.push_back(t.two_digits()[size_t(std::stoi(bit.substr(i, 2)))]);
                continue;
            }
            for (int id : t.encode(bit)) out.push_back(id);
        }
        return out;
    };
    EXPECT_EQ(answer_text(t, ids({"at", "@000020", "."})), "At 0:20.");
    EXPECT_EQ(answer_text(t, ids({"from", "@000003", "to", "@010203", "."})), "From 0:03 to 1:02:03.");
    EXPECT_EQ(answer_text(t, ids({"a person and two dogs."})), "A person and two dogs.");
    EXPECT_EQ(answer_text(t, ids({"from", "@000003", "to", "@000005", ", and at", "@000009", "."})),
              "From 0:03 to 0:05, and at 0:09.");
    EXPECT_EQ(answer_text(t, ids({"yes. it is on the left."})), "Yes. It is on the left.");
    EXPECT_EQ(answer_text(t, ids({"@000003", "a dog"})), "0:03 a dog");
    EXPECT_EQ(answer_text(t, ids({"at", "@0000", "never"})), "At 00 00 never") << "a broken time stays what it was";
    EXPECT_EQ(answer_text(t, ids({"at", "@00"})), "At 00");
    EXPECT_EQ(answer_text(t, {}), "");

    const VideoClock two({0, 60'000'000});
    EXPECT_EQ(answer_text(t, ids({"from", "@000003", "to", "@000110", "."}), two),
              "From video 1, 0:00:03 to video 2, 0:00:10.");

    // Streaming says the same, piece by piece.
    AnswerText streamed(t);
    std::string text;
    for (int id : ids({"from", "@000003", "to", "@000005", ", and at", "@0009"})) text += streamed.push(id);
    text += streamed.finish();
    EXPECT_EQ(text, streamed.text());
    EXPECT_EQ(text, "From 0:03 to 0:05, and at 00 09");
}

}  // namespace lv::test
