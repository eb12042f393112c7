#include "vision/frame_sampler.h"

#include "tests/vision/support.h"
#include "vision/ffmpeg_source.h"

namespace lv {
namespace {

using test::media;
using test::message_of;

std::vector<Frame> sampled(const std::string& name, const SamplerOptions& options) {
    FrameSampler sampler(open_source(media(name), {.period_us = options.period_us}), options);
    std::vector<Frame> frames;
    while (std::optional<Frame> frame = sampler.next()) frames.push_back(*frame);
    EXPECT_FALSE(sampler.next()) << "the end stays the end";
    return frames;
}

TEST(FrameSampler, TakesThePictureOnScreenAtEachTime) {
    const std::vector<Frame> frames = sampled("long_gop.mp4", {.period_us = 1'000'000});
    ASSERT_EQ(frames.size(), 4u);
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(frames[i].time_us, i * 1'000'000);
        EXPECT_EQ(test::number_of(*frames[i].picture), 25 * i);
    }
}

TEST(FrameSampler, TakesTheLastPictureBeforeATimeBetweenTwo) {
    const std::vector<Frame> frames = sampled("long_gop.mp4", {.period_us = 990'000});
    ASSERT_EQ(frames.size(), 5u);
    EXPECT_EQ(test::number_of(*frames[1].picture), 24);
    EXPECT_EQ(frames[1].pts_us, 960'000);
    EXPECT_EQ(frames[1].time_us, 990'000);
}

TEST(FrameSampler, RepeatsAPictureThatStaysOnScreen) {
    const std::vector<Frame> frames = sampled("vfr.mp4", {.period_us = 20'000, .from_us = 120'000, .to_us = 240'000});
    ASSERT_EQ(frames.size(), 6u);
    for (const Frame& frame : frames) EXPECT_EQ(frame.picture, frames[0].picture) << "shared, not copied";
}

TEST(FrameSampler, KeepsToItsRange) {
    const std::vector<Frame> frames = sampled("long_gop.mp4", {.period_us = 500'000, .from_us = 1'200'000, .to_us = 2'700'000});
    ASSERT_EQ(frames.size(), 3u);
    EXPECT_EQ(test::number_of(*frames[0].picture), 30);
    EXPECT_EQ(frames[2].time_us, 2'200'000);
    EXPECT_TRUE(sampled("long_gop.mp4", {.from_us = 60'000'000}).empty());
}

TEST(FrameSampler, SeeksToAFarStart) {
    SourceOptions options{.max_side = 64, .period_us = 1'000'000};
    FrameSampler sampler(open_source(test::clip(), options), {.from_us = 61'000'000});
    const std::optional<Frame> frame = sampler.next();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->pts_us, 61'000'000);
    EXPECT_LT(sampler.stats().decoded, 250);
    FrameSampler plain(open_source(test::clip(), {.max_side = 64}), {.period_us = 61'000'000});
    plain.next();
    EXPECT_EQ(plain.next()->picture->rgb, frame->picture->rgb);
}

TEST(FrameSampler, GivesAStillPictureOnce) { EXPECT_EQ(sampled("still.png", {}).size(), 1u); }

TEST(FrameSampler, RefusesEmptyGrids) {
    test::expect_in(message_of([] { FrameSampler(open_source(media("still.png")), {.period_us = 0}); }), "the period is 0 us");
    test::expect_in(message_of([] { FrameSampler(open_source(media("still.png")), {.from_us = 5, .to_us = 5}); }), "holds nothing");
}

}  // namespace
}  // namespace lv
