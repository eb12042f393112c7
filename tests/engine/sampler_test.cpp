#include <cmath>
#include <map>

#include "engine/generate.h"
#include "kernels/core/error.h"
#include "tests/engine/engine_support.h"

namespace lv::test {

namespace {

const Context context(1);

// Probabilities 0.5, 0.25, 0.15, 0.1 at temperature 1.
std::vector<float> logits() { return {std::log(0.15f), std::log(0.5f), std::log(0.1f), std::log(0.25f)}; }

std::map<int, double> shares(const GenerateOptions& options, int draws = 20000) {
    Sampler sampler(options);
    std::map<int, double> out;
    for (int i = 0; i < draws; ++i) {
        std::vector<float> row = logits();
        out[int(sampler.choose(context, row).index)] += 1.0 / draws;
    }
    return out;
}

}  // namespace

TEST(Sampler, greedy_takes_the_likeliest_and_the_first_of_equals) {
    Sampler sampler({});
    std::vector<float> row = logits(), equal = {1, 3, 3, 2};
    EXPECT_EQ(sampler.choose(context, row).index, 1u);
    EXPECT_EQ(sampler.choose(context, equal).index, 1u);
}

TEST(Sampler, temperature_draws_by_probability) {
    const auto share = shares({.temperature = 1, .seed = 1});
    EXPECT_NEAR(share.at(1), 0.5, 0.02);
    EXPECT_NEAR(share.at(3), 0.25, 0.02);
    EXPECT_NEAR(share.at(0), 0.15, 0.02);
    EXPECT_NEAR(share.at(2), 0.1, 0.02);
    const auto cold = shares({.temperature = 0.5f, .seed = 1});  // squares: 0.25 of 0.345
    EXPECT_NEAR(cold.at(1), 0.7246, 0.02);
}

TEST(Sampler, top_k_and_top_p_cut_the_tail) {
    const auto two = shares({.temperature = 1, .top_k = 2, .seed = 2});
    EXPECT_EQ(two.size(), 2u);
    EXPECT_NEAR(two.at(1), 2.0 / 3, 0.02);
    const auto most = shares({.temperature = 1, .top_p = 0.8f, .seed = 3});
    EXPECT_EQ(most.size(), 3u);
    EXPECT_FALSE(most.contains(2));
    EXPECT_EQ(shares({.temperature = 1, .top_p = 0.01f, .seed = 3}).size(), 1u);
    EXPECT_EQ(shares({.temperature = 1, .top_k = 3, .top_p = 0.6f, .seed = 3}).size(), 2u);
}

TEST(Sampler, the_same_seed_draws_the_same) {
    Sampler a({.temperature = 1, .seed = 5}), b({.temperature = 1, .seed = 5});
    for (int i = 0; i < 100; ++i) {
        const std::vector<float> row = logits();
        EXPECT_EQ(a.choose(context, row).index, b.choose(context, row).index);
    }
}

TEST(Sampler, options_outside_their_range_are_misuse) {
    EXPECT_THROW(check_generate_options({.temperature = -1}), UsageError);
    EXPECT_THROW(check_generate_options({.temperature = NAN}), UsageError);
    EXPECT_THROW(check_generate_options({.top_p = 0}), UsageError);
    EXPECT_THROW(check_generate_options({.top_p = 1.5f}), UsageError);
    EXPECT_NO_THROW(check_generate_options({}));
}

}  // namespace lv::test
