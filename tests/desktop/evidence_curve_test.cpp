// Attention as heights by px.
#include "app/desktop/evidence_curve.h"

#include <gtest/gtest.h>

namespace lv {
namespace {

constexpr int64_t second_us = 1'000'000;

TEST(TheEvidenceCurve, IsStraightBetweenPoints) {
    const std::vector<AttentionPoint> points{{0, 0.0f}, {4 * second_us, 0.8f}, {8 * second_us, 0.0f}};
    const std::vector<float> heights = curve_over(points, 0, 10, 10);
    ASSERT_EQ(heights.size(), 10u);
    EXPECT_FLOAT_EQ(heights[0], 0);
    EXPECT_FLOAT_EQ(heights[2], 0.5f);
    EXPECT_FLOAT_EQ(heights[4], 1);  // the largest is the whole height
    EXPECT_FLOAT_EQ(heights[7], 0.25f);
    EXPECT_FLOAT_EQ(heights[9], 0);  // nothing was seen there
}

TEST(TheEvidenceCurve, KeepsEveryPeakHoweverNarrowTheStripIs) {
    std::vector<AttentionPoint> points;
    for (int64_t second = 0; second < 1000; ++second) points.push_back({second * second_us, 0.001f});
    points[777].share = 0.5f;
    const std::vector<float> heights = curve_over(points, 0, 1000, 10);
    EXPECT_FLOAT_EQ(heights[7], 1);
    EXPECT_FLOAT_EQ(heights[6], 0.002f);
}

TEST(TheEvidenceCurve, KeepsItsScaleWhenLookedAtClosely) {
    const std::vector<AttentionPoint> points{{0, 1.0f}, {100 * second_us, 0.0f}, {110 * second_us, 0.5f}};
    const std::vector<float> heights = curve_over(points, 105, 110.5, 11);
    EXPECT_NEAR(heights[10], 0.5f, 1e-6);
    EXPECT_NEAR(heights[0], 0.25f, 1e-6);
}

TEST(TheEvidenceCurve, IsFlatWithoutAttention) {
    EXPECT_EQ(curve_over({}, 0, 10, 3), std::vector<float>(3));
    EXPECT_EQ(curve_over(std::vector<AttentionPoint>{{0, 0.0f}}, 0, 10, 3), std::vector<float>(3));
    EXPECT_TRUE(curve_over(std::vector<AttentionPoint>{{0, 1.0f}}, 5, 5, 0).empty());
}

}  // namespace
}  // namespace lv
