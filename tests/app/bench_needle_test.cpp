// The needle test itself, run small: what it counts, and what it prints.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <algorithm>

#include "app/bench_stream.h"
#include "engine/measure.h"
#include "kernels/core/error.h"
#include "tests/app/run_program.h"

namespace lv {
namespace {

TEST(HaystackStream, AForkReadsOnAsTheOriginalWould) {
    Config config = transformer_of(config_100m());
    config.dim = 64, config.hidden_dim = 64, config.vocab_size = 64;
    config.layers.assign(1, LayerKind::full);
    config.n_attn_heads = 1, config.n_attn_kv_heads = 1;
    config.rows.feature_dim = row::feature_dim;
    const auto model = Model::random(config, 1);
    const Context context(1);
    Workspace work(context, config);
    const std::vector<int> aside = drawn_kinds(1, 3);
    HaystackStream whole(model, haystack_options(1000, 1), aside, {});
    whole.grow(work, 400);
    HaystackStream fork = whole.fork();
    const int64_t forked_at = whole.log().frames();
    fork.hide(aside[0], 4);
    whole.grow(work, 1000);
    fork.grow(work, 1000);
    EXPECT_GE(fork.memory().cache_rows(), 1000u);
    EXPECT_LT(fork.memory().cache_rows(), 1017u);
    EXPECT_EQ(whole.log().first(aside[0]), -1);
    EXPECT_EQ(fork.log().first(aside[0]), forked_at);
    for (size_t row = 0; row < 400; ++row) EXPECT_EQ(fork.memory().row_time_us(row), whole.memory().row_time_us(row));
}

TEST(HaystackStream, KindsSetAsideAreAllDifferent) {
    for (uint64_t seed = 1; seed < 50; ++seed) {
        std::vector<int> kinds = drawn_kinds(seed, 32);
        std::sort(kinds.begin(), kinds.end());
        EXPECT_EQ(std::unique(kinds.begin(), kinds.end()), kinds.end());
        EXPECT_TRUE(kinds.front() >= 0 && kinds.back() < 80);
    }
}

TEST(HaystackStream, WhatIsTooLongToBeWrittenIsRefused) {
    EXPECT_NO_THROW(haystack_options(1 << 20, 1));
    EXPECT_THROW(haystack_options(1 << 21, 1), UsageError);
    EXPECT_EQ(length_text(1 << 20), "1M");
    EXPECT_EQ(length_text(4096), "4K");
    EXPECT_EQ(length_text(1000), "1000");
}

TEST(BenchNeedle, ATableOfDepthByLengthAndOneOfManyNeedles) {
    const test::Outcome run = test::run_longview({"bench", "needle", "--lengths", "512,1K", "--depths", "3", "--trials",
                                                  "1", "--needles", "1,2", "--json", "--quiet"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    const auto benches = nlohmann::json::parse(run.out)["benches"];
    ASSERT_EQ(benches.size(), 4u);
    EXPECT_EQ(benches[0]["name"], "needle");
    EXPECT_EQ(benches[0]["picture"], "heat");
    ASSERT_EQ(benches[0]["rows"].size(), 3u);
    EXPECT_EQ(benches[0]["columns"][2]["name"], "1K");
    for (const auto& row : benches[0]["rows"])
        for (const auto& cell : row) EXPECT_TRUE(cell >= 0 && cell <= 1) << cell;
    EXPECT_EQ(benches[1]["rows"].size(), 10u);  // five sorts of question, two lengths
    EXPECT_EQ(benches[2]["rows"].size(), 2u);
    EXPECT_EQ(benches[2]["rows"][0][1], 2);
    EXPECT_EQ(benches[3]["name"], "needle_misses");
}

TEST(BenchNeedle, EveryWrongAnswerIsShown) {
    const test::Outcome run = test::run_longview({"bench", "needle", "--lengths", "8K", "--depths", "2", "--trials",
                                                  "1", "--needles", "1", "--attend", "top:1", "--json", "--quiet"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    const auto benches = nlohmann::json::parse(run.out)["benches"];
    double wrong = 0;
    for (const auto& sort : benches[1]["rows"]) wrong += double(sort[2]) * (1 - double(sort[3]));
    const auto& misses = benches.back()["rows"];
    EXPECT_NEAR(double(misses.size()), wrong, 1e-6);
    for (const auto& miss : misses) EXPECT_NE(miss[3], miss[4]);
}

TEST(BenchNeedle, SeveralWaysToAttendAnswerTheSameHaystacks) {
    const test::Outcome run =
        test::run_longview({"bench", "needle", "--lengths", "1K", "--depths", "2", "--trials", "1", "--needles", "1",
                            "--attend", "exact,top:1,exact", "--json", "--quiet"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    const auto benches = nlohmann::json::parse(run.out)["benches"];
    ASSERT_EQ(benches.size(), 4u);
    EXPECT_EQ(benches[2]["name"], "needle_attend");
    const auto rows = benches[2]["rows"];
    ASSERT_EQ(rows.size(), 3u);
    EXPECT_EQ(rows[1][1], "top:1");
    for (const auto& row : rows) EXPECT_EQ(row[2], 10) << "two depths, five questions";
    double right = 0;
    for (const auto& depth : benches[0]["rows"]) right += double(depth[1]) / 2;
    EXPECT_NEAR(rows[0][3], right, 1e-9);
    EXPECT_EQ(rows[2][3], rows[0][3]);
    EXPECT_EQ(rows[0][4], 0);
    EXPECT_EQ(rows[2][4], 0);
}

TEST(BenchAnswers, EveryWayIsHeldAgainstTheFirst) {
    const test::Outcome run = test::run_longview({"bench", "answers", "--lengths", "512", "--json", "--quiet"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    const auto rows = nlohmann::json::parse(run.out)["benches"][0]["rows"];
    ASSERT_EQ(rows.size(), 4u);
    EXPECT_EQ(rows[0][1], "f16, exact");
    EXPECT_EQ(rows[3][1], "int8, top:64");
    for (const auto& row : rows) EXPECT_EQ(row[2], 64);
    EXPECT_EQ(rows[0][3], 0);
    EXPECT_EQ(rows[2][3], 0) << "of two pages, 64 are all";
}

}  // namespace
}  // namespace lv
