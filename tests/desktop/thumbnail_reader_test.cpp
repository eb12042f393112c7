// Pictures of videos that nobody watches.
#include "app/desktop/thumbnail_reader.h"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/app/clips.h"

namespace lv {
namespace {

using namespace std::chrono_literals;

bool until_read(const ThumbnailReader& reader) {
    const auto end = std::chrono::steady_clock::now() + 30s;
    std::mutex mutex;
    std::condition_variable ticks;
    for (std::unique_lock lock(mutex); std::chrono::steady_clock::now() < end; ticks.wait_for(lock, 2ms))
        if (!reader.reading()) return true;
    return false;
}

TEST(AThumbnailReader, ReadsWhatItIsAskedForAndKeepsIt) {
    ThumbnailReader reader;
    const std::string clip = test::bundled_clip().string();
    EXPECT_FALSE(reader.at(clip, 40'300'000));
    EXPECT_FALSE(reader.at(clip, 10'000'000));
    ASSERT_TRUE(until_read(reader));
    const auto late = reader.at(clip, 40'900'000), early = reader.at(clip, 10'000'000);  // of the same seconds
    ASSERT_TRUE(late && early);
    EXPECT_EQ(late->width, ThumbnailReader::picture_px);
    EXPECT_EQ(late->height, 150);
    EXPECT_NE(late->rgb, early->rgb);
    EXPECT_EQ(reader.at(clip, 40'000'000), late);
    EXPECT_EQ(reader.version(), 2u);
}

TEST(AThumbnailReader, ReadsLengths) {
    ThumbnailReader reader;
    reader.measure("no/such/file.mp4");
    reader.measure(test::bundled_clip().string());
    ASSERT_TRUE(until_read(reader));
    const auto lengths = reader.take_lengths();
    ASSERT_EQ(lengths.size(), 2u);
    EXPECT_EQ(lengths[0].second, 0);
    EXPECT_NEAR(static_cast<double>(lengths[1].second), test::bundled_clip_s * 1e6, 2e5);
    EXPECT_TRUE(reader.take_lengths().empty());
}

TEST(AThumbnailReader, HasNoneOfWhatCannotBeRead) {
    ThumbnailReader reader;
    EXPECT_FALSE(reader.at("no/such/file.mp4", 0));
    ASSERT_TRUE(until_read(reader));
    EXPECT_FALSE(reader.at("no/such/file.mp4", 0));
    EXPECT_FALSE(reader.reading());  // and it is not tried again
    const std::string clip = test::bundled_clip().string();
    reader.at(clip, int64_t{1} << 50);  // behind the end
    ASSERT_TRUE(until_read(reader));
    EXPECT_FALSE(reader.at(clip, int64_t{1} << 50));
}

TEST(AThumbnailReader, StopsInTheMiddle) {
    ThumbnailReader reader;
    for (int64_t second = 0; second < 60; ++second) reader.at(test::bundled_clip().string(), second * 1'000'000);
}

}  // namespace
}  // namespace lv
