// One memory over several videos, and memories that are opened again, as the window has them.
#include <sys/stat.h>

#include <cstdlib>

#include "tests/desktop/view_fixture.h"
#include "tests/temporary_folder.h"

namespace lv {
namespace {

constexpr int64_t second_us = 1'000'000;

// Folders with the clip under several names.
class AListOfVideos : public AView {
   protected:
    void put(const std::string& name) { std::filesystem::create_symlink(clip_, folder_ / name); }
    // Is being opened for as long as nobody writes to it.
    void put_slow(const std::string& name) { ASSERT_EQ(mkfifo((folder_ / name).c_str(), 0600), 0); }
    std::string path(const std::string& name) const { return folder_ / name; }
    test::TemporaryFolder folder_;
};

TEST_F(AListOfVideos, BecomesOneMemory) {
    settings_.fps = 0.2;
    for (const char* name : {"one 2.mp4", "one 10.mp4"}) put(name);
    test::write_text(folder_ / "one 3.mp4", "no video");
    SessionView view(settings_);
    view.open(folder_.path().string());
    EXPECT_EQ(settings_.recent.front(), folder_.path().string());
    ASSERT_TRUE(until_watched(view));
    EXPECT_EQ(view.phase(), Phase::watched) << view.error();
    // The one that is none is told and left out.
    ASSERT_EQ(view.notices().size(), 1u);
    EXPECT_NE(view.notices()[0].text.find("one 3.mp4"), std::string::npos);
    const auto& videos = view.list().videos();
    ASSERT_EQ(videos.size(), 2u);
    EXPECT_EQ(videos[0].source, path("one 2.mp4"));
    EXPECT_EQ(videos[1].start_us, 80 * second_us);
    EXPECT_EQ(view.whole().frames, 32);
    EXPECT_EQ(view.meters().all_frames, 32);

    view.ask("When does a person last appear?");
    ASSERT_TRUE(until_answered(view));
    const ChatTurn& turn = view.turns().back();
    const std::vector<TimeLink> links = time_links(turn.answer, turn.clock);
    ASSERT_FALSE(links.empty()) << turn.answer;
    EXPECT_EQ(turn.answer.substr(links[0].first, 6), "video ");
    float attention = 0;
    for (const AttentionPoint& point : turn.attention) attention += point.share;
    EXPECT_NEAR(attention, 1, 1e-3);

    view.export_to(folder_ / "two.srt");
    ASSERT_TRUE(until(view, [&] { return !view.exporting(); }));
    EXPECT_EQ(test::read_text(folder_ / "two.srt").substr(0, 31), "1\n00:00:00,000 --> 00:00:10,000");
}

TEST_F(AListOfVideos, IsPlayedAndSoughtAsOne) {
    settings_.fps = 0.05;
    for (const char* name : {"a.mp4", "b.mp4", "c.mp4"}) put(name);
    SessionView view(settings_);
    view.open(folder_.path().string());
    // Their lengths are read before they are watched: all can be shown at once.
    ASSERT_TRUE(until(view, [&] { return view.list().videos()[2].placed(); }));
    view.seek(100 * second_us);
    EXPECT_EQ(view.shown_video(), 1u);
    EXPECT_EQ(view.position_us(), 100 * second_us);
    ASSERT_TRUE(until(view, [&] { return view.player()->state().picture_us >= 19'800'000; }));
    view.seek_video(-1);
    EXPECT_EQ(view.position_us(), 80 * second_us);
    view.seek_video(-1);
    EXPECT_EQ(view.shown_video(), 0u);
    view.seek_video(-1);
    EXPECT_EQ(view.position_us(), 0);
    view.seek(79 * second_us);
    view.player()->play(4);
    ASSERT_TRUE(until(view, [&] { return view.shown_video() == 1; })) << "playing does not go on in the next video";
    EXPECT_TRUE(view.player()->state().playing);
    view.player()->pause();
    ASSERT_TRUE(until_watched(view));
    EXPECT_EQ(view.length_us(), 160 * second_us + view.list().videos()[2].length_us);
    const Thumbnail seen = view.thumbnail_at(160 * second_us);
    ASSERT_TRUE(seen.picture);
    EXPECT_EQ(seen.time_us, 160 * second_us);
}

TEST_F(AListOfVideos, GrowsWhileItIsWatched) {
    settings_.fps = 0.1;
    put("more.mp4");
    SessionView view(settings_);
    view.open(clip_);
    view.add({path("more.mp4")});
    ASSERT_TRUE(until_watched(view));
    EXPECT_EQ(view.list().in_memory(), 2u);
    view.add({path("none.mp4")});
    ASSERT_TRUE(until(view, [&] { return view.notices().back().is_error; }));
    EXPECT_EQ(view.phase(), Phase::watched);  // the memory is as it was
    view.add({"camera:97"});
    ASSERT_TRUE(until(view, [&] {
        return view.notices().back().text.find("camera:97") != std::string::npos && view.notices().back().is_error;
    }));
    EXPECT_EQ(view.phase(), Phase::watched);
    EXPECT_EQ(view.error(), "");
    EXPECT_EQ(view.list().videos().size(), 2u);
    view.add({clip_});
    ASSERT_TRUE(until(view, [&] { return view.list().in_memory() == 3 && view.phase() == Phase::watched; }));
    EXPECT_EQ(view.whole().frames, 24);
}

TEST_F(AListOfVideos, IsOnlyAFailureWhenNothingCanBeWatched) {
    std::filesystem::create_directory(folder_ / "empty");
    SessionView view(settings_);
    view.open(path("empty"));
    EXPECT_TRUE(view.notices().back().is_error);
    EXPECT_EQ(view.phase(), Phase::empty);
    view.open_list({path("none.mp4"), path("neither.mp4")});
    ASSERT_TRUE(until_watched(view));
    EXPECT_EQ(view.phase(), Phase::failed);
    EXPECT_NE(view.error().find("neither.mp4"), std::string::npos);
    EXPECT_FALSE(view.can_go_on());
    view.seek(5);
    view.seek_video(1);
    EXPECT_EQ(view.position_us(), 0);
}

TEST_F(AListOfVideos, LosesAFileWhileItIsWatched) {
    settings_.fps = 0.1;
    put("one.mp4");
    put("two.mp4");
    SessionView view(settings_);
    view.open(folder_.path().string());
    std::filesystem::remove(folder_ / "two.mp4");
    ASSERT_TRUE(until_watched(view));
    EXPECT_EQ(view.phase(), Phase::watched);
    EXPECT_EQ(view.list().videos().size(), 1u);
    EXPECT_NE(view.notices().back().text.find("two.mp4"), std::string::npos);
}

TEST_F(AListOfVideos, IsOpenedAgainFromItsMemory) {
    settings_.fps = 0.2;
    put("one.mp4");
    put("two.mp4");
    std::vector<KindLane> lanes;
    {
        SessionView view(settings_);
        view.open(folder_.path().string());
        ASSERT_TRUE(until_watched(view));
        lanes = view.lanes();
        view.export_to(folder_ / "both.lvm");
        ASSERT_TRUE(until(view, [&] { return !view.notices().empty(); }));
    }
    std::filesystem::remove(folder_ / "two.mp4");
    SessionView view(settings_);
    view.open(path("both.lvm"));
    ASSERT_TRUE(until(view, [&] { return view.phase() == Phase::watched && !view.lanes().empty(); }));
    ASSERT_EQ(view.lanes().size(), lanes.size());
    for (size_t i = 0; i < lanes.size(); ++i) EXPECT_EQ(view.lanes()[i].kind, lanes[i].kind);
    EXPECT_EQ(view.list().videos().size(), 2u);
    EXPECT_FALSE(view.can_go_on());  // all was watched
    ASSERT_TRUE(view.player());
    // Pictures where the file still is, none where it is gone.
    EXPECT_TRUE(until(view, [&] { return view.thumbnail_at(20 * second_us).picture != nullptr; }));
    EXPECT_FALSE(view.thumbnail_at(100 * second_us).picture);
    view.seek(100 * second_us);
    EXPECT_FALSE(view.player());
    EXPECT_EQ(view.position_us(), 100 * second_us);
    view.seek(10 * second_us);
    EXPECT_TRUE(view.player());
    view.add({clip_});  // a third one joins
    ASSERT_TRUE(until(view, [&] { return view.list().in_memory() == 3 && view.phase() == Phase::watched; }));
    EXPECT_EQ(view.list().videos()[2].start_us, 160 * second_us);
}

TEST_F(AListOfVideos, KeepsAVideoWhoseOpeningWasStopped) {
    settings_.fps = 0.1;
    put_slow("slow.mp4");
    SessionView view(settings_);
    view.open(path("slow.mp4"));
    ASSERT_TRUE(until(view, [&] { return view.model() != nullptr; }));  // now it is being opened
    view.stop_watching();
    ASSERT_TRUE(until_watched(view));
    EXPECT_EQ(view.error().substr(0, 23), "Nothing had come yet wh");
    ASSERT_EQ(view.list().videos().size(), 1u);
    ASSERT_TRUE(view.can_go_on());
    std::filesystem::remove(folder_ / "slow.mp4");
    put("slow.mp4");
    view.go_on();
    ASSERT_TRUE(until_watched(view));
    EXPECT_EQ(view.phase(), Phase::watched) << view.error();
    EXPECT_EQ(view.list().in_memory(), 1u);
}

TEST_F(AListOfVideos, KeepsItsOrderWhenStoppedBetweenTwoVideos) {
    settings_.fps = 0.1;
    put_slow("slow.mp4");
    put("last.mp4");
    SessionView view(settings_);
    view.open(clip_);
    ASSERT_TRUE(until_watched(view));
    view.add({path("slow.mp4"), path("last.mp4")});
    ASSERT_EQ(view.phase(), Phase::watching);
    view.stop_watching();
    ASSERT_TRUE(until_watched(view));
    EXPECT_EQ(view.phase(), Phase::watched) << view.error();
    EXPECT_EQ(view.list().in_memory(), 1u);
    ASSERT_EQ(view.list().videos().size(), 3u);
    EXPECT_EQ(view.list().videos()[1].source, path("slow.mp4"));
    ASSERT_TRUE(view.can_go_on());
    std::filesystem::remove(folder_ / "slow.mp4");
    put("slow.mp4");
    view.go_on();
    ASSERT_TRUE(until_watched(view));
    EXPECT_EQ(view.list().in_memory(), 3u);
    EXPECT_EQ(view.list().videos()[1].source, path("slow.mp4"));
}

TEST_F(AListOfVideos, GoesOnWhereItWasStopped) {
    settings_.fps = 10;
    SessionView view(settings_);
    view.open(clip_);
    ASSERT_TRUE(until(view, [&] { return view.meters().frames > 2; }));
    view.stop_watching();
    ASSERT_TRUE(until_watched(view));
    const int64_t stopped_us = view.list().videos()[0].watched_us;
    ASSERT_LT(stopped_us, 79 * second_us);
    view.export_to(folder_ / "part.lvm");
    ASSERT_TRUE(until(view, [&] { return !view.notices().empty(); }));

    settings_.fps = 1;  // of what is opened next; this video stays as it was sampled
    SessionView again(settings_);
    again.open(path("part.lvm"));
    ASSERT_TRUE(until_watched(again));
    ASSERT_TRUE(again.can_go_on());
    again.go_on();
    ASSERT_TRUE(until(again, [&] { return again.list().videos()[0].watched_us > stopped_us; }));
    EXPECT_EQ(again.list().videos().size(), 1u);
    EXPECT_EQ(again.list().videos()[0].watched_us % 100'000, 0);
    again.stop_watching();
    ASSERT_TRUE(until_watched(again));
}

}  // namespace
}  // namespace lv
