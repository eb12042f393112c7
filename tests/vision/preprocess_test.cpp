#include "vision/preprocess.h"

#include "tests/vision/support.h"
#include "vision/ffmpeg_source.h"

namespace lv {
namespace {

TEST(Preprocess, ScalesTheLongSideAndRoundsHalfToEven) {
    const auto size = [](int width, int height) {
        const Picture scaled = scaled_picture(*test::painted(width, height, 50), 320);
        return std::make_pair(scaled.width, scaled.height);
    };
    EXPECT_EQ(size(640, 360), std::make_pair(320, 180));
    EXPECT_EQ(size(360, 640), std::make_pair(180, 320));
    EXPECT_EQ(size(1280, 2), std::make_pair(320, 1)) << "0.5 rounds to 0, but no side is below 1";
    EXPECT_EQ(size(1280, 6), std::make_pair(320, 2)) << "1.5 rounds to 2";
    EXPECT_EQ(size(1280, 10), std::make_pair(320, 2)) << "2.5 rounds to 2";
    EXPECT_EQ(size(32, 16), std::make_pair(320, 160)) << "small pictures grow";
}

TEST(Preprocess, AnAreaIsAveraged) {
    Picture picture{640, 320, std::vector<uint8_t>(640 * 320 * 3)};
    for (size_t i = 0; i < picture.rgb.size(); ++i) picture.rgb[i] = static_cast<uint8_t>((i / 3) % 2 ? 200 : 100);
    for (uint8_t byte : scaled_picture(picture, 320).rgb) ASSERT_EQ(byte, 150);
}

TEST(Preprocess, ThePictureLiesTopLeftOnGrey) {
    InputConfig input;
    const Picture picture = scaled_picture(*test::painted(640, 360, 255), 320);
    const CanvasShape canvas = canvas_of(picture, input);
    EXPECT_EQ(canvas.canvas_width, 320u);
    EXPECT_EQ(canvas.canvas_height, 192u);
    EXPECT_EQ(canvas.height, 180u);
    std::vector<float> values(canvas.canvas_size());
    write_canvases(Context(1), canvas, 1, picture.rgb.data(), values.data());
    const auto value = [&](size_t x, size_t y) { return values[(y * 320 + x) * 3]; };
    EXPECT_FLOAT_EQ(value(0, 0), 1);
    EXPECT_FLOAT_EQ(value(319, 179), 1);
    EXPECT_FLOAT_EQ(value(0, 180), (114 - 127) / 128.0f);
    EXPECT_FLOAT_EQ(value(319, 191), (114 - 127) / 128.0f);
}

TEST(Preprocess, ScalingInTheSourceIsCloseToScalingAfterwards) {
    const auto full = open_source(test::clip())->next();
    const auto small = open_source(test::clip(), {.max_side = 320})->next();
    const Picture scaled = scaled_picture(*full->picture, 320);
    EXPECT_LT(mean_difference(scaled, *small->picture), 2.0);
}

TEST(Preprocess, DifferencesOfPictures) {
    const auto grey = test::painted(64, 64, 100), other = test::painted(64, 64, 103);
    EXPECT_DOUBLE_EQ(mean_difference(*grey, *grey), 0);
    EXPECT_DOUBLE_EQ(mean_difference(*grey, *other), 3);
    EXPECT_DOUBLE_EQ(mean_difference(*grey, *test::painted(32, 64, 100)), 255);
    EXPECT_DOUBLE_EQ(colour_distance(*grey, *other), 0);
    EXPECT_NEAR(colour_distance(*grey, *test::painted(64, 64, 200)), 1, 1e-6);
    EXPECT_NEAR(colour_distance(*grey, *test::painted(64, 64, 100, 200, 0, 0, 32, 64)), 0.5, 1e-6);
    EXPECT_NEAR(colour_distance(*grey, *test::painted(16, 8, 100)), 0, 1e-6) << "sizes may differ";
}

}  // namespace
}  // namespace lv
