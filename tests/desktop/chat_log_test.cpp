// Times in texts, the conversation as files, and questions called back.
#include "app/desktop/chat_log.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace lv {
namespace {

std::vector<int64_t> times_in(std::string_view text) {
    std::vector<int64_t> found;
    for (const TimeLink& link : time_links(text)) found.push_back(link.time_us / 1'000'000);
    return found;
}

TEST(TimeLinks, AreMinutesAndSecondsAndHours) {
    EXPECT_EQ(times_in("At 0:34, then 12:05 and 1:02:03."), (std::vector<int64_t>{34, 725, 3723}));
    const std::string text = "At 0:34.";
    EXPECT_EQ(time_links(text), (std::vector<TimeLink>{{3, 4, 34'000'000}}));
    EXPECT_EQ(times_in("0:20-0:30"), (std::vector<int64_t>{20, 30}));
}

TEST(TimeLinks, LeaveOtherNumbersAlone) {
    for (const char* text :
         {"", "12", "3 people", "1:2", "1:60", "0:345", "4:3 pictures", ":30", "a:05", "1234567890123456789012"})
        EXPECT_TRUE(times_in(text).empty()) << text;
    EXPECT_EQ(times_in("1:02:99"), (std::vector<int64_t>{62}));  // an hour's third field must be seconds
}

TEST(TimeLinks, OfSeveralVideosAreWhereTheVideoLies) {
    const VideoClock clock({0, 100'000'000, 300'000'000});
    const std::string text = "At video 2, 0:00:34, video 12, 0:00:01 and 0:05.";
    const std::vector<TimeLink> links = time_links(text, clock);
    ASSERT_EQ(links.size(), 3u);
    EXPECT_EQ(links[0], (TimeLink{3, 16, 134'000'000}));
    EXPECT_EQ(text.substr(links[1].first, links[1].length), "0:00:01");  // there is no video 12
    EXPECT_EQ(links[2].time_us, 305'000'000);                            // of the newest, as in a question
    EXPECT_EQ(time_links("Video 1, 0:07:00", clock)[0], (TimeLink{0, 16, 420'000'000}));
    EXPECT_EQ(time_links(", 0:07", clock)[0].first, 2u);
    EXPECT_EQ(short_time(134'000'000, clock), "2 · 0:34");
    EXPECT_EQ(short_time(134'000'000, {}), "2:14");
}

ChatTurn turn(std::string question, std::string answer, TurnState state) {
    ChatTurn turn;
    turn.question = std::move(question);
    turn.answer = std::move(answer);
    turn.state = state;
    return turn;
}

TEST(ChatExport, MarkdownHoldsAnswersMomentsAndFailures) {
    std::vector<ChatTurn> turns{turn("When?\nReally?", "At 0:34.", TurnState::answered),
                                turn("What?", "Nothing was seen yet.", TurnState::failed)};
    turns[0].evidence = {{34'000'000, 36'000'000, 0.5f}, {60'000'000, 60'000'000, 0.25f}};
    EXPECT_EQ(chat_markdown(turns, "day.mp4"),
              "# day.mp4\n\n## When? Really?\n\nAt 0:34.\n\nRests on 0:34-0:36 (50%), 1:00 (25%).\n"
              "\n## What?\n\n*No answer:* Nothing was seen yet.\n");
}

TEST(ChatExport, JsonCanBeReadBack) {
    std::vector<ChatTurn> turns{turn("When?", "At \"0:34\".", TurnState::answered),
                                turn("What?", "No.", TurnState::failed)};
    turns[0].evidence = {{34'000'000, 36'000'000, 0.5f}};
    turns[0].first_token_us = 2500;
    const auto object = nlohmann::json::parse(chat_json(turns, "day.mp4"));
    EXPECT_EQ(object["video"], "day.mp4");
    EXPECT_EQ(object["answers"][0]["answer"], "At \"0:34\".");
    EXPECT_EQ(object["answers"][0]["evidence"][0]["end"], 36.0);
    EXPECT_EQ(object["answers"][0]["first_token_ms"], 2.5);
    EXPECT_EQ(object["answers"][1]["error"], "No.");
}

TEST(ARecall, WalksThroughEarlierQuestionsAndBackToTheLine) {
    Recall recall;
    EXPECT_EQ(recall.older("typed"), "typed");
    recall.add("one");
    recall.add("two");
    recall.add("one");  // once only, now the newest
    EXPECT_EQ(recall.older("typed"), "one");
    EXPECT_EQ(recall.older("one"), "two");
    EXPECT_EQ(recall.older("two"), "two");
    EXPECT_EQ(recall.newer("two"), "one");
    EXPECT_EQ(recall.newer("one"), "typed");
    EXPECT_EQ(recall.newer("typed"), "typed");
}

TEST(ChatExport, NamesTheVideoOfEachMomentWhenThereAreSeveral) {
    std::vector<ChatTurn> turns{turn("When?", "At video 2, 0:00:34.", TurnState::answered)};
    turns[0].clock = VideoClock({0, 100'000'000});
    turns[0].evidence = {{134'000'000, 136'000'000, 0.5f}};
    EXPECT_NE(chat_markdown(turns, "days").find("Rests on video 2, 0:00:34-0:00:36 (50%)."), std::string::npos);
    const auto moment = nlohmann::json::parse(chat_json(turns, "days"))["answers"][0]["evidence"][0];
    EXPECT_EQ(moment["video"], 2);
    EXPECT_EQ(moment["start"], 34.0);
}

}  // namespace
}  // namespace lv
