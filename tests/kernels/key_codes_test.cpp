#include "kernels/key_codes.h"

#include "kernels/simd/simd.h"
#include "tests/support.h"

namespace lv {
namespace {

using test::random_floats;

// Keys as a cache stores them, with room between rows.
struct StoredKeys {
    size_t kv_heads, dim, rows, cols = kv_heads * dim, stride = cols + 3;
    DType dtype;
    std::vector<std::byte> store;
    std::vector<float> scales;

    StoredKeys(std::span<const float> keys, size_t kv_heads_, size_t dim_, DType dtype_)
        : kv_heads(kv_heads_),
          dim(dim_),
          rows(keys.size() / (kv_heads_ * dim_)),
          dtype(dtype_),
          store(rows * stride * 4),
          scales(rows * kv_heads) {
        const ConstMatrix x(keys.data(), rows, cols);
        for (size_t row = 0; row < rows; ++row) {
            std::byte* to = store.data() + row * stride * dtype_bytes(dtype);
            if (dtype == DType::f32) std::copy_n(x.row(row).data(), cols, reinterpret_cast<float*>(to));
            if (dtype == DType::f16) convert(x.row(row), std::span(reinterpret_cast<Half*>(to), cols));
        }
        if (dtype == DType::i8)
            quantize_heads(x, kv_heads, reinterpret_cast<int8_t*>(store.data()), stride, scales.data());
    }
    float at(size_t row, size_t col) const {
        const size_t place = row * stride + col;
        if (dtype == DType::f32) return reinterpret_cast<const float*>(store.data())[place];
        if (dtype == DType::f16) return to_float(reinterpret_cast<const Half*>(store.data())[place]);
        return float(reinterpret_cast<const int8_t*>(store.data())[place]) * scales[row * kv_heads + col / dim];
    }
    KvPiece piece() const { return {dtype, store.data(), store.data(), scales.data(), scales.data(), rows, stride, 0}; }
    std::vector<std::byte> codes() const {
        std::vector<std::byte> out(key_code_bytes(rows, kv_heads, dim));
        code_keys(nullptr, piece(), kv_heads, dim, out);
        return out;
    }
};

// What the layout in key_codes.h says of one value of one key, and its step.
struct Decoded {
    double value, step;
};
Decoded decoded(std::span<const std::byte> codes, size_t rows, size_t dim, size_t head, size_t row, size_t i) {
    const std::byte* own = codes.data() + head * coded_head_bytes(rows, dim);
    const auto* halves = reinterpret_cast<const Half*>(own);
    const size_t words = (dim + 7) / 8, half = 4 * words;
    const uint8_t byte = uint8_t(own[4 * dim + ((row / 8 * words + i % half / 4) * 8 + row % 8) * 4 + i % 4]);
    const double step = to_float(halves[dim + i]);
    return {to_float(halves[i]) + step * (i < half ? byte & 15 : byte >> 4), step};
}

TEST(KeyCodes, TellEveryValueToHalfAStepOfItsChannelAsStored) {
    constexpr size_t kv_heads = 2;
    for (DType dtype : {DType::f32, DType::f16, DType::i8})
        for (size_t dim : {5u, 8u, 64u, 77u})
            for (size_t rows : {1u, 7u, 8u, 9u, 70u}) {
                std::vector<float> keys = random_floats(rows * kv_heads * dim, 7);
                for (size_t row = 0; row < rows; ++row) keys[row * kv_heads * dim + 1] += 500;  // far from 0
                const StoredKeys stored(keys, kv_heads, dim, dtype);
                std::vector<std::byte> codes(key_code_bytes(rows, kv_heads, dim) + 1, std::byte{0xee});
                code_keys(nullptr, stored.piece(), kv_heads, dim, codes);
                EXPECT_EQ(codes.back(), std::byte{0xee}) << "nothing behind the codes is written";
                codes.pop_back();
                for (size_t row = 0; row < rows; ++row)
                    for (size_t col = 0; col < kv_heads * dim; ++col) {
                        const auto [value, step] = decoded(codes, rows, dim, col / dim, row, col % dim);
                        const double key = stored.at(row, col);
                        // The least and the step are themselves rounded, by 2^-11 and by 2^-11 of 15.
                        EXPECT_NEAR(value, key, 0.5 * step + std::fabs(key) * 0x1p-11 + step * 15 * 0x1p-11 + 1e-6)
                            << dtype_name(dtype) << ", dim " << dim << ", row " << row << ", column " << col;
                    }
                for (size_t row = rows; row < (rows + 7) / 8 * 8; ++row)
                    EXPECT_EQ(decoded(codes, rows, dim, 1, row, dim - 1).value,
                              decoded(codes, rows, dim, 1, rows - 1, dim - 1).value)
                        << "the last group ends in copies of the last key";
            }
}

TEST(KeyCodes, HoldWhatF16CanNotAndAPageOfEqualKeys) {
    std::vector<float> keys(3 * 8, 0.25f);
    keys[0] = 1e30f, keys[8] = -1e30f, keys[16] = 0;
    const StoredKeys stored(keys, 1, 8, DType::f32);
    const std::vector<std::byte> codes = stored.codes();
    EXPECT_NEAR(decoded(codes, 3, 8, 0, 0, 0).value, 65504, 65504 * 0.001);
    EXPECT_NEAR(decoded(codes, 3, 8, 0, 1, 0).value, -65504, 1);
    EXPECT_NEAR(decoded(codes, 3, 8, 0, 2, 0).value, 0, 65504.0 / 15 + 1);
    EXPECT_EQ(decoded(codes, 3, 8, 0, 2, 5).value, 0.25);
}

// Of each head and page the largest logit over the decoded keys, with the query as it is.
class Estimates : public testing::TestWithParam<size_t> {
   protected:
    static constexpr size_t heads = 6, kv_heads = 2;
    size_t dim = GetParam();
};

TEST_P(Estimates, AreTheLargestLogitsOfTheCodedKeysButForARoundedQuery) {
    const Context context(3);
    for (size_t rows : {1u, 40u, 300u}) {
        const size_t pages = dim > 100 ? 3 : 70;
        const std::vector<float> q = random_floats(heads * dim, 4), factors = random_floats(heads, 5);
        std::vector<std::vector<std::byte>> codes;
        for (size_t page = 0; page < pages; ++page)
            codes.push_back(
                StoredKeys(random_floats(rows * kv_heads * dim, uint32_t(page)), kv_heads, dim, DType::f16).codes());
        const std::vector<std::span<const std::byte>> views(codes.begin(), codes.end());
        AttentionInput input;
        input.heads = heads;
        input.kv_heads = kv_heads;
        input.head_dim = dim;
        input.q = {q.data(), 1, heads * dim};
        input.scale = 0.3f;
        input.logit_scale = {factors.data(), 1, heads};  // of both signs
        std::vector<float> estimates(heads * pages);
        estimate_logits(context, input, views, estimates);
        for (size_t head = 0; head < heads; ++head)
            for (size_t page = 0; page < pages; ++page) {
                double most = -INFINITY, largest_folded = 0;
                for (size_t row = 0; row < rows; ++row) {
                    double dot = 0;
                    for (size_t i = 0; i < dim; ++i) {
                        const auto [value, step] = decoded(codes[page], rows, dim, head / 3, row, i);
                        const double asked = double(q[head * dim + i]) * 0.3 * factors[head];
                        dot += asked * value;
                        largest_folded = std::max(largest_folded, std::fabs(asked * step));
                    }
                    most = std::max(most, dot);
                }
                // Half a step of the folded query times the largest code, in every value at worst.
                const double rounding = largest_folded / 127 / 2 * 15 * double(dim);
                EXPECT_NEAR(estimates[head * pages + page], most, rounding + 1e-4) << "head " << head << ", " << rows;
            }
    }
}
INSTANTIATE_TEST_SUITE_P(Dims, Estimates, testing::Values(5, 16, 64, 72, 128, 512));

// 16 bits hold no more than eight of the largest products: sums of the widest heads must not wrap around.
TEST(KeyCodes, AreSummedWithoutOverflow) {
    for (size_t dim : {64u, 512u}) {
        std::vector<float> keys(16 * dim, 0.0f), q(dim, 1.0f);
        for (size_t i = 0; i < dim; ++i) keys[i] = 15;  // code 15 everywhere, with steps of 1
        const std::vector<std::byte> codes = StoredKeys(keys, 1, dim, DType::f32).codes();
        for (float sign : {1.0f, -1.0f}) {
            for (float& value : q) value = sign;
            const SimdLevels levels = simd_levels();
            for (size_t level = 0; level < levels.count; ++level) {
                float most = NAN;
                levels.table[level]->most_coded(q.data(), 1, codes.data(), 2, dim, &most, 1);
                EXPECT_NEAR(most, sign > 0 ? 15.0f * float(dim) : 0.0f, 0.01f) << levels.table[level]->name;
            }
        }
    }
}

TEST(KeyCodes, MeanTheSameAtEveryVectorLevel) {
    const SimdLevels levels = simd_levels();
    for (size_t dim : {5u, 24u, 64u, 200u})
        for (size_t rows : {1u, 2u, 3u, 4u, 7u}) {
            const std::vector<float> q = random_floats(rows * dim, 8);
            const std::vector<std::byte> codes = StoredKeys(random_floats(50 * dim, 9), 1, dim, DType::f16).codes();
            std::vector<float> plain(2 * rows);
            simd_baseline::table.most_coded(q.data(), rows, codes.data(), coded_groups(50), dim, plain.data(), 2);
            for (size_t level = 0; level < levels.count; ++level) {
                std::vector<float> found(2 * rows);
                levels.table[level]->most_coded(q.data(), rows, codes.data(), coded_groups(50), dim, found.data(), 2);
                test::expect_near(found, test::doubles(plain), test::sum_tolerance(dim, test::largest(q), 20),
                                  levels.table[level]->name);
            }
        }
}

}  // namespace
}  // namespace lv
