// The shipped net on the shipped clip: what a person sees in it at a glance.
#include "tests/vision/support.h"
#include "vision/encoder.h"
#include "vision/ffmpeg_source.h"
#include "vision/frame_sampler.h"

namespace lv {
namespace {

TEST(Clip, HoldsWhatItsReadmeSays) {
    const auto source = open_source(test::clip());
    EXPECT_EQ(source->info().width, 640);
    EXPECT_EQ(source->info().height, 480);
    EXPECT_EQ(source->info().codec, "h264");
    EXPECT_NEAR(static_cast<double>(source->info().duration_us), 79.5e6, 1e5);
}

TEST(Clip, IsReadFrameByFrameAtOnceAndInParts) {
    FrameSampler sampler(open_source(test::clip(), {.max_side = 320, .period_us = 1'000'000}), {});
    int frames = 0;
    while (const std::optional<Frame> frame = sampler.next()) {
        EXPECT_EQ(frame->time_us, frames * 1'000'000);
        EXPECT_EQ(frame->pts_us, frame->time_us) << "ten pictures a second";
        EXPECT_EQ(frame->picture->width, 320);
        ++frames;
    }
    EXPECT_EQ(frames, 80);
}

}  // namespace
}  // namespace lv
