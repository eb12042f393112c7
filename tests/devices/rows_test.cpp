// Norms, activations, rope and picks, wherever they run.
#include <algorithm>
#include <cstring>

#include "kernels/elementwise.h"
#include "kernels/norm.h"
#include "kernels/rope.h"
#include "tests/devices/on_device.h"

namespace lv::test {
namespace {

class Rows : public Everywhere {};
INSTANTIATE_TEST_SUITE_P(On, Rows, everywhere, where_name);

TEST_P(Rows, NormsOfRowsAndHeadsMatchTheReference) {
    const Context context = make_context();
    for (size_t rows : sizes<size_t>({1, 5}, {7, 700}))
        for (size_t dim : sizes<size_t>({2, 31, 32, 33, 64, 512, 513, 1100}, {15, 16, 17, 192})) {
            const auto x = random_floats(rows * dim, 1), weight = random_floats(dim, 2);
            const float eps = 0.1f;
            PlacedMatrix in(context, x, rows, dim), out(context, rows, dim);
            Placed<float> weights(context, std::span<const float>(weight));
            rms_norm(context, in.view(), weights.span(), eps, out.view());
            const double tolerance = 8 * epsilon_f32 * std::sqrt(double(dim));
            expect_near(out.values(), reference::rms_norm(doubles(x), doubles(weight), eps, dim), tolerance);
            EXPECT_TRUE(out.gaps_untouched());
            rms_norm(context, in.view(), weights.span(), eps, in.view());
            EXPECT_EQ(in.values(), out.values()) << "in place";
            if (dim % 2) continue;
            PlacedMatrix heads(context, x, rows, dim);
            rms_norm_heads(context, heads.view(), 2, eps, out.view());
            expect_near(out.values(), reference::rms_norm(doubles(x), {}, eps, dim / 2), tolerance);
        }
}

TEST_P(Rows, ActivationsSumsAndDecayMatchTheReference) {
    const Context context = make_context();
    for (size_t rows : sizes<size_t>({1, 7}, {5, 600}))
        for (size_t cols : sizes<size_t>({1, 31, 33, 300}, {3, 16, 65})) {
            const auto a = random_floats(rows * cols, 3, 4), b = random_floats(rows * cols, 4);
            const auto bias = random_floats(cols, 5);
            PlacedMatrix left(context, a, rows, cols), right(context, b, rows, cols), out(context, rows, cols);
            Placed<float> biases(context, std::span<const float>(bias));
            reference::Doubles silus, swiglus, sums, scaled, decays, bare;
            for (size_t i = 0; i < a.size(); ++i) {
                silus.push_back(reference::silu(a[i]));
                swiglus.push_back(reference::silu(a[i]) * b[i]);
                sums.push_back(double(a[i]) + b[i]);
                scaled.push_back(double(a[i]) * -2.5);
                decays.push_back(reference::log_sigmoid(double(a[i]) + bias[i % cols]) / 16);
                bare.push_back(reference::log_sigmoid(double(a[i])) / 16);
            }
            const double tolerance = 8 * epsilon_f32;
            silu(context, left.view(), out.view());
            expect_near(out.values(), silus, tolerance, "silu");
            swiglu(context, left.view(), right.view(), out.view());
            expect_near(out.values(), swiglus, tolerance, "swiglu");
            add(context, left.view(), right.view(), out.view());
            expect_near(out.values(), sums, tolerance, "add");
            scale(context, left.view(), -2.5f, out.view());
            expect_near(out.values(), scaled, tolerance, "scale");
            log_decay(context, left.view(), biases.span(), 16, out.view());
            expect_near(out.values(), decays, 64 * epsilon_f32, "log_decay");
            log_decay(context, left.view(), {}, 16, out.view());
            expect_near(out.values(), bare, 64 * epsilon_f32, "log_decay without a bias");
            EXPECT_TRUE(out.gaps_untouched());
            swiglu(context, left.view(), right.view(), right.view());
            expect_near(right.values(), swiglus, tolerance, "swiglu in place");
        }
}

TEST_P(Rows, DecayStaysFiniteAtTheEnds) {
    const Context context = make_context();
    PlacedMatrix x(context, {-1e30f, -500, 0, 500, 1e30f}, 1, 5), y(context, 1, 5);
    log_decay(context, x.view(), {}, 16, y.view());
    const std::vector<float> found = y.values();
    EXPECT_FLOAT_EQ(found[0], -1e30f / 16);
    EXPECT_FLOAT_EQ(found[1], -500.0f / 16);
    EXPECT_FLOAT_EQ(found[2], -std::log(2.0f) / 16);
    EXPECT_EQ(found[3], 0);
    EXPECT_EQ(found[4], 0);
}

TEST_P(Rows, BothAngleFormulasMatchTheReferenceNearAndFar) {
    const Context context = make_context();
    for (int64_t first : sizes<int64_t>({0, 1000000}, {63}))
        for (size_t head_dim : sizes<size_t>({2, 16, 66}, {64}))
            for (bool retention : {false, true}) {
                const size_t rows = on_host() ? 130 : 3, heads = 3;
                const auto x = random_floats(rows * heads * head_dim, 6);
                const auto frequencies =
                    retention ? retention_frequencies(head_dim, 10000) : rope_frequencies(head_dim, 10000);
                PlacedMatrix table(context, rows, head_dim), in(context, x, rows, heads * head_dim),
                    out(context, rows, heads * head_dim);
                rope_table(context, frequencies, first, table.view());
                rope(context, in.view(), table.view(), 0.125f, out.view());
                const auto expected =
                    reference::rope(doubles(x), rows, heads, head_dim, 10000, first, retention, 0.125);
                expect_near(out.values(), expected, 4 * epsilon_f32 * largest(x) * 0.125 * 2);
                rope(context, in.view(), table.view(), 0.125f, in.view());
                EXPECT_EQ(in.values(), out.values()) << "in place";
                EXPECT_TRUE(out.gaps_untouched() && table.gaps_untouched());
            }
}

// A device leaves them in 16 bits; what it rounds is what it would have left in f32.
TEST_P(Rows, LeftForAProductAreThoseOfF32Rounded) {
    const Context context = make_context();
    for (const size_t cols : {size_t{6}, size_t{33}, size_t{520}}) {
        const size_t rows = 5;
        const float eps = 0.1f;
        auto x = random_floats(rows * cols, 1, 4), gate = random_floats(rows * cols, 2, 4);
        x[3] = gate[3] = 1e5f;  // what they make of each other is beyond f16
        const auto weight = random_floats(cols, 3);
        PlacedMatrix in(context, x, rows, cols), gates(context, gate, rows, cols), plain(context, rows, cols);
        Placed<float> weights(context, std::span<const float>(weight));
        const size_t heads = cols % 2 ? 1 : 2;
        const auto expect_left = [&](const std::string& what, auto make) {
            const std::vector<float> expected = plain.values();
            for (const DType type : {DType::f32, DType::f16, DType::bf16}) {
                if (on_host() && type != DType::f32) continue;
                const size_t width = dtype_bytes(type), stride = cols + 3;
                Placed<std::byte> left(context, std::vector<std::byte>(rows * stride * width));
                ProductRows to(Matrix(nullptr, rows, cols, stride));
                to.data = left.span().data();
                to.type = type;
                make(to);
                const std::vector<std::byte> bytes = left.values();
                for (size_t i = 0; i < expected.size(); ++i) {
                    const std::byte* const at = bytes.data() + (i / cols * stride + i % cols) * width;
                    float value = 0;
                    if (type == DType::f32) std::memcpy(&value, at, width);
                    if (type == DType::f16) value = to_float(*reinterpret_cast<const Half*>(at));
                    if (type == DType::bf16) value = to_float(*reinterpret_cast<const BFloat16*>(at));
                    const float cut = std::clamp(expected[i], -65504.0f, 65504.0f);
                    const float rounded = type == DType::f16    ? to_float(to_half(cut))
                                          : type == DType::bf16 ? to_float(to_bfloat16(expected[i]))
                                                                : expected[i];
                    ASSERT_EQ(value, rounded) << what << " " << dtype_name(type) << ", value " << i << " of " << cols;
                }
            }
        };
        rms_norm(context, in.view(), weights.span(), eps, plain.view());
        expect_left("norm", [&](const ProductRows& to) { rms_norm(context, in.view(), weights.span(), eps, to); });
        swiglu(context, gates.view(), in.view(), plain.view());
        EXPECT_GT(plain.values()[3], 65504);
        expect_left("swiglu", [&](const ProductRows& to) { swiglu(context, gates.view(), in.view(), to); });
        rms_norm_heads(context, in.view(), heads, eps, plain.view());
        swiglu(context, gates.view(), plain.view(), plain.view());
        expect_left("gated norm",
                    [&](const ProductRows& to) { gated_norm_heads(context, in.view(), gates.view(), heads, eps, to); });
        gated_norm_heads(context, in.view(), gates.view(), heads, eps, ProductRows(in.view()));
        EXPECT_EQ(in.values(), plain.values()) << "in place";
    }
}

// These have no function of the host's with a context; the device's own members are asked.
class OnlyThere : public Everywhere {};
INSTANTIATE_TEST_SUITE_P(On, OnlyThere, testing::Values(Where::gpu), where_name);

TEST_P(OnlyThere, PickedRowsAreAdded) {
    const Context context = make_context();
    const size_t rows = 4, cols = 300;
    const auto table = random_floats(9 * cols, 1), y = random_floats(rows * cols, 2);
    const std::vector<uint32_t> picks{0, 8, 3, 3, 5, 1, 8, 0};
    PlacedMatrix from(context, table, 9, cols), to(context, y, rows, cols);
    context.device()->add_picked(from.view(), picks, 2, to.view());
    reference::Doubles expected = doubles(y);
    for (size_t i = 0; i < expected.size(); ++i)
        for (size_t pick : {0u, 1u}) expected[i] += table[picks[i / cols * 2 + pick] * cols + i % cols];
    expect_near(to.values(), expected, 4 * epsilon_f32);
    EXPECT_TRUE(to.gaps_untouched());
}

TEST_P(OnlyThere, MemoryIsZeroAtFirstAndKeepsWhatIsSentAcrossPieces) {
    const Context context = make_context();
    const size_t count = (size_t{9} << 20) / sizeof(float) + 5;  // more than two halves of the staging memory
    Buffer empty = Buffer::of<float>(1000, context.shared_device());
    std::vector<float> found(1000, 1.0f);
    context.device()->download(empty.data(), found.data(), empty.bytes());
    EXPECT_EQ(found, std::vector<float>(1000, 0.0f));
    const auto values = random_floats(count, 3);
    Placed<float> one(context, std::span<const float>(values));
    Buffer other = Buffer::of<float>(count, context.shared_device());
    context.device()->copy(one.span().data(), other.data(), other.bytes());
    found.resize(count);
    context.device()->download(other.data(), found.data(), other.bytes());
    EXPECT_EQ(found, values);
}

}  // namespace
}  // namespace lv::test
