// Every vector level this processor has, against the reference: what the doors choose from must agree.
#include "kernels/simd/simd.h"

#include "tests/support.h"

namespace lv {
namespace {

using test::doubles;
using test::random_floats;

class EveryLevel : public testing::TestWithParam<size_t> {
   protected:
    const SimdTable& table() {
        SimdLevels levels = simd_levels();
        return *levels.table[std::min(GetParam(), levels.count - 1)];
    }
    void SetUp() override {
        if (GetParam() >= simd_levels().count)
            GTEST_SKIP() << "this processor has only " << simd_levels().count << " levels";
    }
};

TEST_P(EveryLevel, MultipliesTilesOfAnyRowsColumnsAndDepth) {
    for (size_t m = 1; m <= table().tile_rows; ++m)
        for (size_t n : {1u, 7u, 8u, 15u, 16u, 17u, 31u, 32u})
            for (size_t k : {1u, 2u, 3u, 4u, 5u, 33u}) {
                auto a = random_floats(m * k, 1), b = random_floats(k * panel_cols, 2), c = random_floats(m * 40, 3);
                auto scales = random_floats(panel_cols, 4), bias = random_floats(panel_cols, 5);
                std::vector<float> packed(m * k);
                table().pack_a(a.data(), k, 1, m, k, packed.data());
                reference::Doubles expected = doubles(c);
                for (size_t row = 0; row < m; ++row)
                    for (size_t col = 0; col < n; ++col) {
                        double sum = 0;
                        for (size_t i = 0; i < k; ++i) sum += double(a[row * k + i]) * double(b[i * panel_cols + col]);
                        expected[row * 40 + col] += sum * scales[col] + bias[col];
                    }
                GemmTile tile{packed.data(), m,           n,   k, b.data(), panel_cols, c.data(), 40,
                              scales.data(), bias.data(), true};
                table().gemm_f32(tile);
                test::expect_near(c, expected, test::sum_tolerance(k, 40, 40 * 10));
            }
}

TEST_P(EveryLevel, MultipliesLongRowsThatLieAsTheyAre) {
    size_t k = 19, stride = 130;
    auto b = random_floats(k * stride, 2);
    for (size_t m = 1; m <= table().tile_rows; ++m)
        for (size_t n : {33u, 64u, 65u, 96u, 128u}) {
            auto a = random_floats(m * k, 1), c = std::vector<float>(m * 140);
            std::vector<float> packed(m * k);
            table().pack_a(a.data(), k, 1, m, k, packed.data());
            reference::Doubles expected(c.size());
            for (size_t row = 0; row < m; ++row)
                for (size_t col = 0; col < n; ++col)
                    for (size_t i = 0; i < k; ++i)
                        expected[row * 140 + col] += double(a[row * k + i]) * double(b[i * stride + col]);
            table().gemm_f32({packed.data(), m, n, k, b.data(), stride, c.data(), 140, nullptr, nullptr, false});
            test::expect_near(c, expected, test::sum_tolerance(k, 40, 40));
        }
}

TEST_P(EveryLevel, WidensHalfBrainAndByteWeightsExactly) {
    size_t m = table().tile_rows, k = 9;
    std::vector<float> values = random_floats(k * panel_cols, 6), a = random_floats(m * k, 7), packed(m * k);
    values[0] = 0x1p-24f;  // the smallest half
    values[1] = 0x1p-16f;
    std::vector<Half> half(values.size());
    std::vector<BFloat16> brain(values.size());
    std::vector<int8_t> bytes(values.size());
    std::vector<float> from_half(values.size()), from_brain(values.size()), from_bytes(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
        from_half[i] = to_float(half[i] = to_half(values[i]));
        from_brain[i] = to_float(brain[i] = to_bfloat16(values[i]));
        from_bytes[i] = bytes[i] = int8_t(int(i) % 256 - 128);
    }
    table().pack_a(a.data(), k, 1, m, k, packed.data());
    auto product = [&](auto function, const void* b) {
        std::vector<float> c(m * panel_cols);
        function(
            GemmTile{packed.data(), m, panel_cols, k, b, panel_cols, c.data(), panel_cols, nullptr, nullptr, false});
        return c;
    };
    EXPECT_EQ(product(table().gemm_f16, half.data()), product(table().gemm_f32, from_half.data()));
    EXPECT_EQ(product(table().gemm_bf16, brain.data()), product(table().gemm_f32, from_brain.data()));
    EXPECT_EQ(product(table().gemm_i8, bytes.data()), product(table().gemm_f32, from_bytes.data()));
}

TEST_P(EveryLevel, PacksStraightAndTurnedOperandsAlike) {
    size_t m = table().tile_rows, k = 37;
    std::vector<float> a = random_floats(m * k, 8), turned(m * k), one(m * k), two(m * k);
    for (size_t row = 0; row < m; ++row)
        for (size_t i = 0; i < k; ++i) turned[i * m + row] = a[row * k + i];
    table().pack_a(a.data(), k, 1, m, k, one.data());
    table().pack_a(turned.data(), 1, m, m, k, two.data());
    EXPECT_EQ(one, two);
    EXPECT_EQ(one, turned);
}

TEST_P(EveryLevel, ConvertsHalvesAsTheScalarFunctionsDo) {
    std::vector<Half> all(65536);
    for (size_t i = 0; i < all.size(); ++i) all[i].bits = uint16_t(i);
    std::vector<float> wide(all.size());
    std::vector<Half> back(all.size());
    table().half_to_float(all.data(), wide.data(), all.size());
    table().float_to_half(wide.data(), back.data(), all.size());
    for (size_t i = 0; i < all.size(); ++i) {
        if (std::isnan(to_float(all[i]))) {
            ASSERT_TRUE(std::isnan(wide[i]));
            continue;
        }
        ASSERT_EQ(wide[i], to_float(all[i]));
        ASSERT_EQ(back[i].bits, i);
    }
    std::vector<float> odd = random_floats(1001, 9, 1e-4f), steps;
    for (float value : odd) steps.insert(steps.end(), {value, value * 1e-3f, value * 1e9f});
    std::vector<Half> narrow(steps.size());
    table().float_to_half(steps.data(), narrow.data(), steps.size());
    for (size_t i = 0; i < steps.size(); ++i) ASSERT_EQ(narrow[i].bits, to_half(steps[i]).bits) << steps[i];
}

TEST_P(EveryLevel, ExponentialIsRightToTwoUnitsInTheLastPlaceAndSafeAtTheEnds) {
    std::vector<float> x;
    for (float value = -87; value < 88.7f; value += 0.0137f) x.push_back(value);
    std::vector<float> y = x;
    double sum = 0;
    table().exp_sum(y.data(), y.size(), 1, 0);
    for (size_t i = 0; i < x.size(); ++i) {
        double expected = std::exp(double(x[i]));
        sum += expected;
        ASSERT_NEAR(y[i], expected, 4 * test::epsilon_f32 * expected) << x[i];
    }
    float ends[] = {-INFINITY, -1e30f, -88, 0, 89, 1e30f};
    table().exp_sum(ends, 6, 1, 0);
    EXPECT_EQ(ends[0], 0);
    EXPECT_EQ(ends[1], 0);
    EXPECT_EQ(ends[2], 0);
    EXPECT_EQ(ends[3], 1);
    EXPECT_TRUE(std::isinf(ends[4]) && std::isinf(ends[5]));
}

TEST_P(EveryLevel, DotsSumsAndRowsMatchTheReference) {
    for (size_t count : {1u, 3u, 4u, 5u, 15u, 16u, 17u, 63u, 64u, 65u, 200u}) {
        std::string what = "length " + std::to_string(count);
        auto x = random_floats(count, 10), w = random_floats(count, 11), y = std::vector<float>(count);
        double squares = 0, best = -1e30;
        reference::Doubles silu, swiglu, scaled, added, product;
        for (size_t i = 0; i < count; ++i) {
            squares += double(x[i]) * x[i];
            best = std::max(best, double(x[i]));
            silu.push_back(reference::silu(x[i]));
            swiglu.push_back(reference::silu(x[i]) * w[i]);
            scaled.push_back(double(x[i]) * w[i] * 0.3f);
            added.push_back(double(x[i]) + w[i]);
            product.push_back(double(x[i]) + double(x[i]) * w[i]);
        }
        EXPECT_NEAR(table().sum_of_squares(x.data(), count), squares, test::sum_tolerance(count, 40, 40));
        EXPECT_EQ(table().max(x.data(), count), float(best));
        table().silu(x.data(), y.data(), count);
        test::expect_near(y, silu, 8 * test::epsilon_f32, "silu, " + what);
        table().swiglu(x.data(), w.data(), y.data(), count);
        test::expect_near(y, swiglu, 8 * test::epsilon_f32, "swiglu, " + what);
        table().scale_by(x.data(), w.data(), 0.3f, y.data(), count);
        test::expect_near(y, scaled, 4 * test::epsilon_f32, "scale_by, " + what);
        table().add(x.data(), w.data(), y.data(), count);
        test::expect_near(y, added, 2 * test::epsilon_f32, "add, " + what);
        y = x;
        table().multiply_add(x.data(), w.data(), y.data(), count);
        test::expect_near(y, product, 40 * test::epsilon_f32, "multiply_add, " + what);
    }
}

TEST_P(EveryLevel, DotsRowsOfQueriesWithStridedKeys) {
    for (size_t dim : {1u, 16u, 24u, 64u, 80u})
        for (size_t rows : {1u, 2u, 3u, 4u, 5u, 9u})
            for (size_t keys : {1u, 2u, 5u}) {
                size_t stride = dim + 6;
                auto q = random_floats(rows * dim, 12), k = random_floats(keys * stride, 13);
                std::vector<Half> half(k.size());
                std::vector<int8_t> bytes(k.size());
                for (size_t i = 0; i < k.size(); ++i) {
                    half[i] = to_half(k[i]);
                    k[i] = to_float(half[i]);
                    bytes[i] = int8_t(int(i * 7) % 255 - 127);
                }
                reference::Doubles expected(rows * 8), of_bytes(rows * 8);
                for (size_t row = 0; row < rows; ++row)
                    for (size_t key = 0; key < keys; ++key)
                        for (size_t i = 0; i < dim; ++i) {
                            expected[row * 8 + key] += double(q[row * dim + i]) * k[key * stride + i];
                            of_bytes[row * 8 + key] += double(q[row * dim + i]) * bytes[key * stride + i];
                        }
                std::vector<float> scores(rows * 8);
                table().dots_f32(q.data(), dim, rows, k.data(), stride, keys, dim, scores.data(), 8);
                test::expect_near(scores, expected, test::sum_tolerance(dim, 40, 40));
                std::fill(scores.begin(), scores.end(), 0.0f);
                table().dots_f16(q.data(), dim, rows, half.data(), stride, keys, dim, scores.data(), 8);
                test::expect_near(scores, expected, test::sum_tolerance(dim, 40, 40));
                std::fill(scores.begin(), scores.end(), 0.0f);
                table().dots_i8(q.data(), dim, rows, bytes.data(), stride, keys, dim, scores.data(), 8);
                test::expect_near(scores, of_bytes, test::sum_tolerance(dim, 40, 127));
            }
}

INSTANTIATE_TEST_SUITE_P(Levels, EveryLevel, testing::Values(0, 1, 2));

}  // namespace
}  // namespace lv
