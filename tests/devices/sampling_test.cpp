// The next token wherever logits are: the likeliest, and draws by chance.
#include "kernels/sampling.h"

#include <algorithm>
#include <numeric>
#include <random>

#include "tests/devices/on_device.h"

namespace lv::test {
namespace {

class Sampling : public Everywhere {};
INSTANTIATE_TEST_SUITE_P(On, Sampling, everywhere, where_name);

TEST_P(Sampling, TheLikeliestIsTheFirstOfTheLargestWithItsShare) {
    const Context context = make_context();
    for (size_t count : sizes<size_t>({1, 31, 255, 256, 257, 1025, 3000}, {100288}))
        for (size_t at : {size_t{0}, count / 2, count - 1}) {
            auto x = random_floats(count, 8, 3);
            const float top = *std::ranges::max_element(x) + 0.5f;
            x[at] = top;
            if (at + 1 < count) x.back() = top;
            if (at > 0) x[at - 1] = -INFINITY;
            double sum = 0;
            for (const float value : x) sum += std::exp(double(value) - top);
            Placed<float> placed(context, std::span<const float>(x));
            const Picked found = likeliest(context, placed.span());
            EXPECT_EQ(found.index, at) << count << " values";
            EXPECT_NEAR(found.probability, 1 / sum, 1e-5 / sum) << count << " values";
        }
}

// A damaged model's.
TEST_P(Sampling, ADrawFromWhatIsNoNumberIsOneOfThem) {
    const Context context = make_context();
    const std::vector<float> none(300, NAN);
    Placed<float> placed(context, std::span<const float>(none));
    for (const DrawOptions& options : {DrawOptions{}, DrawOptions{.top_k = 5}, DrawOptions{.top_p = 0.5f}})
        EXPECT_LT(draw(context, placed.span(), options, ~uint64_t{0}).index, none.size());
}

// Who may be drawn, and with what share of softmax(x / temperature): all in double, by sorting.
std::vector<double> allowed_shares(const std::vector<float>& x, const DrawOptions& options) {
    std::vector<double> shares = reference::softmax(doubles(x), 1.0 / double(options.temperature));
    std::vector<size_t> order(x.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return x[a] > x[b]; });
    double reached = 0;
    for (size_t rank = 0; rank < order.size(); ++rank) {
        double& share = shares[order[rank]];
        const bool is_out = (options.top_k > 0 && rank >= options.top_k) || (rank > 0 && reached >= options.top_p);
        reached += share;
        if (is_out) share = 0;
    }
    return shares;
}

// Whether `index` lies where `random` points to in these shares, to within `slack` of their sum.
bool points_to(const std::vector<double>& shares, uint64_t random, size_t index, double slack) {
    const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
    const double point = std::ldexp(double(random), -64) * sum;
    const double begin = std::accumulate(shares.begin(), shares.begin() + ptrdiff_t(index), 0.0);
    return shares[index] > 0 && begin - slack * sum <= point && point <= begin + shares[index] + slack * sum;
}

const std::vector<DrawOptions> ways{{},
                                    {.temperature = 0.3f},
                                    {.temperature = 5},
                                    {.top_k = 1},
                                    {.top_k = 7},
                                    {.top_p = 1e-6f},
                                    {.top_p = 0.6f},
                                    {.temperature = 2, .top_p = 0.999f},
                                    {.temperature = 1.5f, .top_k = 20, .top_p = 0.9f},
                                    {.temperature = 1.5f, .top_k = 3, .top_p = 0.9f}};

std::string written(const DrawOptions& options, size_t count) {
    return std::to_string(count) + " values, temperature " + std::to_string(options.temperature) + ", top k " +
           std::to_string(options.top_k) + ", top p " + std::to_string(options.top_p);
}

TEST_P(Sampling, ADrawIsTheOneThatItsNumberPointsTo) {
    const Context context = make_context();
    std::mt19937_64 random(1);
    for (const size_t count : sizes<size_t>({1, 2, 16, 17, 33, 512, 513, 4099}, {15, 31, 32, 100288})) {
        const auto x = random_floats(count, 8, 3);
        Placed<float> placed(context, std::span<const float>(x));
        for (const DrawOptions& options : ways) {
            const std::vector<double> shares = allowed_shares(x, options);
            const reference::Doubles all = reference::softmax(doubles(x), 1);
            for (int i = 0; i < 4; ++i) {
                const uint64_t number = i == 0 ? 0 : i == 1 ? ~uint64_t{0} : random();
                const Picked found = draw(context, placed.span(), options, number);
                ASSERT_LT(found.index, count);
                EXPECT_TRUE(points_to(shares, number, found.index, 1e-5)) << written(options, count);
                EXPECT_NEAR(found.probability, all[found.index], 1e-5 * all[found.index] + 1e-37);
            }
        }
    }
}

TEST_P(Sampling, ManySeedsDrawWhatTheyDrawOnTheHost) {
    if (on_host()) GTEST_SKIP() << "it is the host";
    const Context context = make_context(), host(1);
    for (const size_t count : {size_t{40}, size_t{2500}}) {
        auto x = random_floats(count, 9, 3);
        for (size_t i = 0; i < count; i += 3) x[i] = std::round(x[i]);  // equals
        Placed<float> placed(context, std::span<const float>(x));
        for (const DrawOptions& options : ways)
            for (uint64_t seed = 0; seed < (count < 100 ? 60 : 12); ++seed) {
                const uint64_t number = std::mt19937_64(seed)();
                const Picked expected = draw(host, x, options, number);
                const Picked found = draw(context, placed.span(), options, number);
                ASSERT_EQ(found.index, expected.index) << written(options, count) << ", seed " << seed;
                EXPECT_NEAR(found.probability, expected.probability, 1e-5f * expected.probability);
            }
    }
}

TEST_P(Sampling, OfEqualsTheFirstAreAllowedAndWhatIsImpossibleNeverComes) {
    const Context context = make_context();
    std::vector<float> x(600, 1.0f);
    x[0] = x[5] = x[599] = -INFINITY;
    x[7] = -0.0f;
    x[400] = x[500] = x[501] = 2;
    Placed<float> placed(context, std::span<const float>(x));
    const auto drawn = [&](const DrawOptions& options, double share) {
        return draw(context, placed.span(), options, uint64_t(std::ldexp(share, 64))).index;
    };
    EXPECT_EQ(drawn({.top_k = 2}, 0), 400u);
    EXPECT_EQ(drawn({.top_k = 2}, 0.499), 400u);
    EXPECT_EQ(drawn({.top_k = 2}, 0.501), 500u);
    EXPECT_EQ(drawn({.top_k = 2}, 0.999), 500u);
    // Of 3 e + 593 + 1 / e, as much as two thirds of the largest: two of the three.
    const double sum = 3 * std::exp(1.0) + 593 + std::exp(-1.0);
    EXPECT_EQ(drawn({.top_p = float(2 * std::exp(1.0) / sum) - 1e-6f}, 0.999), 500u);
    EXPECT_EQ(drawn({.top_p = float(2 * std::exp(1.0) / sum) + 1e-5f}, 0.999), 501u);
    // The three largest and the first two ones: 1 and 2, since 0 is impossible.
    EXPECT_EQ(drawn({.top_k = 5}, 0), 1u);
    EXPECT_EQ(drawn({.top_k = 5}, 0.15), 2u);
    EXPECT_EQ(drawn({.top_k = 5}, 0.25), 400u);
    EXPECT_EQ(drawn({}, 0), 1u);
    EXPECT_EQ(draw(context, placed.span(), {}, ~uint64_t{0}).index, 598u);
    EXPECT_EQ(draw(context, placed.span(), {.top_k = 600}, ~uint64_t{0}).index, 598u);
    for (const DrawOptions& cold :
         {DrawOptions{.temperature = 1e-40f}, DrawOptions{.temperature = 1e-40f, .top_p = 0.9f}}) {
        const uint32_t index = drawn(cold, 0.4);
        EXPECT_TRUE(index == 400 || index == 500) << "near 0 the largest are left: found " << index;
    }
}

// Pearson's statistic of so many draws against the shares they should have, over those that should come at all.
double misfit(const Context& context, std::span<const float> x, const DrawOptions& drawn,
              const std::vector<double>& shares, int draws) {
    std::mt19937_64 random(11);
    std::vector<int> counts(x.size());
    for (int i = 0; i < draws; ++i) ++counts[draw(context, x, drawn, random()).index];
    const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
    double out = 0;
    for (size_t i = 0; i < counts.size(); ++i) {
        const double expected = draws * shares[i] / sum;
        if (expected > 0)
            out += (counts[i] - expected) * (counts[i] - expected) / expected;
        else if (counts[i] > 0)
            return INFINITY;
    }
    return out;
}

TEST_P(Sampling, DrawsComeAsOftenAsTheirSharesSay) {
    if (GetParam() == Where::exact_gpu) GTEST_SKIP() << "it draws as the other";
    const Context context = make_context();
    const int draws = on_host() ? 40000 : 400;
    std::vector<float> x(12);
    for (size_t i = 0; i < x.size(); ++i) x[i] = 0.2f * float(i * 5 % 12);  // shuffled
    Placed<float> placed(context, std::span<const float>(x));
    // 99.99 of a hundred right ones are below this: chi-square with 11 degrees of freedom.
    const double bound = 37.37;
    for (const DrawOptions& options :
         {DrawOptions{}, DrawOptions{.temperature = 2}, DrawOptions{.top_k = 8}, DrawOptions{.top_p = 0.8f}})
        EXPECT_LT(misfit(context, placed.span(), options, allowed_shares(x, options), draws), bound)
            << written(options, x.size());
    // And it tells wrong ones.
    EXPECT_GT(misfit(context, placed.span(), {.temperature = 2}, allowed_shares(x, {}), draws), bound);
    EXPECT_GT(misfit(context, placed.span(), {.top_k = 6}, allowed_shares(x, {}), draws), bound);
    EXPECT_GT(misfit(context, placed.span(), {}, allowed_shares(x, {.top_p = 0.8f}), draws), bound);
}

}  // namespace
}  // namespace lv::test
