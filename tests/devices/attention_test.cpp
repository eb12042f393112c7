// Attention over pieces wherever it runs, and what surrounds it: stores, sinks, evidence, bounds.
#include "kernels/attention.h"

#include <numeric>

#include "kernels/key_summary.h"
#include "kernels/kv_rows.h"
#include "tests/devices/on_device.h"

namespace lv::test {
namespace {

class Attentions : public Everywhere {};
INSTANTIATE_TEST_SUITE_P(On, Attentions, everywhere, where_name);

struct Case {
    size_t rows, keys, heads, kv_heads, dim;
    DType dtype = DType::f16;
    bool causal = true;
    size_t window = 0;
    size_t page = 50;     // keys in a piece
    bool scaled = false;  // with logit_scale
    size_t gap = 0;       // values between rows: 0 leaves heads at multiples of 16 bytes where dim does
};

std::string text(const Case& c) {
    return std::to_string(c.rows) + " rows, " + std::to_string(c.keys) + " keys, " + std::to_string(c.heads) + "/" +
           std::to_string(c.kv_heads) + " heads of " + std::to_string(c.dim) + ", " + std::string(dtype_name(c.dtype)) +
           (c.causal ? ", causal" : "") + ", window " + std::to_string(c.window) + ", page " + std::to_string(c.page);
}

// A scene in a context's memory; keys and values as they are stored there, in double.
struct Scene {
    Case c;
    const Context& context;
    std::vector<float> q, logit_scale;
    reference::Doubles keys, values;
    std::vector<Placed<std::byte>> memory;
    std::vector<Placed<float>> scales;
    std::vector<KvPiece> pieces;
    Placed<float> placed_q, placed_scale;
    AttentionInput input;

    Scene(const Case& c_, const Context& context_)
        : c(c_),
          context(context_),
          q(random_floats(c.rows * c.heads * c.dim, 1)),
          logit_scale(random_floats(c.rows * c.heads, 2)),
          placed_q(context, std::span<const float>(q)),
          placed_scale(context, std::span<const float>(logit_scale)) {
        const auto k = random_floats(c.keys * c.kv_heads * c.dim, 3), v = random_floats(c.keys * c.kv_heads * c.dim, 4);
        for (size_t first = 0; first < c.keys; first += c.page) {
            KvPiece piece{.dtype = c.dtype, .rows = std::min(c.page, c.keys - first)};
            piece.stride = c.kv_heads * c.dim + c.gap;
            piece.first_row = first;
            piece.keys = store(k, first, piece, piece.key_scales, keys);
            piece.values = store(v, first, piece, piece.value_scales, values);
            pieces.push_back(piece);
        }
        input.heads = c.heads;
        input.kv_heads = c.kv_heads;
        input.head_dim = c.dim;
        input.q = {placed_q.span().data(), c.rows, c.heads * c.dim};
        input.pieces = pieces;
        input.scale = 1 / std::sqrt(float(c.dim));
        if (c.scaled) input.logit_scale = {placed_scale.span().data(), c.rows, c.heads};
        input.first_row = c.keys >= c.rows ? c.keys - c.rows : 0;
        input.causal = c.causal;
        input.window = c.window;
    }

    // Made by the host's own functions, so that the device's store is not trusted here.
    const void* store(const std::vector<float>& from, size_t first, const KvPiece& piece, const float*& scale,
                      reference::Doubles& dense) {
        const size_t cols = c.kv_heads * c.dim;
        const ConstMatrix part(from.data() + first * cols, piece.rows, cols);
        std::vector<std::byte> bytes(((piece.rows - 1) * piece.stride + cols) * dtype_bytes(c.dtype));
        std::vector<float> own(piece.rows * c.kv_heads);
        for (size_t row = 0; row < piece.rows; ++row) {
            std::byte* to = bytes.data() + row * piece.stride * dtype_bytes(c.dtype);
            if (c.dtype == DType::f32) std::copy_n(part.row(row).data(), cols, reinterpret_cast<float*>(to));
            if (c.dtype == DType::f16) convert(part.row(row), std::span(reinterpret_cast<Half*>(to), cols));
        }
        if (c.dtype == DType::i8)
            quantize_heads(part, c.kv_heads, reinterpret_cast<int8_t*>(bytes.data()), piece.stride, own.data());
        for (size_t row = 0; row < piece.rows; ++row)
            for (size_t col = 0; col < cols; ++col) {
                const size_t at = row * piece.stride + col;
                if (c.dtype == DType::f32) dense.push_back(part.at(row, col));
                if (c.dtype == DType::f16) dense.push_back(to_float(reinterpret_cast<Half*>(bytes.data())[at]));
                if (c.dtype == DType::i8)
                    dense.push_back(double(reinterpret_cast<int8_t*>(bytes.data())[at]) *
                                    own[row * c.kv_heads + col / c.dim]);
            }
        scales.emplace_back(context, std::span<const float>(own));
        if (c.dtype == DType::i8) scale = scales.back().span().data();
        return memory.emplace_back(context, std::span<const std::byte>(bytes)).span().data();
    }

