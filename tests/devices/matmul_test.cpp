// Linear wherever it runs: few rows and many, every type of weight.
#include "kernels/matmul.h"

#include "tests/devices/on_device.h"

namespace lv::test {
namespace {

class Linears : public Everywhere {};
INSTANTIATE_TEST_SUITE_P(On, Linears, everywhere, where_name);

struct Shape {
    size_t rows, in, out;
};

TEST_P(Linears, MatchTheReferenceAtEverySizeAndType) {
    const Context context = make_context();
    std::vector<Shape> shapes;
    for (size_t rows : {1u, 2u, 4u, 5u, 33u})
        for (size_t in : {1u, 17u, 64u}) shapes.push_back({rows, in, in == 17 ? 33u : 8u});
    shapes.push_back({1, 1040, 40});
    shapes.push_back({3, 1040, 9});
    shapes.push_back({6, 513, 65});
    for (DType type : {DType::f32, DType::f16, DType::bf16, DType::i8})
        for (auto [rows, in, out] : shapes)
            for (size_t gap : {size_t{0}, size_t{3}}) {  // rows at multiples of 16 bytes, and not
                const std::string what = std::string(dtype_name(type)) + " " + std::to_string(rows) + " x " +
                                         std::to_string(in) + " x " + std::to_string(out);
                const auto weight = random_floats(in * out, 1), bias = random_floats(out, 2),
                           x = random_floats(rows * in, 3);
                Linear linear(ConstMatrix(weight.data(), in, out), type, bias);
                reference::Doubles stored(in * out);
                for (size_t i = 0; i < in; ++i)
                    for (size_t o = 0; o < out; ++o) stored[i * out + o] = linear.weight_at(i, o);
                const size_t bytes = linear.bytes();
                linear.place(context.shared_device());
                EXPECT_LE(linear.bytes(), bytes);
                PlacedMatrix input(context, x, rows, in, gap), output(context, rows, out);
                linear.apply(context, input.view(), output.view());
                reference::Doubles expected = reference::matmul(doubles(x), stored, rows, in, out);
                for (size_t i = 0; i < expected.size(); ++i) expected[i] += bias[i % out];
                // Few rows are multiplied in f32 everywhere; the tensor cores round x, and int8 weights to f16.
                const double rounded = type == DType::bf16 ? epsilon_bf16 : epsilon_f16;
                const double eps = rows <= 4 ? epsilon_f32 : epsilon(rounded);
                const double tolerance = sum_tolerance(in, largest(x), largest(weight), eps);
                expect_near(output.values(), expected, tolerance, what);
                expect_close(output.values(), expected, std::max(eps, 8 * epsilon_f32), what);
                EXPECT_TRUE(output.gaps_untouched()) << what;
                linear.apply(context, input.view(), output.view(), true);
                for (double& value : expected) value *= 2;
                expect_near(output.values(), expected, 2 * tolerance, "accumulating, " + what);
            }
}

TEST_P(Linears, NoRowsAreFine) {
    const Context context = make_context();
    const auto weight = random_floats(6, 5);
    Linear linear(ConstMatrix(weight.data(), 2, 3));
    linear.place(context.shared_device());
    linear.apply(context, ConstMatrix(nullptr, 0, 2), Matrix(nullptr, 0, 3));
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
