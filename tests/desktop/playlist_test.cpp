// Where the videos of one memory lie in time.
#include "app/desktop/playlist.h"

#include <gtest/gtest.h>

namespace lv {
namespace {

constexpr int64_t second_us = 1'000'000;

WatchedVideo watched(std::string source, int64_t start_s, int64_t watched_s, int64_t end_s, bool finished = true) {
    WatchedVideo video;
    video.source = std::move(source);
    video.start_us = start_s * second_us;
    video.watched_us = watched_s * second_us;
    video.end_us = end_s * second_us;
    video.finished = finished;
    return video;
}

TEST(APlaylist, PlacesWhatWaitsByTheLengthsOfItsHeaders) {
    Playlist list;
    EXPECT_EQ(list.end_us(), 0);
    EXPECT_EQ(list.video_at(5), 0u);
    list.add(std::vector<std::string>{"a", "b", "c"});
    EXPECT_EQ(list.videos()[0].start_us, 0);
    EXPECT_FALSE(list.videos()[1].placed());
    list.learn_length("b", 20 * second_us);
    EXPECT_FALSE(list.videos()[1].placed());
    list.learn_length("a", 10 * second_us + 300'000);
    EXPECT_EQ(list.videos()[1].start_us, 11 * second_us);  // at a whole second, as a session does
    EXPECT_EQ(list.videos()[2].start_us, 31 * second_us);
    EXPECT_EQ(list.end_us(), 31 * second_us);
    EXPECT_EQ(list.video_at(10 * second_us), 0u);
    EXPECT_EQ(list.video_at(11 * second_us), 1u);
    EXPECT_EQ(list.video_at(1000 * second_us), 2u);
}

TEST(APlaylist, BelievesTheMemory) {
    Playlist list;
    list.add(std::vector<std::string>{"a", "b"});
    list.learn_length("a", 10 * second_us);
    list.learn_length("b", 10 * second_us);
    EXPECT_EQ(list.start_next(), "a");
    EXPECT_EQ(list.videos().size(), 2u);  // it stays in its place while it is being opened
    list.take(std::vector{watched("a", 0, -1, 0, false)});
    EXPECT_EQ(list.in_memory(), 1u);
    list.progress(4 * second_us, 10 * second_us);
    EXPECT_EQ(list.videos()[0].watched_us, 4 * second_us);
    EXPECT_EQ(list.videos()[0].length_us, 10 * second_us);
    list.take(std::vector{watched("a", 0, 6, 7)});  // it ended early
    EXPECT_EQ(list.videos()[1].start_us, 7 * second_us);
    EXPECT_EQ(list.start_next(), "b");
    list.take(std::vector{watched("a", 0, 6, 7), watched("b", 7, 3, 0, false)});
    EXPECT_TRUE(list.clock().several());
    EXPECT_FALSE(list.waits());
    EXPECT_EQ(list.videos().size(), 2u);
    EXPECT_EQ(list.end_us(), 17 * second_us);  // b is not watched to its end
}

TEST(APlaylist, CutsAVideoWhereTheNextBegins) {
    Playlist list;
    list.learn_length("a", 100 * second_us);
    list.take(std::vector{watched("a", 0, 20, 21, false)});
    EXPECT_EQ(list.end_us(), 100 * second_us);  // could be watched on
    list.take(std::vector{watched("a", 0, 20, 21, false), watched("b", 21, 5, 6)});
    EXPECT_EQ(list.videos()[0].length_us, 21 * second_us);
    EXPECT_EQ(list.end_us(), 27 * second_us);
}

TEST(APlaylist, ForgetsWhatCannotBeWatched) {
    Playlist list;
    list.add(std::vector<std::string>{"a", "b"});
    EXPECT_EQ(list.start_next(), "a");
    list.drop_started();
    ASSERT_EQ(list.videos().size(), 1u);
    EXPECT_EQ(list.videos()[0].source, "b");
    EXPECT_EQ(list.videos()[0].start_us, 0);
}

TEST(APlaylist, PutsBackWhatWasStoppedBeforeItBegan) {
    Playlist list;
    list.add(std::vector<std::string>{"a", "b"});
    EXPECT_EQ(list.start_next(), "a");
    list.put_back();
    ASSERT_EQ(list.videos().size(), 2u);
    EXPECT_EQ(list.start_next(), "a");
    list.take(std::vector{watched("a", 0, 9, 10)});
    list.put_back();  // it has begun
    ASSERT_EQ(list.videos().size(), 2u);
    EXPECT_EQ(list.start_next(), "b");
}

TEST(APlaylist, KeepsAVideoOfWhichNothingHasComeWhenItIsWatchedAnew) {
    Playlist list;
    list.take(std::vector{watched("a", 0, 9, 10), watched("b", 10, -1, 0, false)});
    list.start_again();
    EXPECT_EQ(list.in_memory(), 1u);
    ASSERT_EQ(list.videos().size(), 2u);
    EXPECT_EQ(list.videos()[1].source, "b");
    EXPECT_EQ(list.videos()[1].start_us, 10 * second_us);
    list.put_back();  // stopped once more
    EXPECT_EQ(list.start_next(), "b");
}

TEST(APlaylist, NamesTheSecondVideoOnceAFrameOfItHasCome) {
    Playlist list;
    list.take(std::vector{watched("a", 0, 9, 10), watched("b", 10, -1, 0, false)});
    list.progress(-1, 10 * second_us);
    EXPECT_FALSE(list.clock().several());
    list.progress(0, 10 * second_us);
    EXPECT_TRUE(list.clock().several());
    EXPECT_EQ(list.clock().start_us(1), 10 * second_us);
}

}  // namespace
}  // namespace lv
