#include "vision/prefetch.h"

#include <atomic>

#include "tests/vision/support.h"
#include "vision/ffmpeg_source.h"
#include "vision/frame_sampler.h"

namespace lv {
namespace {

TEST(Prefetch, HandsEverythingOverInOrder) {
    int made = 0;
    Prefetch<int> prefetch([&](std::stop_token) { return made < 100 ? std::optional<int>(made++) : std::nullopt; }, 3);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(prefetch.next(), i);
    EXPECT_FALSE(prefetch.next());
    EXPECT_FALSE(prefetch.next());
}

TEST(Prefetch, RunsNoFurtherAheadThanItsDepth) {
    std::atomic<int> made = 0;
    Prefetch<int> prefetch([&](std::stop_token) { return std::optional<int>(made++); }, 4);
    EXPECT_EQ(prefetch.next(), 0);
    while (prefetch.ready() < 4) std::this_thread::yield();
    EXPECT_LE(made, 1 + 4 + 1) << "taken, waiting, and one in the hand";
}

TEST(Prefetch, EndsWhenTheConsumerCloses) {
    Prefetch<int> prefetch([](std::stop_token) { return std::optional<int>(1); }, 2);
    EXPECT_EQ(prefetch.next(), 1);
    prefetch.close();
    EXPECT_FALSE(prefetch.next());
}

TEST(Prefetch, WakesAPullThatHeedsItsToken) {
    Prefetch<int> prefetch([](std::stop_token stop) -> std::optional<int> {
        while (!stop.stop_requested()) std::this_thread::yield();
        return std::nullopt;
    }, 2);
    prefetch.close();
}

TEST(Prefetch, CarriesAFailureBehindTheItemsBeforeIt) {
    int made = 0;
    Prefetch<int> prefetch([&](std::stop_token) -> std::optional<int> {
        if (made == 2) fail("reading x: it broke");
        return made++;
    }, 8);
    EXPECT_EQ(prefetch.next(), 0);
    EXPECT_EQ(prefetch.next(), 1);
    EXPECT_EQ(test::message_of([&] { prefetch.next(); }), "reading x: it broke");
}

TEST(Prefetch, StopsDecodingInTheMiddleOfAVideo) {
    FrameSampler sampler(open_source("test:size=64x48"), {.period_us = 40'000});
    Prefetch<Frame> prefetch([&](std::stop_token) { return sampler.next(); }, 4);
    EXPECT_EQ(prefetch.next()->time_us, 0);
    EXPECT_EQ(prefetch.next()->time_us, 40'000);
    prefetch.close();
}

}  // namespace
}  // namespace lv
