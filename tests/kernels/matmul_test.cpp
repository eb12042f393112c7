#include "kernels/matmul.h"

#include <cstring>

#include "kernels/core/error.h"
#include "tests/support.h"

namespace lv {
namespace {

using test::doubles;
using test::Padded;
using test::random_floats;

// The weights as the Linear holds them, in double: rounding to the stored type is no error of the product.
reference::Doubles stored_weights(const Linear& linear) {
    reference::Doubles weights(linear.in() * linear.out());
    for (size_t i = 0; i < linear.in(); ++i)
        for (size_t o = 0; o < linear.out(); ++o) weights[i * linear.out() + o] = linear.weight_at(i, o);
    return weights;
}

struct Shape {
    size_t rows, in, out;
};

class EveryType : public testing::TestWithParam<DType> {};

TEST_P(EveryType, LinearMatchesTheReferenceAtEverySize) {
    Context context(3);
    std::vector<Shape> shapes;
    for (size_t rows : {1u, 2u, 3u, 4u, 5u, 13u, 14u, 15u, 113u})
        for (size_t out : {1u, 31u, 32u, 33u}) shapes.push_back({rows, 17, out});
    for (size_t in : {1u, 511u, 512u, 513u, 1025u}) shapes.push_back({6, in, 65});
    shapes.push_back({1, 768, 2048});
    shapes.push_back({230, 192, 512});
    for (auto [rows, in, out] : shapes) {
        std::string what = std::to_string(rows) + " x " + std::to_string(in) + " x " + std::to_string(out);
        auto weight = random_floats(in * out, 1), bias = random_floats(out, 2), x = random_floats(rows * in, 3);
        Linear linear(ConstMatrix(weight.data(), in, out), GetParam(), bias);
        ASSERT_EQ(linear.in(), in);
        ASSERT_EQ(linear.out(), out);
        Padded input(x, rows, in), output(rows, out);
        linear.apply(context, input.view, output.view);
        reference::Doubles expected = reference::matmul(doubles(x), stored_weights(linear), rows, in, out);
        for (size_t i = 0; i < expected.size(); ++i) expected[i] += bias[i % out];
        double tolerance = test::sum_tolerance(in, test::largest(x), test::largest(weight)) / 4;
        test::expect_near(output.values(), expected, tolerance, what);
        EXPECT_TRUE(output.gaps_untouched()) << what;

        linear.apply(context, input.view, output.view, true);
        for (double& value : expected) value *= 2;
        test::expect_near(output.values(), expected, 2 * tolerance, "accumulating, " + what);

        if (rows * in * out < 100000) {
            Padded plain(rows, out);
            plain::linear(linear, input.view, plain.view);
            plain::linear(linear, input.view, plain.view, true);
            test::expect_near(plain.values(), expected, 2 * tolerance, "plain, " + what);
        }
    }
}

TEST_P(EveryType, BothLayoutsHoldTheSameWeights) {
    size_t in = 45, out = 70;
    auto weight = random_floats(in * out, 4);
    std::vector<float> turned(weight.size());
    for (size_t i = 0; i < in; ++i)
        for (size_t o = 0; o < out; ++o) turned[o * in + i] = weight[i * out + o];
    Linear straight(ConstMatrix(weight.data(), in, out), GetParam());
    Linear other(ConstMatrix(turned.data(), out, in), GetParam(), {}, WeightLayout::out_in);
    EXPECT_EQ(stored_weights(straight), stored_weights(other));
    double largest = test::largest(weight);
    double step = GetParam() == DType::f32    ? 0
                  : GetParam() == DType::f16  ? test::epsilon_f16
                  : GetParam() == DType::bf16 ? test::epsilon_bf16
                                              : 0.5001 / 127;
    for (size_t i = 0; i < in; ++i)
        for (size_t o = 0; o < out; ++o) EXPECT_NEAR(straight.weight_at(i, o), weight[i * out + o], step * largest);
}

INSTANTIATE_TEST_SUITE_P(Types, EveryType, testing::Values(DType::f32, DType::f16, DType::bf16, DType::i8),
                         [](const auto& info) { return std::string(dtype_name(info.param)); });

TEST(Matmul, NoRowsAndNoBiasAreFine) {
    Context context(2);
    auto weight = random_floats(6, 5);
    Linear linear(ConstMatrix(weight.data(), 2, 3));
    linear.apply(context, ConstMatrix(nullptr, 0, 2), Matrix(nullptr, 0, 3));
    EXPECT_TRUE(linear.bias().empty());
    EXPECT_TRUE(Linear().empty());
}

TEST(Matmul, Int8WeightsOfAFileKeepTheirScales) {
    Context context(1);
    std::vector<int8_t> bytes{1, -2, 3, 127, -127, 0};
    TensorView view{"w", DType::i8, {2, 3}, std::as_bytes(std::span(bytes))};
    std::vector<float> scales{0.5f, 2, 0.25f}, x{1, 10};
    Linear linear = Linear::from_int8(view, scales);
    std::vector<float> y(3);
    linear.apply(context, {x.data(), 1, 2}, {y.data(), 1, 3});
    EXPECT_EQ(y, (std::vector<float>{0.5f + 635, -4 - 2540, 0.75f}));
    EXPECT_THROW(Linear::from_int8(view, std::span(scales).first(2)), Error);
}

TEST(Matmul, WeightsAtOddAddressesAreReadRight) {
    auto weight = random_floats(4 * 5, 6);
    std::vector<std::byte> file(weight.size() * 4 + 1);
    std::memcpy(file.data() + 1, weight.data(), weight.size() * 4);
    Linear linear({"w", DType::f32, {4, 5}, std::span(file).subspan(1)}, DType::f32);
    EXPECT_EQ(linear.weight_at(3, 4), weight[19]);
}

TEST(Matmul, WrongWeightsAreRefusedByName) {
    auto weight = random_floats(12, 7);
    TensorView view{"layers.0.q", DType::f32, {3, 2, 2}, std::as_bytes(std::span(weight))};
    try {
        Linear linear(view, DType::f32);
        FAIL();
    } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("layers.0.q F32 [3, 2, 2]"), std::string::npos) << error.what();
    }
    view.shape = {3, 4};
    EXPECT_THROW(Linear(view, DType::f32, std::span(weight).first(3)), Error);
    EXPECT_THROW(Linear(view, DType::i32), Error);
    view.dtype = DType::i32;
    EXPECT_THROW(Linear(view, DType::f32), Error);
}

TEST(Matmul, TwoUnpackedMatricesMultiplyAtEverySize) {
    Context context(2);
    for (auto [rows, in, out] :
         {Shape{1, 1, 1}, {3, 5, 31}, {14, 64, 32}, {15, 65, 33}, {113, 513, 70}, {300, 64, 64}}) {
        auto a = random_floats(rows * in, 8), b = random_floats(in * out, 9);
        Padded left(a, rows, in), right(b, in, out), result(rows, out), plain(rows, out);
        matmul(context, left.view, right.view, result.view);
        plain::matmul(left.view, right.view, plain.view);
        reference::Doubles expected = reference::matmul(doubles(a), doubles(b), rows, in, out);
        double tolerance = test::sum_tolerance(in, test::largest(a), test::largest(b));
        test::expect_near(result.values(), expected, tolerance);
        test::expect_near(plain.values(), expected, tolerance);
        matmul(context, left.view, right.view, result.view, true);
        for (double& value : expected) value *= 2;
        test::expect_near(result.values(), expected, 2 * tolerance);
        EXPECT_TRUE(result.gaps_untouched());
    }
}

}  // namespace
}  // namespace lv