    reference::Doubles expected(reference::Doubles* mass = nullptr) const {
        reference::Attention a{c.heads, c.kv_heads, c.dim, input.scale, {}, input.first_row, c.causal, c.window};
        if (c.scaled) a.logit_scale = doubles(logit_scale);
        return reference::attention(a, doubles(q), keys, values, c.rows, c.keys, mass);
    }
    // A logit's rounding error enters every weight; values are averaged. `eps`: of the queries and the weights.
    double tolerance(double eps) const {
        double most_value = 0, most_key = 0;
        for (double value : values) most_value = std::max(most_value, std::fabs(value));
        for (double key : keys) most_key = std::max(most_key, std::fabs(key));
        const double logit = sum_tolerance(c.dim, largest(q), most_key, eps) * input.scale * (c.scaled ? 4 : 1);
        return (logit + eps * std::sqrt(double(c.keys))) * most_value;
    }
};

TEST_P(Attentions, MatchTheReferenceAtEverySizeTypeAndMask) {
    const Context context = make_context();
    std::vector<Case> cases;
    for (size_t rows : {1u, 3u, 5u, 17u})
        for (size_t keys : {1u, 50u, 65u, 129u})
            for (size_t window : {0u, 1u, 32u})
                cases.push_back({rows, std::max(rows, keys), 6, 2, 64, DType::f16, true, window});
    for (DType dtype : {DType::f32, DType::f16, DType::i8})
        for (size_t dim : {1u, 16u, 48u, 64u, 80u, 128u, 256u})
            for (size_t rows : {1u, 2u, 9u}) {
                cases.push_back({rows, 47, 4, 2, dim, dtype, true, 0, 30, true});
                cases.push_back({rows, 77, 3, 3, dim, dtype, false, 0, 200, true, 3});
                cases.push_back({rows, 47, 8, 1, dim, dtype, true, 20, 33});
            }
    cases.push_back({2, 1500, 6, 2, 64, DType::f16, true, 0, 256});  // splits
    cases.push_back({70, 600, 3, 1, 64, DType::f16, true, 0, 256});  // tiles of queries
    cases.push_back({9, 1300, 2, 1, 64, DType::i8, false, 0, 100});
    for (const Case& c : cases) {
        Scene scene(c, context);
        PlacedMatrix out(context, std::vector<float>(c.rows * c.heads * c.dim, NAN), c.rows, c.heads * c.dim);
        attend(context, scene.input, out.view());
        const bool rounded = c.rows > 4 && c.dtype != DType::f32 && (c.dim == 64 || c.dim == 128);
        const double eps = rounded ? epsilon(epsilon_f16) : epsilon_f32;
        const reference::Doubles expected = scene.expected();
        expect_near(out.values(), expected, scene.tolerance(eps), text(c));
        expect_close(out.values(), expected, std::max(8 * eps, 64 * epsilon_f32), text(c));
        EXPECT_TRUE(out.gaps_untouched()) << text(c);
    }
}

TEST_P(Attentions, SomePiecesAreReadWithTheirOwnNumbers) {
    const Context context = make_context();
    for (size_t rows : {1u, 9u}) {
        Scene scene({rows, 200, 2, 1, 64, DType::f16, true, 70, 20}, context);
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
        expect_near(out.values(), expected, scene.tolerance(rows > 4 ? epsilon(epsilon_f16) : epsilon_f32));
    }
}

TEST_P(Attentions, ARowThatSeesNothingGivesZeros) {
    const Context context = make_context();
    for (size_t rows : {2u, 10u}) {
        Scene scene({rows, 30, 2, 1, 64, DType::f16, true, 4, 30}, context);
        scene.input.first_row = 32;  // the first rows' window still holds keys for some lanes, the last rows' none
        PlacedMatrix out(context, std::vector<float>(rows * 128, NAN), rows, 128);
        attend(context, scene.input, out.view());
        const std::vector<float> found = out.values();
        EXPECT_EQ(std::vector<float>(found.end() - 128, found.end()), std::vector<float>(128, 0.0f));
        scene.input.pieces = {};
        attend(context, scene.input, out.view());
        EXPECT_EQ(out.values(), std::vector<float>(rows * 128, 0.0f));
    }
}

TEST_P(Attentions, HugeLogitsDoNotOverflow) {
    const Context context = make_context();
    for (size_t rows : {1u, 8u}) {
        Scene scene({rows, 90, 2, 1, 64, DType::f16, true, 0, 40}, context);
        scene.input.scale = 300;
        PlacedMatrix out(context, rows, 128);
        attend(context, scene.input, out.view());
        for (float value : out.values()) EXPECT_TRUE(std::isfinite(value));
    }
}

TEST_P(Attentions, ASinkAndTheEvidenceMatchTheReference) {
    const Context context = make_context();
    for (size_t rows : {1u, 3u, 11u})
        for (DType dtype : {DType::f32, DType::f16, DType::i8}) {
            Scene scene({rows, 200, 6, 2, 64, dtype, true, 0, 64, true}, context);
            const size_t cols = scene.input.q.cols;
            PlacedMatrix out(context, rows, cols), max(context, rows, 6), sum(context, rows, 6);
            const AttentionPart part{out.view(), max.view(), sum.view()};
            attend_part(context, scene.input, part);
            std::vector<float> mass(200, 0.25f);
            attention_mass(context, scene.input, part, {mass, 0, 0.5f});
            reference::Doubles expected_mass;
            const reference::Doubles expected = scene.expected(&expected_mass);
            for (double& value : expected_mass) value = 0.25 + 0.5 * value;
            const bool rounded = rows > 4 && dtype != DType::f32;
            const double tolerance = scene.tolerance(rounded ? epsilon(epsilon_f16) : epsilon_f32);
            expect_near(mass, expected_mass, tolerance);

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

TEST_P(Attentions, RowsAreStoredAndSummarisedAsOnTheHost) {
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

            std::vector<Half> summary(summary_blocks(rows + 1) * 2 * cols, Half{0});
            Placed<Half> placed(context, std::span<const Half>(summary));
            const auto piece = [&](std::byte* data, float* scales) {
                return KvPiece{dtype, data, data, scales, scales, rows + 1, cols, 0};
            };
            summarise_keys(nullptr, piece(expected.data(), expected_scales.data()), kv_heads, dim, summary);
            summarise_keys(context.device(), piece(found.span().data(), found_scales.span().data()), kv_heads, dim,
                           placed.span());
            const std::vector<Half> there = placed.values();
            for (size_t i = 0; i < summary.size(); ++i)
                ASSERT_EQ(there[i].bits, summary[i].bits) << i << " of " << dtype_name(dtype);
        }
}

TEST_P(Attentions, BoundsOfPagesAreThoseOfTheHost) {
    const Context context = make_context(), host(1);
    constexpr size_t heads = 6, kv_heads = 2, pages = 5, dim = 48, cols = kv_heads * dim;
    const auto q = random_floats(heads * dim, 4), factors = random_floats(heads, 5);
    std::vector<std::vector<Half>> summaries(pages);
    std::vector<Placed<Half>> placed;
    std::vector<std::span<const Half>> views, placed_views;
    for (size_t page = 0; page < pages; ++page) {
        const size_t rows = 20 + 60 * page;
        const auto keys = random_floats(rows * cols, uint32_t(page));
        summaries[page].resize(summary_blocks(rows) * 2 * cols);
        summarise_keys(nullptr, {DType::f32, keys.data(), keys.data(), nullptr, nullptr, rows, cols, 0}, kv_heads, dim,
                       summaries[page]);
        views.push_back(summaries[page]);
        placed_views.push_back(placed.emplace_back(context, std::span<const Half>(summaries[page])).span());
    }
    Placed<float> placed_q(context, std::span<const float>(q)),
        placed_factors(context, std::span<const float>(factors));
    AttentionInput input;
    input.heads = heads;
    input.kv_heads = kv_heads;
    input.head_dim = dim;
    input.scale = 0.3f;
    std::vector<float> expected(heads * pages), found(heads * pages);
    input.q = {q.data(), 1, heads * dim};
    input.logit_scale = {factors.data(), 1, heads};
    bound_logits(host, input, views, expected);
    input.q = {placed_q.span().data(), 1, heads * dim};
    input.logit_scale = {placed_factors.span().data(), 1, heads};
    bound_logits(context, input, placed_views, found);
    expect_near(found, doubles(expected), sum_tolerance(2 * dim, largest(q), 20));
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
