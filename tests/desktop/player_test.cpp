// The player's clock and decoding thread on real files.
#include "app/desktop/player.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "tests/app/clips.h"
#include "vision/ffmpeg_source.h"

namespace lv {
namespace {

using namespace std::chrono_literals;

// Waits for a state; false after half a minute.
template <typename Done>
bool until(const Player& player, const Done& done) {
    const auto end = std::chrono::steady_clock::now() + 30s;
    std::mutex mutex;
    std::condition_variable ticks;
    for (std::unique_lock lock(mutex); std::chrono::steady_clock::now() < end; ticks.wait_for(lock, 2ms))
        if (done(player.state())) return true;
    return false;
}

bool settled(const PlayerState& state) { return !state.seeking; }

std::string media(const char* name) { return std::string(LV_SOURCE_DIR) + "/tests/vision/media/" + name; }

TEST(APlayer, ShowsTheFirstPictureAndWaits) {
    Player player(test::bundled_clip().string());
    ASSERT_TRUE(until(player, settled));
    const PlayerState state = player.state();
    EXPECT_TRUE(state.picture);
    EXPECT_EQ(state.width, 640);
    EXPECT_EQ(state.position_us, 0);
    EXPECT_FALSE(state.playing);
    EXPECT_NEAR(static_cast<double>(state.duration_us), test::bundled_clip_s * 1e6, 2e5);
}

TEST(APlayer, SeeksForwardsAndBackwards) {
    Player player(test::bundled_clip().string());
    for (const int64_t time_us : {40'000'000, 10'000'000, 70'050'000, 0}) {
        player.seek(time_us);
        EXPECT_EQ(player.state().position_us, time_us);
        ASSERT_TRUE(until(player, settled));
        const PlayerState state = player.state();
        EXPECT_LE(state.picture_us, time_us);
        EXPECT_GT(state.picture_us, time_us - 100'001);  // ten pictures a second
    }
    player.seek(int64_t{1} << 60);
    ASSERT_TRUE(until(player, settled));
    EXPECT_GT(player.state().picture_us, 79'000'000);
    EXPECT_FALSE(player.state().ended);
}

TEST(APlayer, StepsByPictures) {
    Player player(test::bundled_clip().string());
    player.seek(5'000'000);
    ASSERT_TRUE(until(player, settled));
    const int64_t here_us = player.state().picture_us;
    player.step(1);
    ASSERT_TRUE(until(player, settled));
    EXPECT_EQ(player.state().picture_us, here_us + 100'000);
    player.step(2);
    ASSERT_TRUE(until(player, settled));
    EXPECT_EQ(player.state().picture_us, here_us + 300'000);
    player.step(-1);
    ASSERT_TRUE(until(player, settled));
    EXPECT_EQ(player.state().picture_us, here_us + 200'000);
    EXPECT_EQ(player.state().position_us, player.state().picture_us);
}

TEST(APlayer, StepsThroughUnevenTimes) {
    Player player(media("vfr.mp4"));
    ASSERT_TRUE(until(player, settled));
    int64_t last_us = player.state().picture_us;
    for (int i = 0; i < 5; ++i) {
        player.step(1);
        ASSERT_TRUE(until(player, settled));
        EXPECT_GT(player.state().picture_us, last_us);
        last_us = player.state().picture_us;
    }
}

TEST(APlayer, PlaysToTheEndAndBeginsAgain) {
    Player player(test::bundled_clip().string());
    player.seek(78'500'000);
    player.play(8);
    ASSERT_TRUE(until(player, [](const PlayerState& state) { return state.ended; }));
    EXPECT_FALSE(player.state().playing);
    const uint64_t number = player.state().picture_number;
    player.play();
    ASSERT_TRUE(until(player, [&](const PlayerState& state) { return state.picture_number > number; }));
    EXPECT_LT(player.state().position_us, 60'000'000);
}

TEST(APlayer, PlaysBackwardsToTheStart) {
    Player player(test::bundled_clip().string());
    player.seek(3'000'000);
    ASSERT_TRUE(until(player, settled));
    player.play(-8);
    ASSERT_TRUE(until(player, [](const PlayerState& state) { return !state.playing; }));
    EXPECT_EQ(player.state().position_us, 0);
}

TEST(APlayer, KeepsAspectAndRotation) {
    Player turned(media("turned.mp4")), wide(media("wide_pixels.mp4"));
    ASSERT_TRUE(until(turned, settled) && until(wide, settled));
    EXPECT_EQ(turned.state().picture->width > turned.state().picture->height,
              turned.state().width > turned.state().height);
    const PlayerState state = wide.state();
    EXPECT_NEAR(static_cast<double>(state.picture->width) / state.picture->height,
                static_cast<double>(state.width) / state.height, 0.02);
}

TEST(APlayer, ShowsEachPictureOnceAndTellsOfIt) {
    std::mutex mutex;
    std::condition_variable came;
    int told = 0;
    PlayerOptions options;
    options.changed = [&] {
        const std::lock_guard lock(mutex);
        ++told;
        came.notify_all();
    };
    Player player(test::bundled_clip().string(), options);
    ASSERT_TRUE(until(player, settled));
    player.play();
    std::vector<int64_t> times_us;
    const auto end = std::chrono::steady_clock::now() + 30s;
    for (std::unique_lock lock(mutex); times_us.size() < 8;) {
        ASSERT_TRUE(came.wait_until(lock, end, [&] { return told > 0; }));
        told = 0;
        const int64_t time_us = player.state().picture_us;
        if (times_us.empty() || time_us != times_us.back()) times_us.push_back(time_us);
    }
    EXPECT_TRUE(std::is_sorted(times_us.begin(), times_us.end()));
}

TEST(APlayer, GivesPicturesOfTheSizeThatTheyAreDrawn) {
    Player player(test::bundled_clip().string());
    ASSERT_TRUE(until(player, settled));
    const PlayerState before = player.state();
    EXPECT_EQ(before.picture->width, 640);
    EXPECT_EQ(before.picture->bgrx.size(), 640u * 480u * 4u);
    player.set_max_side(321);
    ASSERT_TRUE(until(player, [&](const PlayerState& state) { return state.picture_number > before.picture_number; }));
    const PlayerState after = player.state();
    EXPECT_EQ(after.picture->width, 320);  // even: the conversion is made for that
    EXPECT_EQ(after.picture_us, before.picture_us);
}

TEST(APlayer, DrawsWhatTheWatchingSeesButForTheRounding) {
    for (const char* name : {"turned.mp4", "wide_pixels.mp4", "ten_bit.mp4", "alpha.png"}) {
        const Picture exact = *open_source(media(name), {})->next()->picture;
        const Picture drawn = *open_source(media(name), {.to_draw = true})->next()->picture;
        ASSERT_LE(std::abs(exact.width - drawn.width) + std::abs(exact.height - drawn.height), 1) << name;
        EXPECT_TRUE(drawn.rgb.empty());
        double error = 0;
        const int width = std::min(exact.width, drawn.width), height = std::min(exact.height, drawn.height);
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x)
                for (int c = 0; c < 3; ++c)
                    error += std::abs(exact.rgb[static_cast<size_t>((y * exact.width + x) * 3 + c)] -
                                      drawn.bgrx[static_cast<size_t>((y * drawn.width + x) * 4 + 2 - c)]);
        EXPECT_LT(error / (width * height * 3), 8) << name;
    }
}

TEST(APlayer, SaysWhatIsWrong) {
    EXPECT_FALSE(Player::can_play("no/such/file.mp4"));
    EXPECT_FALSE(Player::can_play("-"));
    EXPECT_FALSE(Player::can_play("rtsp://camera"));
    EXPECT_TRUE(Player::can_play("https://example.org/a.mp4"));
    Player player(media("headless.mp4"));
    ASSERT_TRUE(until(player, [](const PlayerState& state) { return !state.error.empty(); }));
    player.play();
    player.seek(5);
    player.step(1);
}

}  // namespace
}  // namespace lv
