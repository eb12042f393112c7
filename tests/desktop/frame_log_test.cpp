// What the watching saw, as the window asks for it.
#include "app/desktop/frame_log.h"

#include <gtest/gtest.h>

#include <thread>

namespace lv {
namespace {

constexpr int64_t second_us = 1'000'000;

std::shared_ptr<const Picture> picture(int width = 320, int height = 240) {
    auto made = std::make_shared<Picture>();
    *made = {width, height, std::vector<uint8_t>(static_cast<size_t>(width) * static_cast<size_t>(height) * 3, 90)};
    return made;
}

SeenFrame frame(int64_t time_s, std::vector<SeenObject> objects) {
    SeenFrame seen;
    seen.time_us = time_s * second_us;
    seen.objects = std::move(objects);
    return seen;
}

SeenObject object(uint64_t track, int kind, float left) { return {track, {kind, 0.9f, left, 0.2f, left + 0.1f, 0.4f}}; }

TEST(AFrameLog, MovesABoxBetweenTheFramesItWasSeenIn) {
    FrameLog log;
    log.add(frame(0, {object(1, 0, 0.1f), object(2, 5, 0.5f)}), picture());
    log.add(frame(2, {object(1, 0, 0.3f), object(3, 7, 0.8f)}), picture());
    const auto early = log.boxes_at(second_us / 2);  // a quarter of the way: 2 is still there, 3 not yet
    ASSERT_EQ(early.size(), 2u);
    EXPECT_NEAR(early[0].object.left, 0.15f, 1e-6);
    EXPECT_EQ(early[1].track, 2u);
    const auto late = log.boxes_at(3 * second_us / 2);
    ASSERT_EQ(late.size(), 2u);
    EXPECT_NEAR(late[0].object.left, 0.25f, 1e-6);
    EXPECT_EQ(late[1].track, 3u);
}

TEST(AFrameLog, ShowsNoBoxesWhereNothingWasWatched) {
    FrameLog log;
    EXPECT_TRUE(log.boxes_at(0).empty());
    log.add(frame(10, {object(1, 0, 0.1f)}), picture());
    log.add(frame(11, {object(1, 0, 0.1f)}), picture());
    log.add(frame(100, {object(1, 0, 0.1f)}), picture());
    EXPECT_TRUE(log.boxes_at(9 * second_us).empty());
    EXPECT_TRUE(log.boxes_at(50 * second_us).empty());  // too far from both
    EXPECT_EQ(log.boxes_at(100 * second_us).size(), 1u);
}

TEST(AFrameLog, LanesJoinFramesThatFollowEachOther) {
    FrameLog log;
    log.add(frame(0, {object(1, 0, 0.1f), object(2, 0, 0.5f)}), nullptr);
    log.add(frame(1, {object(1, 0, 0.1f)}), nullptr);
    log.add(frame(2, {object(3, 5, 0.1f)}), nullptr);
    log.add(frame(3, {object(1, 0, 0.1f)}), nullptr);
    const std::vector<KindLane> lanes = log.lanes();
    ASSERT_EQ(lanes.size(), 2u);
    EXPECT_EQ(lanes[0].kind, 0);  // the one seen most often comes first
    EXPECT_EQ(lanes[0].spans, (std::vector<KindLane::Span>{{0, 2 * second_us, 2}, {3 * second_us, 4 * second_us, 1}}));
    EXPECT_EQ(lanes[1].spans, (std::vector<KindLane::Span>{{2 * second_us, 3 * second_us, 1}}));
}

TEST(AFrameLog, DrawsNothingFromOneVideoIntoTheNext) {
    FrameLog log;
    log.begin_video();
    log.add(frame(0, {object(1, 0, 0.1f)}), nullptr);
    log.add(frame(1, {object(1, 0, 0.1f)}), nullptr);
    log.begin_video();
    log.add(frame(4, {object(1, 0, 0.9f)}), nullptr);
    log.add(frame(5, {object(1, 0, 0.9f)}), nullptr);
    EXPECT_EQ(log.boxes_at(3 * second_us / 2).size(), 1u);
    EXPECT_TRUE(log.boxes_at(3 * second_us).empty());
    EXPECT_EQ(log.lanes()[0].spans,
              (std::vector<KindLane::Span>{{0, 2 * second_us, 1}, {4 * second_us, 6 * second_us, 1}}));
}

TEST(AFrameLog, GoesOnWithTheLanesOfAMemory) {
    std::vector<WatchedVideo> videos(2);
    videos[0].end_us = videos[0].watched_us = 10 * second_us;
    videos[1].start_us = 10 * second_us;
    videos[1].watched_us = 4 * second_us;
    videos[1].end_us = 5 * second_us;
    const std::vector<Sighting> sightings{{0, {{0, 1}}},
                                          {2 * second_us, {{0, 3}, {5, 1}}},
                                          {6 * second_us, {}},
                                          {8 * second_us, {{5, 1}}},
                                          {12 * second_us, {{0, 1}}}};
    FrameLog log;
    log.restore(lanes_of(sightings, videos));
    log.add(frame(15, {object(1, 0, 0.1f)}), nullptr);
    const std::vector<KindLane> lanes = log.lanes();
    ASSERT_EQ(lanes.size(), 2u);
    EXPECT_EQ(lanes[0].kind, 0);
    EXPECT_EQ(lanes[0].spans,
              (std::vector<KindLane::Span>{
                  {0, 6 * second_us, 3}, {12 * second_us, 15 * second_us, 1}, {15 * second_us, 16 * second_us, 1}}));
    EXPECT_EQ(lanes[1].spans,
              (std::vector<KindLane::Span>{{2 * second_us, 6 * second_us, 1}, {8 * second_us, 10 * second_us, 1}}));
}

TEST(AFrameLog, HoldsABoundedNumberOfSmallPictures) {
    FrameLog log;
    const auto large = picture(640, 480);
    for (int64_t i = 0; i < 2000; ++i) log.add(frame(i, {}), large);
    const Thumbnail seen = log.thumbnail_at(1000 * second_us);
    EXPECT_EQ(seen.picture->width, FrameLog::picture_px);
    EXPECT_EQ(seen.picture->height, 150);
    EXPECT_LE(std::abs(seen.time_us - 1000 * second_us), 4 * second_us);
    EXPECT_EQ(log.thumbnail_at(0).time_us, 0);
    EXPECT_EQ(log.newest().picture, large);
    EXPECT_EQ(log.newest().time_us, 1999 * second_us);
    EXPECT_FALSE(FrameLog().thumbnail_at(0).picture);
}

TEST(AFrameLog, IsReadWhileItIsWritten) {
    FrameLog log;
    std::jthread writer([&] {
        for (int64_t i = 0; i < 500; ++i) log.add(frame(i, {object(1, 0, 0.1f)}), picture(32, 24));
    });
    while (log.newest_us() < 499 * second_us) {
        const int64_t newest_us = log.newest_us();
        if (newest_us < 0) continue;
        EXPECT_EQ(log.boxes_at(newest_us).size(), 1u);
        EXPECT_EQ(log.lanes().size(), 1u);
        EXPECT_TRUE(log.thumbnail_at(newest_us).picture);
    }
}

}  // namespace
}  // namespace lv
