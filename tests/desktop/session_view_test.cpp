// The window's work without a window: open, watch, ask, seek, export.
#include "tests/desktop/view_fixture.h"
#include "tests/temporary_folder.h"

namespace lv {
namespace {

TEST_F(AView, WatchesTheClipAndAnswersWithEvidence) {
    SessionView view(settings_);
    EXPECT_EQ(view.phase(), Phase::empty);
    view.open(clip_);
    EXPECT_EQ(settings_.recent.front(), clip_);
    ASSERT_TRUE(until_watched(view));
    EXPECT_EQ(view.phase(), Phase::watched) << view.error();
    EXPECT_EQ(view.meters().frames, 40);
    EXPECT_EQ(view.title(), "pedestrians.mp4");
    EXPECT_FALSE(view.lanes().empty());
    EXPECT_EQ(view.kind_name(view.lanes().front().kind), "person");
    EXPECT_GT(view.history().points().size(), 2u);
    EXPECT_FALSE(view.frames()->boxes_at(10'000'000).empty());

    view.ask("When does a person first appear?");
    EXPECT_TRUE(view.answering());
    ASSERT_TRUE(until_answered(view));
    const ChatTurn& turn = view.turns().back();
    EXPECT_EQ(turn.state, TurnState::answered);
    ASSERT_FALSE(time_links(turn.answer).empty()) << turn.answer;
    EXPECT_EQ(view.evidence(), &turn);
    EXPECT_GT(turn.first_token_us, 0);

    view.seek(30'000'000);
    EXPECT_TRUE(until(view, [&] { return view.player()->state().picture_us >= 29'800'000; }));
    EXPECT_EQ(view.position_us(), 30'000'000);
}

TEST_F(AView, IsAskedAtAnyMoment) {
    SessionView view(settings_);
    view.ask("too early?");
    EXPECT_EQ(view.turns().back().state, TurnState::failed);
    EXPECT_EQ(view.turns().back().answer, "No video is open; open one first.");
    view.open(clip_);
    ASSERT_TRUE(until(view, [&] { return view.meters().frames > 0; }));
    view.ask("is there a person now");
    ASSERT_TRUE(until_answered(view));
    EXPECT_EQ(view.turns().back().state, TurnState::answered);
    EXPECT_EQ(view.turns().size(), 1u);  // what was said before a video was opened belongs to none
}

TEST_F(AView, UnderstandsAFollowUp) {
    SessionView view(settings_);
    view.open(clip_);
    ASSERT_TRUE(until_watched(view));
    for (const char* question : {"How many people are there at 0:20?", "and at 0:40?"}) {
        view.ask(question);
        ASSERT_TRUE(until_answered(view));
        EXPECT_EQ(view.turns().back().state, TurnState::answered);
    }
    // As a session answers that is told the turn before; whether that is right is the model's affair.
    EXPECT_EQ(view.turns().back().answer,
              answers_of_a_session({"How many people are there at 0:20?", "and at 0:40?"}).back());
}

TEST_F(AView, SavesAMemoryAndOpensItAgain) {
    const test::TemporaryFolder folder;
    std::string answer;
    {
        SessionView view(settings_);
        view.open(clip_);
        ASSERT_TRUE(until_watched(view));
        view.export_to(folder / "clip.lvm");
        ASSERT_TRUE(until(view, [&] { return !view.notices().empty(); }));
        EXPECT_FALSE(view.notices().back().is_error) << view.notices().back().text;
        view.ask("is there a person in the video");
        ASSERT_TRUE(until_answered(view));
        answer = view.turns().back().answer;
    }
    SessionView view(settings_);
    view.open(folder / "clip.lvm");
    ASSERT_TRUE(until_watched(view));
    EXPECT_EQ(view.phase(), Phase::watched) << view.error();
    EXPECT_GT(view.meters().rows, 0u);
    view.ask("is there a person in the video");
    ASSERT_TRUE(until_answered(view));
    EXPECT_EQ(view.turns().back().answer, answer);
    EXPECT_TRUE(view.player());  // the clip is still there
    test::write_text(folder / "odd.lvm", "no memory");
    view.open(folder / "odd.lvm");
    ASSERT_TRUE(until_watched(view));
    EXPECT_NE(view.error().find("odd.lvm"), std::string::npos);
}

TEST_F(AView, StopsAnAnswerAndClearsTheConversation) {
    SessionView view(settings_);
    view.open(clip_);
    ASSERT_TRUE(until_watched(view));
    for (int i = 0; i < 20; ++i) view.ask("describe the video");
    view.stop_answer();
    EXPECT_FALSE(view.answering());
    EXPECT_EQ(view.turns().back().state, TurnState::stopped);
    view.ask("is there a dog");
    ASSERT_TRUE(until_answered(view));
    EXPECT_EQ(view.turns().back().state, TurnState::answered);
    view.clear_chat();
    EXPECT_TRUE(view.turns().empty());
    EXPECT_FALSE(view.evidence());
}

TEST_F(AView, StopsWatchingAndKeepsTheMemory) {
    SessionView view(settings_);
    view.open("test:duration=1000000");
    ASSERT_TRUE(until(view, [&] { return view.meters().frames > 2; }));
    EXPECT_FALSE(view.player());  // a generated source is not opened twice
    view.stop_watching();
    ASSERT_TRUE(until_watched(view));
    EXPECT_EQ(view.phase(), Phase::watched);
    EXPECT_EQ(view.list().videos()[0].watched_us, view.meters().watched_us);
    EXPECT_TRUE(view.can_go_on());
    view.ask("is there a person in the video");
    ASSERT_TRUE(until_answered(view));
    EXPECT_EQ(view.turns().back().state, TurnState::answered);
}

TEST_F(AView, SaysWhatIsWrongWithAVideo) {
    SessionView view(settings_);
    view.open("no/such/video.mp4");
    ASSERT_TRUE(until_watched(view));
    EXPECT_EQ(view.phase(), Phase::failed);
    EXPECT_NE(view.error().find("no/such/video.mp4"), std::string::npos);
    EXPECT_EQ(view.error().back(), '.');
    view.open(clip_);  // and goes on with the next
    ASSERT_TRUE(until_watched(view));
    EXPECT_EQ(view.phase(), Phase::watched);
    EXPECT_TRUE(view.error().empty());
}

TEST_F(AView, ClosesThePlayerOfAFileThatIsNoVideo) {
    const test::TemporaryFolder folder;
    test::write_text(folder / "notes.txt", "no video");
    SessionView view(settings_);
    view.open(folder / "notes.txt");
    ASSERT_TRUE(until_watched(view));
    EXPECT_EQ(view.phase(), Phase::failed);
    EXPECT_TRUE(view.list().videos().empty());
    EXPECT_FALSE(view.player());
    view.update();
    EXPECT_EQ(view.position_us(), 0);
    view.add({clip_});
    ASSERT_TRUE(until(view, [&] { return view.phase() == Phase::watched; }));
    EXPECT_TRUE(view.player());
}

TEST_F(AView, OpensWithThePasswordThatItDoesNotShow) {
    // A file whose name looks like a URL: found only by the name that was given.
    const test::TemporaryFolder folder;
    std::filesystem::create_directories(folder / "x:/name:secret@camera");
    std::filesystem::create_symlink(clip_, folder / "x:/name:secret@camera/clip.mp4");
    const std::string start = (folder / "x:").string();
    const std::string shown = start + "//name:***@camera/clip.mp4";
    settings_.fps = 10;
    SessionView view(settings_);
    view.open(start + "//name:secret@camera/clip.mp4");
    EXPECT_EQ(view.source(), shown);
    EXPECT_EQ(settings_.recent.front(), shown);
    EXPECT_EQ(view.list().videos()[0].source, shown);
    ASSERT_TRUE(until(view, [&] { return view.meters().frames > 2 || view.phase() == Phase::failed; }));
    view.stop_watching();
    ASSERT_TRUE(until_watched(view));
    ASSERT_TRUE(view.player()) << view.error();
    ASSERT_TRUE(until(view, [&] { return !view.player()->state().seeking; }));
    EXPECT_EQ(view.player()->state().error, "");
    ASSERT_TRUE(view.can_go_on());
    const int64_t stopped_us = view.list().videos()[0].watched_us;
    view.go_on();
    ASSERT_TRUE(until(
        view, [&] { return view.phase() != Phase::watching || view.list().videos()[0].watched_us > stopped_us; }));
    EXPECT_GT(view.list().videos()[0].watched_us, stopped_us);

    view.open(settings_.recent.front());  // in the same run it is known
    ASSERT_TRUE(until(view, [&] { return view.meters().frames > 2 || view.phase() == Phase::failed; }));
    EXPECT_NE(view.phase(), Phase::failed) << view.error();
}

TEST_F(AView, CountsWhatIsOpenedBecauseTheIdsOfTurnsBeginAnew) {
    settings_.fps = 0.1;
    SessionView view(settings_);
    std::vector<uint64_t> ids, opened;
    for (int i = 0; i < 2; ++i) {
        view.open(clip_);
        ASSERT_TRUE(until_watched(view));
        view.ask("is there a person in the video");
        ASSERT_TRUE(until_answered(view));
        ids.push_back(view.turns().back().id);
        opened.push_back(view.opened());
    }
    EXPECT_EQ(ids[0], ids[1]);
    EXPECT_GT(opened[1], opened[0]);
}

TEST_F(AView, TellsOfDamageAsTheCommandLineDoes) {
    SessionView view(settings_);
    view.open((std::filesystem::path(LV_SOURCE_DIR) / "tests/vision/media/damaged.ts").string());
    ASSERT_TRUE(until_watched(view));
    EXPECT_EQ(view.phase(), Phase::watched) << view.error();
    ASSERT_FALSE(view.notices().empty());
    EXPECT_NE(view.notices()[0].text.find("amaged.ts is damaged: 1 piece"), std::string::npos) << view.notices()[0].text;
}

TEST_F(AView, SaysThatTheModelIsMissing) {
    settings_.model_dir = "no/such/model";
    SessionView view(settings_);
    view.open(clip_);
    ASSERT_TRUE(until_watched(view));
    EXPECT_NE(view.error().find("no/such/model"), std::string::npos);
    settings_.model_dir = test::model_folder().string();
    view.open(clip_);
    ASSERT_TRUE(until_watched(view));
    EXPECT_EQ(view.phase(), Phase::watched);
}

TEST_F(AView, OpensAnotherVideoWhileOneIsWatched) {
    SessionView view(settings_);
    for (int i = 0; i < 3; ++i) {
        view.open(clip_);
        ASSERT_TRUE(until(view, [&] { return view.phase() != Phase::loading; }));
    }
    view.close();
    EXPECT_EQ(view.phase(), Phase::empty);
    EXPECT_EQ(view.length_us(), 0);
}

TEST_F(AView, ExportsConversationAndCaptions) {
    const test::TemporaryFolder folder;
    SessionView view(settings_);
    view.export_to(folder / "early.md");
    EXPECT_TRUE(view.notices().back().is_error);
    view.open(clip_);
    ASSERT_TRUE(until_watched(view));
    view.ask("is there a person in the video");
    ASSERT_TRUE(until_answered(view));
    view.export_to(folder / "talk.md");
    EXPECT_FALSE(view.notices().back().is_error);
    EXPECT_NE(test::read_text(folder / "talk.md").find("## is there a person"), std::string::npos);
    view.export_to(folder / "clip.vtt");
    ASSERT_TRUE(until(view, [&] { return !view.exporting(); }));
    const std::string captions = test::read_text(folder / "clip.vtt");
    EXPECT_EQ(captions.substr(0, 6), "WEBVTT");
    EXPECT_NE(captions.find("00:00:10.000 --> 00:00:20.000"), std::string::npos) << captions;
    EXPECT_EQ(view.turns().size(), 1u);  // the questions of the captions are not the user's
    view.export_to(folder / "clip.doc");
    EXPECT_TRUE(view.notices().back().is_error);
    view.export_to(folder / "no/such/folder/talk.md");
    EXPECT_TRUE(view.notices().back().is_error);
}

}  // namespace
}  // namespace lv
