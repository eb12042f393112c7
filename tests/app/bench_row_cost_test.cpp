#include "app/bench_row_cost.h"

#include <gtest/gtest.h>

namespace lv {
namespace {

TEST(RowCost, OnePointIsLevelEverywhere) {
    RowCost cost;
    cost.add(256, 2);
    EXPECT_DOUBLE_EQ(cost.at(1), 2);
    EXPECT_DOUBLE_EQ(cost.at(1e6), 2);
    EXPECT_DOUBLE_EQ(cost.sum(1000), 2000);
}

TEST(RowCost, ARowThatCostsItsLengthMakesASquare) {
    RowCost cost;
    for (double rows : {1.0, 1000.0, 4000.0}) cost.add(rows, 1 + rows);
    EXPECT_DOUBLE_EQ(cost.at(500), 501);
    EXPECT_DOUBLE_EQ(cost.at(8000), 8001);  // behind the last point: as the last two
    EXPECT_NEAR(cost.sum(8000), 8000 + 8000.0 * 8000 / 2, 2);
    EXPECT_NEAR(cost.sum(500), 500 + 500.0 * 500 / 2, 2);
    EXPECT_DOUBLE_EQ(cost.longest(), 4000);
}

TEST(RowCost, WhatSeemsToFallIsNotTakenBelowTheLastPoint) {
    RowCost cost;
    cost.add(100, 3), cost.add(200, 2);
    EXPECT_DOUBLE_EQ(cost.at(1000), 2);
    EXPECT_DOUBLE_EQ(cost.at(150), 2.5);
}

}  // namespace
}  // namespace lv
