#include <set>

#include "tests/vision/support.h"
#include "vision/ffmpeg_source.h"

namespace lv {
namespace {

using test::media;

std::vector<Frame> all_of(const std::string& location, const SourceOptions& options = {}) {
    const auto source = open_source(location, options);
    std::vector<Frame> frames;
    while (std::optional<Frame> frame = source->next()) frames.push_back(*frame);
    return frames;
}

void expect_times(const std::vector<Frame>& frames, const std::vector<int64_t>& times_us) {
    ASSERT_EQ(frames.size(), times_us.size());
    for (size_t i = 0; i < frames.size(); ++i) EXPECT_NEAR(frames[i].pts_us, times_us[i], 1000) << "frame " << i;
}

std::vector<int64_t> steady(size_t count, int64_t step_us) {
    std::vector<int64_t> times;
    for (size_t i = 0; i < count; ++i) times.push_back(static_cast<int64_t>(i) * step_us);
    return times;
}

TEST(Source, GivesEveryPictureOnceInOrderWithItsTime) {
    for (const char* name : {"long_gop.mp4", "open_gop.mp4", "short_gop.mkv"}) {
        const std::vector<Frame> frames = all_of(media(name));
        expect_times(frames, steady(100, 40'000));
        for (size_t i = 0; i < frames.size(); ++i) EXPECT_EQ(test::number_of(*frames[i].picture), static_cast<int>(i)) << name;
    }
}

TEST(Source, SaysWhatTheFileHolds) {
    const auto source = open_source(media("long_gop.mp4"));
    EXPECT_EQ(source->info().codec, "h264");
    EXPECT_EQ(source->info().width, 96);
    EXPECT_EQ(source->info().height, 64);
    EXPECT_NEAR(source->info().fps, 25, 1e-6);
    EXPECT_EQ(source->info().duration_us, 4'000'000);
    EXPECT_FALSE(source->info().is_still);
    EXPECT_FALSE(source->info().is_live);
}

TEST(Source, KeepsVariableFrameTimes) {
    std::vector<int64_t> times{0, 40'000, 80'000};
    for (int64_t n = 3; n < 100; n += 3) times.push_back(n * 40'000);
    const std::vector<Frame> frames = all_of(media("vfr.mp4"));
    expect_times(frames, times);
    EXPECT_EQ(test::number_of(*frames[10].picture), 24);
}

TEST(Source, StartsAtZeroWhereverTheTimeStampsStart) {
    expect_times(all_of(media("late.ts")), steady(50, 40'000));
    expect_times(all_of(media("raw.h264")), steady(50, 40'000));
    // What the edit list hides from viewers, before zero, stays hidden.
    const std::vector<Frame> frames = all_of(media("negative.mp4"));
    expect_times(frames, steady(25, 40'000));
    EXPECT_EQ(test::number_of(*frames[0].picture), 25);
}

TEST(Source, CountsItsLengthFromItsFirstMoment) {
    for (const char* name : {"late_start.mkv", "late.ts"}) {
        const auto source = open_source(media(name));
        EXPECT_NEAR(source->info().duration_us, 2'000'000, 50'000) << name;
        while (source->next()) {}
        EXPECT_FALSE(source->stats().ended_early) << name;
    }
}

TEST(Source, WhoseSoundGoesOnIsWhole) {
    const auto source = open_source(media("longer_sound.mkv"));
    EXPECT_NEAR(source->info().duration_us, 4'000'000, 50'000);
    while (source->next()) {}
    EXPECT_FALSE(source->stats().ended_early);
    const std::string bytes = test::bytes_of(media("longer_sound.mkv"));
    const test::TemporaryFile cut("cut.mkv", bytes.substr(0, bytes.size() / 3));
    const auto half = open_source(cut.path());
    while (half->next()) {}
    EXPECT_TRUE(half->stats().ended_early);
}

TEST(Source, ShowsAllOfRecordingsThatWerePutOneBehindTheOther) {
    const std::string bytes = test::bytes_of(media("late.ts"));
    const test::TemporaryFile joined("joined.ts", bytes + bytes + bytes);
    expect_times(all_of(joined.path()), steady(150, 40'000));
    const auto source = open_source(joined.path(), {.period_us = 1'000'000});
    for (int second = 0; second < 6; ++second) {
        const std::optional<Frame> frame = source->show(second * 1'000'000);
        ASSERT_TRUE(frame) << second;
        EXPECT_EQ(test::number_of(*frame->picture), second % 2 * 25) << second;
    }
    EXPECT_FALSE(source->show(6'000'000));
}

TEST(Source, CountsNoDamageWhereverTheTimesLieBetweenKeyFrames) {
    for (int64_t first_us = 0; first_us < 1'000'000; first_us += 100'000) {
        const auto source = open_source(test::clip(), {.max_side = 64, .period_us = 1'000'000});
        for (int64_t time_us = first_us; source->show(time_us); time_us += 1'000'000) {}
        EXPECT_EQ(source->stats().damaged, 0) << "asked at " << first_us << " us and each second from there";
    }
}

TEST(Source, TurnsAPhonesPictureUpright) {
    const std::vector<Frame> frames = all_of(media("turned.mp4"));
    ASSERT_EQ(frames.size(), 5u);
    const Picture& picture = *frames[0].picture;
    EXPECT_EQ(picture.width, 64);
    EXPECT_EQ(picture.height, 96);
    EXPECT_GT(test::pixel(picture, 32, 5)[0], 200) << "what is stored at the left, red, is seen above";
    EXPECT_GT(test::pixel(picture, 32, 90)[2], 200) << "blue below";
}

TEST(Source, MakesPixelsSquare) {
    const std::vector<Frame> frames = all_of(media("wide_pixels.mp4"));
    EXPECT_EQ(frames[0].picture->width, 128);
    EXPECT_EQ(frames[0].picture->height, 96);
}

TEST(Source, ReadsOddSizesTenBitsAndOneField) {
    EXPECT_EQ(all_of(media("odd_size.mkv"))[0].picture->width, 67);
    EXPECT_EQ(all_of(media("odd_size.mkv"))[0].picture->height, 33);
    EXPECT_EQ(all_of(media("ten_bit.mp4")).size(), 5u);
    const std::vector<Frame> frames = all_of(media("interlaced.ts"), {.max_side = 64});
    EXPECT_EQ(frames.size(), 25u);
    EXPECT_EQ(frames[0].picture->width, 48);
    EXPECT_EQ(frames[0].picture->height, 64);
}

TEST(Source, ScalesTheLongSideWhileConverting) {
    const std::vector<Frame> frames = all_of(media("long_gop.mp4"), {.max_side = 48});
    EXPECT_EQ(frames[0].picture->width, 48);
    EXPECT_EQ(frames[0].picture->height, 32);
    EXPECT_EQ(frames[0].width, 96);
    EXPECT_EQ(frames[0].height, 64);
    EXPECT_EQ(all_of(media("long_gop.mp4"), {.max_side = 500})[0].picture->width, 96) << "never larger than it is";
}

TEST(Source, GivesAStillOnceAndLaysTransparencyOverWhite) {
    const auto source = open_source(media("still.png"));
    EXPECT_TRUE(source->info().is_still);
    EXPECT_TRUE(source->show(0));
    EXPECT_FALSE(source->show(1'000'000));
    const std::vector<Frame> frames = all_of(media("alpha.png"));
    ASSERT_EQ(frames.size(), 1u);
    const std::vector<int> colour = test::pixel(*frames[0].picture, 20, 15);
    EXPECT_NEAR(colour[0], 255, 3);
    EXPECT_NEAR(colour[1], 128, 4);
    EXPECT_NEAR(colour[2], 128, 4);
}

TEST(Source, ShowsWhatDecodingEverythingWouldShow) {
    for (const char* name : {"long_gop.mp4", "open_gop.mp4", "short_gop.mkv", "vfr.mp4", "late.ts", "raw.h264"}) {
        const std::vector<Frame> frames = all_of(media(name));
        for (int64_t period_us : {20'000, 90'000, 330'000, 500'000, 1'000'000, 1'700'000}) {
            for (int threads : {1, 3}) {
                const auto source = open_source(media(name), {.threads = threads, .period_us = period_us});
                for (int64_t time_us = 0;; time_us += period_us) {
                    const std::optional<Frame> shown = source->show(time_us);
                    const auto after = std::find_if(frames.begin(), frames.end(), [&](const Frame& frame) { return frame.pts_us > time_us; });
                    if (!shown) {
                        EXPECT_GE(time_us, frames.back().pts_us + 40'000) << name << " ends too early";
                        break;
                    }
                    EXPECT_EQ(shown->time_us, time_us);
                    EXPECT_EQ(shown->pts_us, (after - 1)->pts_us) << name << " at " << time_us << " every " << period_us;
                    EXPECT_TRUE(shown->picture->rgb == (after - 1)->picture->rgb) << name << " at " << time_us;
                    ASSERT_LT(time_us, 10'000'000) << name << " does not end";
                }
            }
        }
    }
}

TEST(Source, PassesByWhatNobodyWillSee) {
    const auto sparse = open_source(media("short_gop.mkv"), {.period_us = 2'000'000});
    while (sparse->stats().decoded < 1000 && sparse->show(sparse->stats().decoded ? 2'000'000 : 0))
        if (sparse->stats().passed_by > 30) break;
    EXPECT_GT(sparse->stats().passed_by, 30);
    const auto layered = open_source(media("long_gop.mp4"), {.period_us = 1'000'000});
    for (int64_t time_us = 0; layered->show(time_us); time_us += 1'000'000) {}
    EXPECT_LT(layered->stats().decoded, 75) << "pictures that nothing refers to are not decoded";
}

TEST(Source, ShowsKeyFramesOnlyWhenAskedTo) {
    const auto source = open_source(media("short_gop.mkv"), {.sampling = SamplingMode::key_frames, .period_us = 1'000'000});
    std::vector<int> numbers;
    for (int64_t time_us = 0; const std::optional<Frame> frame = source->show(time_us); time_us += 1'000'000)
        numbers.push_back(test::number_of(*frame->picture));
    EXPECT_EQ(numbers, (std::vector<int>{0, 20, 50, 70}));
    EXPECT_LE(source->stats().decoded, 8);
    // The last key frame stays on screen to the end.
    const auto single = open_source(media("long_gop.mp4"), {.sampling = SamplingMode::key_frames, .period_us = 1'000'000});
    int shown = 0;
    while (single->show(shown * 1'000'000)) ++shown;
    EXPECT_EQ(shown, 4);
}

TEST(Source, GeneratesTestPictures) {
    const auto source = open_source("test:duration=2,size=64x48,rate=10");
    EXPECT_EQ(source->info().width, 64);
    int frames = 0;
    while (source->next()) ++frames;
    EXPECT_EQ(frames, 20);
}

TEST(Source, ReadsWhatIsLeftOfATruncatedFile) {
    const auto source = open_source(media("truncated.mp4"), {.period_us = 1'000'000});
    int shown = 0;
    while (source->show(shown * 1'000'000)) ++shown;
    EXPECT_GE(shown, 2);
    EXPECT_LE(shown, 3);
    EXPECT_TRUE(source->stats().ended_early);
    const auto whole = open_source(media("long_gop.mp4"));
    while (whole->next()) {}
    EXPECT_FALSE(whole->stats().ended_early);
}

TEST(Source, JumpsOverDamageAndCountsIt) {
    const auto source = open_source(media("damaged.ts"));
    int frames = 0;
    std::set<int64_t> times;
    while (const std::optional<Frame> frame = source->next()) {
        ++frames;
        times.insert(frame->pts_us);
    }
    EXPECT_GT(frames, 70);
    EXPECT_LT(frames, 100);
    EXPECT_EQ(times.size(), static_cast<size_t>(frames)) << "times rise strictly";
    EXPECT_NEAR(*times.rbegin(), 3'960'000, 1000);
    EXPECT_GT(source->stats().damaged, 0);
}

TEST(Source, EndsWhenStopIsAskedFor) {
    std::stop_source stop;
    const auto source = open_source("test:size=64x48", {.stop = stop.get_token()});
    EXPECT_TRUE(source->next());
    stop.request_stop();
    EXPECT_FALSE(source->next());
    EXPECT_FALSE(source->show(10'000'000));
}

}  // namespace
}  // namespace lv
