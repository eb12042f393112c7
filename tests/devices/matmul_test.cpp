// Linear wherever it runs: few rows and many, every type of weight.
#include "tests/devices/linear_scene.h"

namespace lv::test {
namespace {

class Linears : public Everywhere {};
INSTANTIATE_TEST_SUITE_P(On, Linears, everywhere, where_name);

TEST_P(Linears, MatchTheReferenceAtEverySizeAndType) {
    const Context context = make_context();
    std::vector<LinearShape> shapes;
    for (size_t rows : {1u, 2u, 4u, 5u, 33u})
        for (size_t in : {1u, 17u, 64u}) shapes.push_back({rows, in, in == 17 ? 33u : 8u});
    shapes.insert(shapes.end(), {{1, 1040, 40}, {3, 1040, 9}, {6, 513, 65}});
    if (on_host()) {
        for (size_t rows : {1u, 2u, 3u, 4u, 5u, 13u, 14u, 15u, 113u})
            for (size_t out : {1u, 31u, 32u, 33u}) shapes.push_back({rows, 17, out});
        for (size_t in : {1u, 511u, 512u, 1025u}) shapes.push_back({6, in, 65});
        shapes.insert(shapes.end(), {{1, 768, 2048}, {230, 192, 512}});
    }
    for (DType type : {DType::f32, DType::f16, DType::bf16, DType::i8})
        for (auto [rows, in, out] : shapes)
            for (size_t gap : {size_t{0}, size_t{3}}) {  // rows at multiples of 16 bytes, and not
                LinearScene scene({rows, in, out}, type);
                Linear& linear = scene.linear;
                ASSERT_EQ(linear.in(), in);
                ASSERT_EQ(linear.out(), out);
                const size_t bytes = linear.bytes();
                linear.place(context.shared_device());
                EXPECT_LE(linear.bytes(), bytes);
                PlacedMatrix input(context, scene.x, rows, in, gap), output(context, rows, out);
                linear.apply(context, input.view(), output.view());
                // Few rows are multiplied in f32 everywhere; the tensor cores round x, and int8 weights to f16.
                const double rounded = type == DType::bf16 ? epsilon_bf16 : epsilon_f16;
                const double eps = rows <= 4 ? epsilon_f32 : epsilon(rounded);
                const double tolerance = scene.tolerance(eps) / (on_host() ? 4 : 1);
                expect_near(output.values(), scene.expected, tolerance, scene.what);
                expect_close(output.values(), scene.expected, std::max(eps, 8 * epsilon_f32), scene.what);
                EXPECT_TRUE(output.gaps_untouched()) << scene.what;
                linear.apply(context, input.view(), output.view(), true);
                expect_near(output.values(), scene.twice(), 2 * tolerance, "accumulating, " + scene.what);
            }
}

// Rounding ahead of the product or inside of it: the same bits.
TEST_P(Linears, RowsLeftForAProductMakeTheSame) {
    const Context context = make_context();
    for (const DType type : {DType::f32, DType::f16, DType::bf16, DType::i8})
        for (const LinearShape shape : {LinearShape{4, 24, 9}, LinearShape{5, 17, 9}, LinearShape{9, 40, 33}}) {
            LinearScene scene(shape, type);
            scene.linear.place(context.shared_device());
            const DType left_as = scene.linear.product_type(context, shape.rows);
            const DType sixteen = type == DType::bf16 ? DType::bf16 : DType::f16;
            const bool rounds = GetParam() == Where::gpu && shape.rows > 4 && type != DType::f32;
            EXPECT_EQ(left_as, rounds ? sixteen : DType::f32) << scene.what;
            PlacedMatrix x(context, scene.x, shape.rows, shape.in), y(context, shape.rows, shape.out);
            PlacedMatrix expected(context, shape.rows, shape.out);
            scene.linear.apply(context, x.view(), expected.view());
            ProductRows left(x.view());
            std::vector<uint16_t> bits(shape.rows * product_stride(shape.in), 0x7fff);  // NaN between the rows
            for (size_t i = 0; i < scene.x.size(); ++i)
                bits[i / shape.in * product_stride(shape.in) + i % shape.in] =
                    left_as == DType::bf16 ? to_bfloat16(scene.x[i]).bits : to_half(scene.x[i]).bits;
            Placed<uint16_t> rounded(context, std::span<const uint16_t>(bits));
            if (left_as != DType::f32) {
                left.data = reinterpret_cast<std::byte*>(rounded.span().data());
                left.type = left_as;
                left.stride = product_stride(shape.in);
            }
            scene.linear.apply(context, left, y.view());
            EXPECT_EQ(y.values(), expected.values()) << scene.what;
            scene.linear.apply(context, left, y.view(), true);
            scene.linear.apply(context, x.view(), expected.view(), true);
            EXPECT_EQ(y.values(), expected.values()) << "accumulating, " << scene.what;
        }
}

TEST_P(Linears, NoRowsAndNoBiasAreFine) {
    const Context context = make_context();
    const auto weight = random_floats(6, 5);
    Linear linear(ConstMatrix(weight.data(), 2, 3));
    EXPECT_TRUE(linear.bias().empty());
    EXPECT_TRUE(Linear().empty());
    linear.place(context.shared_device());
    linear.apply(context, ConstMatrix(nullptr, 0, 2), Matrix(nullptr, 0, 3));
}

// What the library chose for one address must not be used for another that is aligned worse.
TEST_P(Linears, InputsMayLieAnywhereAndBiasesAtMultiplesOf16Bytes) {
    if (on_host()) GTEST_SKIP() << "Linear keeps its own";
    const Context context = make_context();
    constexpr size_t rows = 6, in = 16, out = 8;
    LinearScene scene({rows, in, out}, DType::f32);
    std::vector<float> turned(out * in);
    for (size_t o = 0; o < out; ++o)
        for (size_t i = 0; i < in; ++i) turned[o * in + i] = scene.weight[i * out + o];
    using Shifts = std::pair<size_t, size_t>;  // in values: of weight, input and output; of the bias
    for (const auto& [shift, bias_shift] : {Shifts{0, 0}, Shifts{0, 4}, Shifts{4, 0}, Shifts{1, 4}, Shifts{1, 64}}) {
        const auto placed = [&](const std::vector<float>& values, size_t by) {
            std::vector<float> moved(by);
            moved.insert(moved.end(), values.begin(), values.end());
            return Placed<float>(context, std::span<const float>(moved));
        };
        auto weight = placed(turned, shift), bias = placed(scene.bias, bias_shift), x = placed(scene.x, shift);
        auto y = placed(std::vector<float>(rows * out), shift);
        const DeviceWeight own{.in = in,
                               .out = out,
                               .type = DType::f32,
                               .values = reinterpret_cast<const std::byte*>(weight.span().data() + shift),
                               .bias = bias.span().data() + bias_shift};
        context.device()->linear(own, {x.span().data() + shift, rows, in}, {y.span().data() + shift, rows, out}, false);
        const std::vector<float> found = y.values();
        expect_near(std::span(found).subspan(shift), scene.expected, scene.tolerance(epsilon(epsilon_f16)),
                    "moved by " + std::to_string(shift) + ", the bias by " + std::to_string(bias_shift));
    }
}

TEST_P(Linears, PlacedInBlocksTheyKeepTheirOrder) {
    const Context context = make_context();
    const size_t in = 3, out = 1100;  // more than a block of 1024 outputs
    std::vector<float> weight(in * out);
    for (size_t i = 0; i < weight.size(); ++i) weight[i] = float(i);
    Linear linear(ConstMatrix(weight.data(), in, out));
    linear.place(context.shared_device());
    PlacedMatrix x(context, {1, 0, 0}, 1, in), y(context, 1, out);
    linear.apply(context, x.view(), y.view());
    EXPECT_EQ(y.values(), std::vector<float>(weight.begin(), weight.begin() + ptrdiff_t(out)));
}

}  // namespace
}  // namespace lv::test
