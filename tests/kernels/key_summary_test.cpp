#include "kernels/key_summary.h"

#include "tests/support.h"

namespace lv {
namespace {

TEST(KeySummary, HoldsTheLeastAndTheLargestOfEveryBlockAsStored) {
    constexpr size_t kv_heads = 2, dim = 5, cols = kv_heads * dim, stride = cols + 3;
    for (DType dtype : {DType::f32, DType::f16, DType::i8})
        for (size_t rows : {size_t{1}, summary_keys - 1, summary_keys, summary_keys + 1, size_t{70}}) {
            std::vector<float> keys = test::random_floats(rows * cols, 7);
            keys[0] = 1e-9f;  // below what f16 can hold: it must still be rounded outwards
            std::vector<std::byte> store(rows * stride * 4);
            std::vector<float> scales(rows * kv_heads);
            const ConstMatrix x(keys.data(), rows, cols);
            for (size_t row = 0; row < rows; ++row) {
                std::byte* to = store.data() + row * stride * dtype_bytes(dtype);
                if (dtype == DType::f32) std::copy_n(x.row(row).data(), cols, reinterpret_cast<float*>(to));
                if (dtype == DType::f16) convert(x.row(row), std::span(reinterpret_cast<Half*>(to), cols));
            }
            if (dtype == DType::i8)
                quantize_heads(x, kv_heads, reinterpret_cast<int8_t*>(store.data()), stride, scales.data());
            const auto stored = [&](size_t row, size_t col) {
                const size_t at = row * stride + col;
                if (dtype == DType::f32) return reinterpret_cast<const float*>(store.data())[at];
                if (dtype == DType::f16) return to_float(reinterpret_cast<const Half*>(store.data())[at]);
                return float(reinterpret_cast<const int8_t*>(store.data())[at]) * scales[row * kv_heads + col / dim];
            };
            KvPiece piece{dtype, store.data(), store.data(), scales.data(), scales.data(), rows, stride, 0};
            std::vector<Half> summary(summary_blocks(rows) * 2 * cols + 1, Half{0x7e00});
            summarise_keys(nullptr, piece, kv_heads, dim, summary);
            EXPECT_EQ(summary.back().bits, 0x7e00) << "nothing behind the last block is written";
            for (size_t block = 0; block < summary_blocks(rows); ++block)
                for (size_t col = 0; col < cols; ++col) {
                    float least = INFINITY, largest = -INFINITY;
                    for (size_t row = block * summary_keys; row < std::min(rows, (block + 1) * summary_keys); ++row) {
                        least = std::min(least, stored(row, col));
                        largest = std::max(largest, stored(row, col));
                    }
                    const size_t at = (block * kv_heads + col / dim) * 2 * dim + col % dim;
                    const float low = to_float(summary[at]), high = to_float(summary[at + dim]);
                    // One step of f16 is 2^-10 of the value, or 2^-24 where it is subnormal.
                    EXPECT_LE(low, least);
                    EXPECT_GE(low, least - std::fabs(least) * 0x1p-10f - 0x1p-24f);
                    EXPECT_GE(high, largest);
                    EXPECT_LE(high, largest + std::fabs(largest) * 0x1p-10f + 0x1p-24f);
                    if (dtype == DType::f16) {
                        EXPECT_EQ(low, least);
                        EXPECT_EQ(high, largest);
                    }
                }
        }
}

TEST(KeySummary, BoundsAreAboveEveryLogitOfThePageAndTightForOneKey) {
    constexpr size_t heads = 6, kv_heads = 2, pages = 70;
    const Context context(3);
    for (size_t dim : {5u, 64u})
        for (size_t page_rows : {1u, 40u, 2100u}) {
            const size_t cols = kv_heads * dim, used = page_rows > 100 ? 2 : pages;
            const std::vector<float> keys = test::random_floats(used * page_rows * cols, 3);
            const std::vector<float> q = test::random_floats(heads * dim, 4), factors = test::random_floats(heads, 5);
            std::vector<std::vector<Half>> summaries(used);
            std::vector<std::span<const Half>> views(used);
            for (size_t page = 0; page < used; ++page) {
                summaries[page].resize(summary_blocks(page_rows) * 2 * cols);
                const float* from = keys.data() + page * page_rows * cols;
                summarise_keys(nullptr, {DType::f32, from, from, nullptr, nullptr, page_rows, cols, 0}, kv_heads, dim,
                               summaries[page]);
                views[page] = summaries[page];
            }
            AttentionInput input;
            input.heads = heads;
            input.kv_heads = kv_heads;
            input.head_dim = dim;
            input.q = {q.data(), 1, heads * dim};
            input.scale = 0.3f;
            input.logit_scale = {factors.data(), 1, heads};  // of both signs
            std::vector<float> bounds(heads * used);
            bound_logits(context, input, views, bounds);
            // f16 rounds the keys by 2^-11 of themselves, either way.
            const double slack = 0.3 * 4 * test::largest(q) * test::largest(keys) * double(dim) * 0x1p-10;
            for (size_t head = 0; head < heads; ++head)
                for (size_t page = 0; page < used; ++page) {
                    double most = -INFINITY;
                    for (size_t row = 0; row < page_rows; ++row) {
                        double dot = 0;
                        for (size_t i = 0; i < dim; ++i)
                            dot +=
                                double(q[head * dim + i]) * keys[(page * page_rows + row) * cols + head / 3 * dim + i];
                        most = std::max(most, dot * 0.3 * factors[head]);
                    }
                    EXPECT_GE(bounds[head * used + page], most - 1e-4);
                    if (page_rows == 1) {
                        EXPECT_NEAR(bounds[head * used + page], most, slack);
                    }
                }
        }
}

}  // namespace
}  // namespace lv
