// What products do on the host alone: the plain forms, layouts and files of weights, matrices that are not packed.
// Linear's sizes and types are tested with those of the devices, in tests/devices.
#include <cstring>

#include "kernels/core/error.h"
#include "tests/devices/linear_scene.h"

namespace lv::test {
namespace {

class EveryType : public testing::TestWithParam<DType> {};

TEST_P(EveryType, ThePlainLinearMatchesTheReference) {
    std::vector<LinearShape> shapes{{6, 1, 65}};
    for (size_t rows : {1u, 2u, 3u, 4u, 5u, 13u, 14u, 15u, 113u})
        for (size_t out : {1u, 31u, 32u, 33u}) shapes.push_back({rows, 17, out});
    for (const LinearShape& shape : shapes) {
        LinearScene scene(shape, GetParam());
        Padded input(scene.x, shape.rows, shape.in), output(shape.rows, shape.out);
        plain::linear(scene.linear, input.view, output.view);
        plain::linear(scene.linear, input.view, output.view, true);
        expect_near(output.values(), scene.twice(), scene.tolerance() / 2, scene.what);
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
    const double most = largest(weight);
    double step = GetParam() == DType::f32    ? 0
                  : GetParam() == DType::f16  ? epsilon_f16
                  : GetParam() == DType::bf16 ? epsilon_bf16
                                              : 0.5001 / 127;
    for (size_t i = 0; i < in; ++i)
        for (size_t o = 0; o < out; ++o) EXPECT_NEAR(straight.weight_at(i, o), weight[i * out + o], step * most);
}

INSTANTIATE_TEST_SUITE_P(Types, EveryType, testing::Values(DType::f32, DType::f16, DType::bf16, DType::i8),
                         [](const auto& info) { return std::string(dtype_name(info.param)); });

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
         {LinearShape{1, 1, 1}, {3, 5, 31}, {14, 64, 32}, {15, 65, 33}, {113, 513, 70}, {300, 64, 64}}) {
        auto a = random_floats(rows * in, 8), b = random_floats(in * out, 9);
        Padded left(a, rows, in), right(b, in, out), result(rows, out), plain(rows, out);
        matmul(context, left.view, right.view, result.view);
        plain::matmul(left.view, right.view, plain.view);
        reference::Doubles expected = reference::matmul(doubles(a), doubles(b), rows, in, out);
        double tolerance = sum_tolerance(in, largest(a), largest(b));
        expect_near(result.values(), expected, tolerance);
        expect_near(plain.values(), expected, tolerance);
        matmul(context, left.view, right.view, result.view, true);
        for (double& value : expected) value *= 2;
        expect_near(result.values(), expected, 2 * tolerance);
        EXPECT_TRUE(result.gaps_untouched());
    }
}

}  // namespace
}  // namespace lv::test
