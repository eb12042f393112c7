#include "kernels/core/dtype.h"

#include <bit>

#include "tests/support.h"

namespace lv {
namespace {

TEST(DType, AllHalfNumbersSurviveAWalkThroughF32) {
    for (uint32_t bits = 0; bits < 65536; ++bits) {
        float wide = to_float(Half{uint16_t(bits)});
        if (std::isnan(wide)) {
            EXPECT_TRUE(std::isnan(to_float(to_half(wide)))) << bits;
            continue;
        }
        ASSERT_EQ(to_half(wide).bits, bits) << wide;
        double expected = std::ldexp(double(bits & 0x3ff) + ((bits & 0x7c00) ? 1024 : 0),
                                     int(std::max<uint32_t>(1, bits >> 10 & 31)) - 25);
        if ((bits & 0x7c00) != 0x7c00) {
            ASSERT_EQ(std::fabs(double(wide)), expected) << bits;
        }
    }
}

TEST(DType, HalfRoundsToNearestEvenAndOverflowsToInfinity) {
    EXPECT_EQ(to_half(1 + 0x1p-11f).bits, to_half(1).bits);                // a tie, down to even
    EXPECT_EQ(to_half(1 + 3 * 0x1p-11f).bits, to_half(1 + 0x1p-9f).bits);  // a tie, up to even
    EXPECT_EQ(to_half(65519).bits, 0x7bff);
    EXPECT_EQ(to_half(65520).bits, 0x7c00);
    EXPECT_EQ(to_half(-1e30f).bits, 0xfc00);
    EXPECT_EQ(to_half(0x1p-24f).bits, 1);
    EXPECT_EQ(to_half(0x1p-25f).bits, 0);  // a tie, down to zero
    EXPECT_EQ(to_half(-0.0f).bits, 0x8000);
}

TEST(DType, RowsConvertAsSingleNumbersDoAtEveryLength) {
    std::vector<float> values = test::random_floats(300, 1, 100);
    values.insert(values.begin(), {0, -0.0f, 65504, 65520, 1e-7f, -6e-8f, 1e-40f, INFINITY, -INFINITY, 0x1p-14f});
    for (size_t length : {0u, 1u, 3u, 4u, 7u, 8u, 15u, 16u, 17u, 33u, 310u}) {
        std::span<const float> from(values.data(), length);
        std::vector<Half> half(length);
        std::vector<BFloat16> brain(length);
        std::vector<float> back(length), brain_back(length);
        convert(from, half);
        convert(std::span<const Half>(half), back);
        convert(from, brain);
        convert(std::span<const BFloat16>(brain), brain_back);
        for (size_t i = 0; i < length; ++i) {
            EXPECT_EQ(half[i].bits, to_half(from[i]).bits) << from[i];
            EXPECT_EQ(back[i], to_float(half[i]));
            EXPECT_EQ(brain[i].bits, to_bfloat16(from[i]).bits);
            if (std::isfinite(from[i])) {
                EXPECT_NEAR(brain_back[i], from[i], test::epsilon_bf16 * std::fabs(from[i]) + 1e-40);
            }
        }
    }
    EXPECT_TRUE(std::isnan(to_float(to_bfloat16(NAN))));
    EXPECT_EQ(to_bfloat16(1 + 0x1p-8f).bits, to_bfloat16(1).bits);  // a tie, down to even
}

TEST(DType, QuantizedRowsAreWithinHalfAStep) {
    std::vector<float> values = test::random_floats(257, 2, 3);
    std::vector<int8_t> small(values.size());
    float scale = quantize(values, small);
    EXPECT_FLOAT_EQ(scale, float(test::largest(values)) / 127);
    for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(float(small[i]) * scale, values[i], scale * 0.5001f);

    std::vector<float> zeros(5, 0.0f), tiny(5, 1e-42f);
    EXPECT_EQ(quantize(zeros, std::span(small).first(5)), 1);
    quantize(tiny, std::span(small).first(5));
    EXPECT_EQ(small[0], 0);
}

TEST(DType, NamesAndSizesBelongTogether) {
    for (DType type : {DType::f32, DType::f16, DType::bf16, DType::f64, DType::i8, DType::u8, DType::i16, DType::i32,
                       DType::i64, DType::boolean})
        EXPECT_EQ(dtype_from_name(dtype_name(type)), type);
    EXPECT_EQ(dtype_from_name("F8_E4M3"), std::nullopt);
    EXPECT_EQ(dtype_bytes(DType::bf16), 2u);
    EXPECT_EQ(dtype_bytes(DType::i64), 8u);
}

}  // namespace
}  // namespace lv
