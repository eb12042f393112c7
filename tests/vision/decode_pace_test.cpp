// Decoding less when decoding is too slow: the rule on a clock made by hand, the queue before it, the real decoder.
#include "vision/decode_pace.h"

#include <map>
#include <random>
#include <thread>

#include "tests/vision/support.h"
#include "vision/ffmpeg_source.h"
#include "vision/live_queue.h"

namespace lv {
namespace {

constexpr int64_t second_us = 1'000'000;

// A stream of 25 pictures a second and a decoder that takes its time, on a clock of their own.
struct Machine {
    int64_t gop = 24;             // pictures from key frame to key frame
    int64_t referenced_each = 3;  // every so manieth picture is one that others refer to
    std::function<int64_t(int64_t now_us)> cost_us{};

    DecodePace pace{};
    int64_t now_us = 0, packet = 0, decoded = 0, worst_us = 0;
    bool whole = true;
    std::vector<DecodeDepth> steps{};  // the depths one after another

    static int64_t arrival_us(int64_t packet) { return packet * 40'000; }
    bool is_key() const { return packet % gop == 0; }

    void run_until(int64_t end_us) {
        for (; now_us < end_us; ++packet) {
            now_us = std::max(now_us, arrival_us(packet));
            const DecodeDepth depth = pace.depth();
            while (depth == DecodeDepth::key_frames && is_key() && arrival_us(packet + gop) <= now_us) packet += gop;
            const bool sparse = depth == DecodeDepth::key_frames && !is_key();
            if (sparse) whole = false;
            if (is_key()) whole = true;
            if (!whole || (depth == DecodeDepth::referenced && packet % referenced_each != 0)) continue;
            const int64_t waited_us = now_us - arrival_us(packet);
            worst_us = std::max(worst_us, waited_us);
            now_us += cost_us(now_us);
            ++decoded;
            pace.next(now_us, waited_us);
            if (steps.empty() || steps.back() != pace.depth()) steps.push_back(pace.depth());
        }
    }
};

using Steps = std::vector<DecodeDepth>;

TEST(DecodePaces, AMachineThatIsFastEnoughDecodesEverything) {
    Machine machine{.cost_us = [](int64_t) { return 39'000; }};
    machine.run_until(600 * second_us);
    EXPECT_EQ(machine.steps, Steps{DecodeDepth::all});
    EXPECT_EQ(machine.worst_us, 0);
}

TEST(DecodePaces, WhatNoOtherPictureNeedsIsLeftOutFirst) {
    Machine machine{.cost_us = [](int64_t) { return 70'000; }};  // a third of the pictures fit
    machine.run_until(60 * second_us);
    EXPECT_EQ(std::count(machine.steps.begin(), machine.steps.end(), DecodeDepth::key_frames), 0);
    EXPECT_EQ(machine.pace.depth(), DecodeDepth::referenced);
    EXPECT_LT(machine.worst_us, 500'000);
    EXPECT_GE(machine.decoded, 60 * 25 / 3);
}

TEST(DecodePaces, ThenAllButKeyFramesAndEverythingAgainOnceThereIsRoom) {
    Machine machine{.referenced_each = 1,
                    .cost_us = [](int64_t now_us) { return now_us < 120 * second_us ? 100'000 : 10'000; }};
    machine.run_until(120 * second_us);
    EXPECT_EQ(machine.steps[1], DecodeDepth::referenced);
    EXPECT_EQ(machine.steps[2], DecodeDepth::key_frames);
    EXPECT_GT(machine.decoded, 120 / 2) << "about one a second";
    EXPECT_LT(machine.worst_us, 2 * second_us);
    machine.worst_us = 0;
    machine.run_until(320 * second_us);
    EXPECT_EQ(machine.pace.depth(), DecodeDepth::all);
    machine.steps.clear();
    machine.run_until(400 * second_us);
    EXPECT_EQ(machine.steps, Steps{DecodeDepth::all});
}

TEST(DecodePaces, AMachineThatCanNearlyDoItDoesNotFlicker) {
    Machine machine{.referenced_each = 1, .cost_us = [](int64_t) { return 42'000; }};
    machine.run_until(3600 * second_us);
    // Down two steps and up two, at most once in the longest hold, but for the first few trials.
    EXPECT_LT(machine.steps.size(), size_t{4 * (3600 / 64 + 6)});
    EXPECT_LT(machine.worst_us, second_us);
}

TEST(DecodePaces, AHiccupIsForgottenSoon) {
    Machine machine{.cost_us = [](int64_t now_us) { return now_us / 40'000 == 250 ? 600'000 : 10'000; }};
    machine.run_until(20 * second_us);
    EXPECT_EQ(machine.steps, (Steps{DecodeDepth::all, DecodeDepth::referenced, DecodeDepth::all}));
    EXPECT_GT(machine.decoded, 20 * 25 - 60);
}

using Queue = LiveQueue<int>;

TEST(LiveQueues, GiveWhatFitsInItsOrderAndThenTheFailure) {
    Queue queue(100);
    for (int i = 0; i < 5; ++i) queue.push(i, 10, i == 0);
    queue.close(std::make_exception_ptr(Error("it broke")));
    for (int i = 0; i < 5; ++i) EXPECT_EQ(queue.pop({})->value, i);
    EXPECT_EQ(test::message_of([&] { queue.pop({}); }), "it broke");
}

TEST(LiveQueues, ForgetWhatLiesBeforeAKeyAndSaySo) {
    Queue queue(100);
    for (int i = 0; i < 9; ++i) queue.push(i, 10, i % 4 == 0);
    queue.pop({});
    queue.skip_to_newest_key();
    std::optional<Queue::Item> item = queue.pop({});
    EXPECT_EQ(item->value, 8);
    EXPECT_TRUE(item->after_dropped);
    EXPECT_EQ(queue.dropped(), 7);
    queue.push(9, 10, false);
    queue.skip_to_newest_key();  // none waits: what waits goes on from what was popped
    EXPECT_FALSE(queue.pop({})->after_dropped);
}

TEST(LiveQueues, HoldNoMoreThanTheyMay) {
    Queue queue(50);
    for (int i = 0; i < 7; ++i) queue.push(i, 10, i == 3);  // 3 is the newest key when 5 does not fit
    EXPECT_EQ(queue.pop({})->value, 3);
    for (int i = 7; i < 12; ++i) queue.push(i, 10, false);  // no key waits: all that lean on it are forgotten
    queue.push(12, 10, true);
    const std::optional<Queue::Item> item = queue.pop({});
    EXPECT_EQ(item->value, 12);
    EXPECT_TRUE(item->after_dropped);
    EXPECT_EQ(queue.dropped(), 11);
}

TEST(LiveQueues, CarryAcrossThreadsAndEndWithAStop) {
    Queue queue(1000);
    std::thread pusher([&] {
        for (int i = 0; i < 20'000; ++i) queue.push(i, 10, i % 7 == 0);
        queue.close();
    });
    int last = -1;
    while (const std::optional<Queue::Item> item = queue.pop({})) {
        EXPECT_TRUE(item->value == last + 1 || (item->after_dropped && item->key)) << item->value;
        last = item->value;
    }
    pusher.join();
    Queue empty(10);
    std::stop_source stop;
    stop.request_stop();
    EXPECT_FALSE(empty.pop(stop.get_token()));
}

// Pictures by when they are on screen.
std::map<int64_t, std::vector<uint8_t>> pictures_of(FrameSource& source, const std::function<DecodeDepth()>& depth) {
    std::map<int64_t, std::vector<uint8_t>> pictures;
    const auto wanted = [&](int64_t, int64_t) {
        source.set_depth(depth());
        return true;
    };
    while (const std::optional<Frame> frame = source.next_wanted(wanted)) pictures[frame->pts_us] = frame->picture->rgb;
    return pictures;
}

class DecodeDepths : public testing::TestWithParam<const char*> {};

TEST_P(DecodeDepths, NeverShowABrokenPicture) {
    const auto whole = pictures_of(*open_source(test::media(GetParam())), [] { return DecodeDepth::all; });
    for (unsigned seed = 0; seed < 12; ++seed) {
        std::minstd_rand random(seed);
        const auto source = open_source(test::media(GetParam()), {.threads = 1 + static_cast<int>(seed % 3)});
        int64_t left = 0;
        DecodeDepth depth = DecodeDepth::all;
        const auto some = pictures_of(*source, [&] {
            if (left-- <= 0) left = random() % 6, depth = static_cast<DecodeDepth>(random() % 3);
            return depth;
        });
        EXPECT_FALSE(some.empty());
        for (const auto& [pts_us, rgb] : some) {
            const auto same = whole.find(pts_us);
            ASSERT_NE(same, whole.end()) << pts_us << " us, seed " << seed;
            EXPECT_EQ(rgb, same->second) << pts_us << " us, seed " << seed;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Media, DecodeDepths,
                         testing::Values("open_gop.mp4", "long_gop.mp4", "short_gop.mkv", "interlaced.ts",
                                         "ten_bit.mp4", "late.ts", "vfr.mp4"),
                         [](const auto& info) {
                             return std::string(info.param).substr(0, std::string(info.param).find('.'));
                         });

TEST(DecodeDepthsCount, WhatTheyLeftOut) {
    const auto keys = open_source(test::media("short_gop.mkv"));  // 100 pictures, 10 key frames
    keys->set_depth(DecodeDepth::key_frames);
    EXPECT_EQ(pictures_of(*keys, [] { return DecodeDepth::key_frames; }).size(), 10u);
    EXPECT_EQ(keys->stats().skipped, 90);
    const auto referenced = open_source(test::media("short_gop.mkv"));
    referenced->set_depth(DecodeDepth::referenced);
    const size_t seen = pictures_of(*referenced, [] { return DecodeDepth::referenced; }).size();
    EXPECT_LT(seen, 80u);
    EXPECT_EQ(static_cast<int64_t>(seen) + referenced->stats().skipped, 100);
    EXPECT_EQ(referenced->stats().passed_by, 0);
}

TEST(LiveSources, ReadApartGiveTheSamePictures) {
    const auto all = [] { return DecodeDepth::all; };
    std::vector<std::vector<uint8_t>> whole, live;
    for (auto& [pts_us, rgb] : pictures_of(*open_source(test::media("short_gop.mkv")), all)) whole.push_back(rgb);
    const auto source = open_source(test::media("short_gop.mkv"), {.live = true});
    EXPECT_TRUE(source->info().is_live);
    for (auto& [pts_us, rgb] : pictures_of(*source, all)) live.push_back(rgb);
    // What a live source reads to learn what it is has gone by; the next key frame is the eleventh picture.
    whole.erase(whole.begin(), whole.begin() + 10);
    EXPECT_TRUE(live == whole) << live.size() << " pictures";
    EXPECT_EQ(source->stats().skipped, 0);
}

}  // namespace
}  // namespace lv
