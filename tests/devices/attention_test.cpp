// Attention over pieces wherever it runs, and what surrounds it: stores, sinks, evidence, bounds.
#include <numeric>

#include "kernels/key_codes.h"
#include "kernels/kv_rows.h"
#include "tests/devices/attention_scene.h"

namespace lv::test {
namespace {

class Attentions : public Everywhere {
   protected:
    // Many rows meet f16 and int8 keys of these sizes on the tensor cores.
    double epsilon_of(const AttentionCase& c) const {
        const bool rounded = c.rows > attention_few_rows && c.dtype != DType::f32 && (c.dim == 64 || c.dim == 128);
        return rounded ? epsilon(epsilon_f16) : epsilon_f32;
    }
};
INSTANTIATE_TEST_SUITE_P(On, Attentions, everywhere, where_name);

TEST_P(Attentions, MatchTheReferenceAtEverySizeTypeAndMask) {
    const Context context = make_context();
    for (const AttentionCase& c : attention_cases(on_host())) {
        AttentionScene scene(c, context);
        PlacedMatrix out(context, std::vector<float>(c.rows * c.heads * c.dim, NAN), c.rows, c.heads * c.dim);
        attend(context, scene.input, out.view());
        const double eps = epsilon_of(c);
        const reference::Doubles expected = scene.expected();
        expect_near(out.values(), expected, scene.tolerance(eps), text(c));
        expect_close(out.values(), expected, std::max(8 * eps, 64 * epsilon_f32), text(c));
        EXPECT_TRUE(out.gaps_untouched()) << text(c);
    }
}

TEST_P(Attentions, SomePiecesAreReadWithTheirOwnNumbers) {
    const Context context = make_context();
    for (size_t rows : {1u, 9u}) {
        AttentionScene scene({rows, 200, 2, 1, 64, DType::f16, true, 70, 20}, context);
        const std::vector<KvPiece> some{scene.pieces[2], scene.pieces[7], scene.pieces[8], scene.pieces[9]};
        scene.input.pieces = some;
        PlacedMatrix out(context, rows, 128);
        attend(context, scene.input, out.view());
        // The same as a scene where all other keys are out of sight.
        reference::Doubles expected(rows * 128);
        for (size_t row = 0; row < rows; ++row)
            for (size_t head = 0; head < 2; ++head) {
                double sum = 0;
                std::vector<double> total(64);
                for (size_t key = 0; key < 200; ++key) {
                    const size_t own = 200 - rows + row, page = key / 20;
                    if ((page != 2 && page < 7) || key > own || key + 70 <= own) continue;
                    double logit = 0;
                    for (size_t i = 0; i < 64; ++i)
                        logit += scene.q[(row * 2 + head) * 64 + i] * scene.keys[key * 64 + i];
                    const double weight = std::exp(logit / 8);
                    sum += weight;
                    for (size_t i = 0; i < 64; ++i) total[i] += weight * scene.values[key * 64 + i];
                }
                for (size_t i = 0; i < 64; ++i) expected[(row * 2 + head) * 64 + i] = total[i] / sum;
            }
        expect_near(out.values(), expected, scene.tolerance(epsilon_of(scene.c)));
    }
}

TEST_P(Attentions, ARowThatSeesNothingGivesZeros) {
    const Context context = make_context();
    for (size_t dim : sizes<size_t>({64}, {16}))
        for (size_t rows : {2u, 10u}) {
            const size_t cols = 2 * dim;
            AttentionScene scene({rows, 30, 2, 1, dim, DType::f16, true, 4, 30}, context);
            const auto found = [&] {
                PlacedMatrix out(context, std::vector<float>(rows * cols, NAN), rows, cols);
                attend(context, scene.input, out.view());
                return out.values();
            };
            const std::vector<float> zeros(rows * cols, 0.0f);
            scene.input.first_row = 32;  // the first rows' window still holds keys for some lanes, the last rows' none
            const std::vector<float> some = found();
            EXPECT_TRUE(std::equal(zeros.begin(), zeros.begin() + ptrdiff_t(cols), some.end() - ptrdiff_t(cols)));
            scene.input.first_row = 100;  // the window has left all keys behind
            EXPECT_EQ(found(), zeros);
            scene.input.pieces = {};
            EXPECT_EQ(found(), zeros);
        }
}

TEST_P(Attentions, HugeLogitsDoNotOverflow) {
    const Context context = make_context();
    for (size_t rows : {1u, 8u})
        for (size_t dim : {32u, 64u}) {
            AttentionScene scene({rows, 90, 2, 1, dim, dim == 64 ? DType::f16 : DType::f32, true, 0, 40}, context);
            scene.input.scale = 300;
            PlacedMatrix out(context, rows, 2 * dim);
            attend(context, scene.input, out.view());
            for (float value : out.values()) EXPECT_TRUE(std::isfinite(value));
        }
}

TEST_P(Attentions, ASinkAndTheEvidenceMatchTheReference) {
    const Context context = make_context();
    for (size_t keys : sizes<size_t>({200}, {400}))
        for (size_t rows : {1u, 3u, 11u})
            for (DType dtype : {DType::f32, DType::f16, DType::i8}) {
                AttentionScene scene({rows, keys, 6, 2, 64, dtype, true, 0, 64, true}, context);
                const size_t cols = scene.input.q.cols;
                PlacedMatrix out(context, rows, cols), max(context, rows, 6), sum(context, rows, 6);
                const AttentionPart part{out.view(), max.view(), sum.view()};
                attend_part(context, scene.input, part);
                Placed<float> placed_mass(context, std::span<const float>(std::vector<float>(keys, 0.25f)));
                attention_mass(context, scene.input, part, {placed_mass.span(), 0, 0.5f});
                const std::vector<float> mass = placed_mass.values();
                reference::Doubles expected_mass;
                const reference::Doubles expected = scene.expected(&expected_mass);
                for (double& value : expected_mass) value = 0.25 + 0.5 * value;
                const double eps = epsilon_of(scene.c), tolerance = scene.tolerance(eps);
                expect_near(mass, expected_mass, tolerance);
                if (eps == epsilon_f32) {
                    EXPECT_NEAR(std::accumulate(mass.begin(), mass.end(), 0.0),
                                0.25 * double(keys) + 0.5 * 6 * double(rows), 1e-3 * double(rows));
                }

                // With a sink each row keeps sum / (sum + e^(sink - max)) of what it had.
                const std::vector<float> sink{-3, 0, 2, 9, -90, 1};
                const std::vector<float> maxes = max.values(), sums = sum.values();
                Placed<float> sinks(context, std::span<const float>(sink));
                add_sink(context, sinks.span(), part);
                finish_attention(context, part, out.view());
                reference::Doubles kept = expected;
                for (size_t i = 0; i < kept.size(); ++i) {
                    const size_t at = i / cols * 6 + i % cols / 64;
                    kept[i] *= 1 / (1 + std::exp(double(sink[at % 6]) - maxes[at]) / sums[at]);
                }
                expect_near(out.values(), kept, tolerance);
                EXPECT_TRUE(out.gaps_untouched() && max.gaps_untouched() && sum.gaps_untouched());
            }
}

TEST_P(Attentions, RowsAreStoredAndCodedAsOnTheHost) {
    const Context context = make_context();
    constexpr size_t kv_heads = 2, dim = 40, cols = kv_heads * dim;
    for (DType dtype : {DType::f32, DType::f16, DType::i8})
        for (size_t rows : {1u, 31u, 33u, 70u}) {
            auto values = random_floats(rows * cols, 7);
            values[0] = 1e-9f;
            values[cols + 1 < values.size() ? cols + 1 : 1] = -1e6f;
            for (size_t i = 0; i < dim && rows > 2; ++i) values[2 * cols + i] = 0;  // a head of zeros
            PlacedMatrix from(context, values, rows, cols);
            const size_t bytes = (rows + 1) * cols * dtype_bytes(dtype);
            std::vector<std::byte> expected(bytes, std::byte{7});
            std::vector<float> expected_scales((rows + 1) * kv_heads, 7.0f);
            Placed<std::byte> found(context, std::span<const std::byte>(expected));
            Placed<float> found_scales(context, std::span<const float>(expected_scales));
            store_rows(nullptr, {values.data(), rows, cols}, {dtype, kv_heads, expected.data(), expected_scales.data()},
                       1);
            store_rows(context.device(), from.view(),
                       {dtype, kv_heads, found.span().data(), found_scales.span().data()}, 1);
            EXPECT_EQ(found.values(), expected) << dtype_name(dtype);
            EXPECT_EQ(found_scales.values(), expected_scales);

            std::vector<std::byte> codes(key_code_bytes(rows + 1, kv_heads, dim));
            Placed<std::byte> placed(context, std::span<const std::byte>(codes));
            const auto piece = [&](std::byte* data, float* scales) {
                return KvPiece{dtype, data, data, scales, scales, rows + 1, cols, 0};
            };
            code_keys(nullptr, piece(expected.data(), expected_scales.data()), kv_heads, dim, codes);
            code_keys(context.device(), piece(found.span().data(), found_scales.span().data()), kv_heads, dim,
                      placed.span());
            EXPECT_EQ(placed.values(), codes) << dtype_name(dtype);
        }
}

TEST_P(Attentions, EstimatesOfPagesAreThoseOfTheHost) {
    const Context context = make_context(), host(1);
    constexpr size_t kv_heads = 2, pages = 5;
    for (size_t group : {1u, 3u, 6u})
        for (size_t dim : {16u, 44u, 64u}) {
            const size_t heads = group * kv_heads, cols = kv_heads * dim;
            const auto q = random_floats(heads * dim, 4), factors = random_floats(heads, 5);
            std::vector<std::vector<std::byte>> codes(pages);
            std::vector<Placed<std::byte>> placed;
            std::vector<std::span<const std::byte>> views, placed_views;
            for (size_t page = 0; page < pages; ++page) {
                const size_t rows = 3 + 70 * page;
                const auto keys = random_floats(rows * cols, uint32_t(page));
                codes[page].resize(key_code_bytes(rows, kv_heads, dim));
                code_keys(nullptr, {DType::f32, keys.data(), keys.data(), nullptr, nullptr, rows, cols, 0}, kv_heads,
                          dim, codes[page]);
                views.push_back(codes[page]);
                placed_views.push_back(placed.emplace_back(context, std::span<const std::byte>(codes[page])).span());
            }
            Placed<float> placed_q(context, std::span<const float>(q)),
                placed_factors(context, std::span<const float>(factors));
            AttentionInput input;
            input.heads = heads;
            input.kv_heads = kv_heads;
            input.head_dim = dim;
            input.scale = 0.3f;
            std::vector<float> expected(heads * pages);
            Placed<float> found(context, std::span<const float>(expected));
            input.q = {q.data(), 1, heads * dim};
            input.logit_scale = {factors.data(), 1, heads};
            estimate_logits(host, input, views, expected);
            input.q = {placed_q.span().data(), 1, heads * dim};
            input.logit_scale = {placed_factors.span().data(), 1, heads};
            estimate_logits(context, input, placed_views, found.span());
            expect_near(found.values(), doubles(expected), sum_tolerance(2 * dim, largest(q), 20));
        }
}

TEST(LengthScale, IsTheLogOfWhatARowSees) {
    if (!why_no_cuda().empty()) GTEST_SKIP() << why_no_cuda();
    const Context context(1, open_cuda({}));
    const std::vector<float> factors{0.5f, -2, 1};
    Placed<float> placed(context, std::span<const float>(factors));
    PlacedMatrix scale(context, 4, 3);
    context.device()->length_scale(placed.span().data(), 0, 1, scale.view());
    reference::Doubles expected;
    for (double seen : {2.0, 2.0, 2.0, 3.0})
        for (double factor : factors) expected.push_back(factor * std::log(seen));
    expect_near(scale.values(), expected, 4 * epsilon_f32);
}

}  // namespace
}  // namespace lv::test
