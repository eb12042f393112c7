// Norms, activations, rope and sampling: the kernels that work row by row.
#include <numeric>

#include "kernels/elementwise.h"
#include "kernels/norm.h"
#include "kernels/rope.h"
#include "kernels/sampling.h"
#include "tests/support.h"

namespace lv {
namespace {

using test::doubles;
using test::Padded;
using test::random_floats;

TEST(Norm, WholeRowsAndHeadsMatchTheReference) {
    Context context(2);
    for (size_t rows : {1u, 7u, 700u})
        for (size_t dim : {2u, 15u, 16u, 17u, 64u, 192u}) {
            auto x = random_floats(rows * dim, 1), weight = random_floats(dim, 2);
            float eps = 0.1f;
            Padded in(x, rows, dim), out(rows, dim);
            rms_norm(context, in.view, weight, eps, out.view);
            double tolerance = 8 * test::epsilon_f32 * std::sqrt(double(dim));
            test::expect_near(out.values(), reference::rms_norm(doubles(x), doubles(weight), eps, dim), tolerance);
            EXPECT_TRUE(out.gaps_untouched());
            rms_norm(context, in.view, weight, eps, in.view);
            EXPECT_EQ(in.values(), out.values()) << "in place";

            if (dim % 2) continue;
            rms_norm_heads(context, Padded(x, rows, dim).view, 2, eps, out.view);
            test::expect_near(out.values(), reference::rms_norm(doubles(x), {}, eps, dim / 2), tolerance);
        }
}

TEST(Elementwise, ActivationsSumsAndDecayMatchTheReference) {
    Context context(2);
    for (size_t rows : {1u, 5u, 600u})
        for (size_t cols : {1u, 3u, 16u, 65u}) {
            auto a = random_floats(rows * cols, 3, 4), b = random_floats(rows * cols, 4), bias = random_floats(cols, 5);
            Padded left(a, rows, cols), right(b, rows, cols), out(rows, cols);
            reference::Doubles silus, swiglus, sums, scaled, decays;
            for (size_t i = 0; i < a.size(); ++i) {
                silus.push_back(reference::silu(a[i]));
                swiglus.push_back(reference::silu(a[i]) * b[i]);
                sums.push_back(double(a[i]) + b[i]);
                scaled.push_back(double(a[i]) * -2.5);
                decays.push_back(reference::log_sigmoid(double(a[i]) + bias[i % cols]) / 16);
            }
            double tolerance = 8 * test::epsilon_f32;
            silu(context, left.view, out.view);
            test::expect_near(out.values(), silus, tolerance, "silu");
            swiglu(context, left.view, right.view, out.view);
            test::expect_near(out.values(), swiglus, tolerance, "swiglu");
            add(context, left.view, right.view, out.view);
            test::expect_near(out.values(), sums, tolerance, "add");
            scale(context, left.view, -2.5f, out.view);
            test::expect_near(out.values(), scaled, tolerance, "scale");
            log_decay(context, left.view, bias, 16, out.view);
            test::expect_near(out.values(), decays, 64 * test::epsilon_f32, "log_decay");
            EXPECT_TRUE(out.gaps_untouched());
            swiglu(context, left.view, right.view, right.view);
            test::expect_near(right.values(), swiglus, tolerance, "swiglu in place");
        }
}

TEST(Elementwise, DecayStaysFiniteAtTheEnds) {
    Context context(1);
    std::vector<float> x{-1e30f, -500, 0, 500, 1e30f}, y(5);
    log_decay(context, {x.data(), 1, 5}, {}, 16, {y.data(), 1, 5});
    EXPECT_FLOAT_EQ(y[0], -1e30f / 16);
    EXPECT_FLOAT_EQ(y[1], -500.0f / 16);
    EXPECT_FLOAT_EQ(y[2], -std::log(2.0f) / 16);
    EXPECT_EQ(y[3], 0);
    EXPECT_EQ(y[4], 0);
}

TEST(Rope, BothAngleFormulasMatchTheReferenceNearAndFar) {
    Context context(2);
    for (int64_t first : {int64_t{0}, int64_t{63}, int64_t{1000000}})
        for (size_t head_dim : {2u, 16u, 64u})
            for (bool retention : {false, true}) {
                size_t rows = 130, heads = 3;
                auto x = random_floats(rows * heads * head_dim, 6);
                auto frequencies =
                    retention ? retention_frequencies(head_dim, 10000) : rope_frequencies(head_dim, 10000);
                Padded table(rows, head_dim), in(x, rows, heads * head_dim), out(rows, heads * head_dim);
                rope_table(context, frequencies, first, table.view);
                rope(context, in.view, table.view, 0.125f, out.view);
                auto expected = reference::rope(doubles(x), rows, heads, head_dim, 10000, first, retention, 0.125);
                test::expect_near(out.values(), expected, 4 * test::epsilon_f32 * test::largest(x) * 0.125 * 2);
                rope(context, in.view, table.view, 0.125f, in.view);
                EXPECT_EQ(in.values(), out.values()) << "in place";
            }
}

TEST(Rope, ATableMadeInPartsIsTheTableMadeAtOnce) {
    const Context context(1);
    auto frequencies = rope_frequencies(64, 5e6);
    Padded whole(200, 64, 0), parts(200, 64, 0);
    rope_table(context, frequencies, 1000, whole.view);
    for (size_t row = 0; row < 200; ++row)
        rope_table(context, frequencies, 1000 + int64_t(row), parts.view.slice(row, 1));
    test::expect_near(parts.values(), doubles(whole.values()), test::epsilon_f32 * 2);
}

TEST(Sampling, SoftmaxMatchesTheReference) {
    for (size_t count : {1u, 2u, 15u, 16u, 17u, 4000u})
        for (float inverse_temperature : {0.5f, 1.0f, 3.0f}) {
            auto x = random_floats(count, 7, 3);
            auto expected = reference::softmax(doubles(x), inverse_temperature);
            softmax(x, inverse_temperature);
            test::expect_near(x, expected, 1e-5);
            EXPECT_NEAR(std::accumulate(x.begin(), x.end(), 0.0), 1, 1e-5);
        }
    std::vector<float> masked{-INFINITY, 2, -INFINITY, 2};
    softmax(masked);
    EXPECT_EQ(masked, (std::vector<float>{0, 0.5f, 0, 0.5f}));
}

TEST(Sampling, TheLargestComeFirstAndTheLowerIndexAmongEquals) {
    std::vector<float> x{1, 5, 3, 5, -2};
    EXPECT_EQ(argmax(x), 1u);
    std::vector<uint32_t> top(3);
    EXPECT_EQ(top_k(x, top), 3u);
    EXPECT_EQ(top, (std::vector<uint32_t>{1, 3, 2}));
    top.resize(10);
    EXPECT_EQ(top_k(x, top), 5u);
    EXPECT_EQ(std::vector<uint32_t>(top.begin(), top.begin() + 5), (std::vector<uint32_t>{1, 3, 2, 0, 4}));
    EXPECT_EQ(top_k(x, {}), 0u);

    auto many = random_floats(1000, 8);
    std::vector<uint32_t> order(many.size()), best(40);
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return many[a] > many[b]; });
    top_k(many, best);
    EXPECT_TRUE(std::equal(best.begin(), best.end(), order.begin()));
}

}  // namespace
}  // namespace lv
