#include "kernels/attention.h"

#include <numeric>

#include "tests/support.h"

namespace lv {
namespace {

using test::doubles;
using test::Padded;
using test::random_floats;

struct Case {
    size_t rows, keys, heads, kv_heads, dim;
    DType dtype = DType::f16;
    bool causal = true;
    size_t window = 0;
    size_t page = 50;     // keys in a piece
    bool scaled = false;  // with logit_scale
    size_t threads = 3;
};

std::string text(const Case& c) {
    return std::to_string(c.rows) + " rows, " + std::to_string(c.keys) + " keys, " + std::to_string(c.heads) + "/" +
           std::to_string(c.kv_heads) + " heads of " + std::to_string(c.dim) + ", " + std::string(dtype_name(c.dtype)) +
           (c.causal ? ", causal" : "") + ", window " + std::to_string(c.window);
}

// Keys and values in pages, each page its own memory that ends right after its last value.
struct Store {
    std::vector<std::vector<std::byte>> memory;
    std::vector<std::vector<float>> scales;
    std::vector<KvPiece> pieces;
    reference::Doubles keys, values;  // as stored, dense

    Store(const Case& c, const std::vector<float>& k, const std::vector<float>& v) {
        size_t cols = c.kv_heads * c.dim, stride = cols + 2;
        for (size_t first = 0; first < c.keys; first += c.page) {
            KvPiece piece;
            piece.dtype = c.dtype;
            piece.rows = std::min(c.page, c.keys - first);
            piece.stride = stride;
            piece.first_row = first;
            piece.keys = store(c, k, first, piece.rows, stride, piece.key_scales, keys);
            piece.values = store(c, v, first, piece.rows, stride, piece.value_scales, values);
            pieces.push_back(piece);
        }
    }

    const void* store(const Case& c, const std::vector<float>& from, size_t first, size_t rows, size_t stride,
                      const float*& scale, reference::Doubles& dense) {
        size_t cols = c.kv_heads * c.dim;
        ConstMatrix part(from.data() + first * cols, rows, cols);
        auto& bytes = memory.emplace_back(((rows - 1) * stride + cols) * dtype_bytes(c.dtype));
        auto& own = scales.emplace_back(rows * c.kv_heads);
        for (size_t row = 0; row < rows; ++row) {
            std::byte* to = bytes.data() + row * stride * dtype_bytes(c.dtype);
            if (c.dtype == DType::f32) std::copy_n(part.row(row).data(), cols, reinterpret_cast<float*>(to));
            if (c.dtype == DType::f16) convert(part.row(row), std::span(reinterpret_cast<Half*>(to), cols));
        }
        if (c.dtype == DType::i8) {
            quantize_heads(part, c.kv_heads, reinterpret_cast<int8_t*>(bytes.data()), stride, own.data());
            scale = own.data();
        }
        for (size_t row = 0; row < rows; ++row)
            for (size_t col = 0; col < cols; ++col) {
                size_t at = row * stride + col;
                if (c.dtype == DType::f32) dense.push_back(part.at(row, col));
                if (c.dtype == DType::f16) dense.push_back(to_float(reinterpret_cast<Half*>(bytes.data())[at]));
                if (c.dtype == DType::i8)
                    dense.push_back(double(reinterpret_cast<int8_t*>(bytes.data())[at]) *
                                    own[row * c.kv_heads + col / c.dim]);
            }
        return bytes.data();
    }
};

struct Scene {
    Case c;
    std::vector<float> q, logit_scale;
    Store store;
    AttentionInput input;

    explicit Scene(const Case& c_)
        : c(c_),
          q(random_floats(c.rows * c.heads * c.dim, 1)),
          logit_scale(random_floats(c.rows * c.heads, 2)),
          store(c, random_floats(c.keys * c.kv_heads * c.dim, 3), random_floats(c.keys * c.kv_heads * c.dim, 4)) {
        input.heads = c.heads;
        input.kv_heads = c.kv_heads;
        input.head_dim = c.dim;
        input.q = {q.data(), c.rows, c.heads * c.dim};
        input.pieces = store.pieces;
        input.scale = 1 / std::sqrt(float(c.dim));
        if (c.scaled) input.logit_scale = {logit_scale.data(), c.rows, c.heads};
        input.first_row = c.keys >= c.rows ? c.keys - c.rows : 0;
        input.causal = c.causal;
        input.window = c.window;
    }
    reference::Doubles expected(reference::Doubles* mass = nullptr) const {
        reference::Attention a{c.heads, c.kv_heads, c.dim, input.scale, {}, input.first_row, c.causal, c.window};
        if (c.scaled) a.logit_scale = doubles(logit_scale);
        return reference::attention(a, doubles(q), store.keys, store.values, c.rows, c.keys, mass);
    }
    // A logit's rounding error enters every weight; values are averaged.
    double tolerance() const {
        double values = 0, keys = 0;
        for (double value : store.values) values = std::max(values, std::fabs(value));
        for (double key : store.keys) keys = std::max(keys, std::fabs(key));
        double logit_error = test::sum_tolerance(c.dim, test::largest(q), keys) * input.scale * (c.scaled ? 4 : 1);
        return (logit_error + test::epsilon_f32 * std::sqrt(double(c.keys))) * values;
    }
};

TEST(Attention, MatchesTheReferenceAtEverySizeTypeAndMask) {
    std::vector<Case> cases;
    for (size_t rows : {1u, 3u, 4u, 5u, 17u, 40u})
        for (size_t keys : {1u, 49u, 50u, 51u, 127u, 128u, 129u, 333u})
            for (size_t window : {0u, 1u, 32u})
                cases.push_back({rows, std::max(rows, keys), 6, 2, 64, DType::f16, true, window});
    for (DType dtype : {DType::f32, DType::f16, DType::i8})
        for (size_t dim : {1u, 16u, 48u, 64u, 80u, 128u})
            for (size_t rows : {1u, 2u, 9u}) {
                cases.push_back({rows, 77, 4, 2, dim, dtype, true, 0, 30, true});
                cases.push_back({rows, 77, 3, 3, dim, dtype, false, 0, 200, true});
                cases.push_back({rows, 77, 8, 1, dim, dtype, true, 20, 33});
            }
    cases.push_back({2, 5000, 6, 2, 64, DType::f16, true, 0, 256});
    cases.push_back({130, 700, 6, 2, 64, DType::f16, true, 0, 256});
    cases.push_back({1, 5000, 6, 2, 64, DType::i8, true, 0, 256, true, 8});
    for (const Case& c : cases) {
        Scene scene(c);
        Context context(c.threads);
        std::vector<float> out(c.rows * c.heads * c.dim, NAN);
        attend(context, scene.input, {out.data(), c.rows, c.heads * c.dim});
        reference::Doubles expected = scene.expected();
        test::expect_near(out, expected, scene.tolerance(), text(c));
        if (c.rows * c.keys > 5000) continue;
        plain::attend(scene.input, {out.data(), c.rows, c.heads * c.dim});
        test::expect_near(out, expected, scene.tolerance(), "plain, " + text(c));
    }
}

TEST(Attention, PartsMergeToTheWholeInAnyOrder) {
    Context context(2);
    for (size_t rows : {1u, 20u}) {
        Scene scene({rows, 301, 6, 2, 64, DType::f16, true, 0, 43});
        size_t cols = scene.input.q.cols;
        std::vector<float> whole(rows * cols), merged(rows * cols);
        attend(context, scene.input, {whole.data(), rows, cols});
        struct Held {
            Padded out, max, sum;
            AttentionPart part() { return {out.view, max.view, sum.view}; }
        };
        std::vector<Held> held;
        for (auto [first, count] : {std::pair<size_t, size_t>{5, 2}, {0, 0}, {0, 3}, {3, 2}}) {
            AttentionInput some = scene.input;
            some.pieces = scene.input.pieces.subspan(first, count);
            held.push_back({Padded(rows, cols), Padded(rows, 6), Padded(rows, 6)});
            attend_part(context, some, held.back().part());
        }
        for (size_t i = 1; i < held.size(); ++i) merge_attention(held[i].part(), held[0].part());
        finish_attention(context, held[0].part(), {merged.data(), rows, cols});
        test::expect_near(merged, doubles(whole), scene.tolerance());
        EXPECT_TRUE(held[0].out.gaps_untouched() && held[0].max.gaps_untouched());
    }
}

TEST(Attention, ARowThatSeesNothingGivesZeros) {
    Context context(1);
    for (size_t rows : {2u, 10u}) {
        Scene scene({rows, 30, 2, 1, 16, DType::f16, true, 4, 30});
        scene.input.first_row = 100;  // the window has left all keys behind
        std::vector<float> out(rows * 32, NAN);
        attend(context, scene.input, {out.data(), rows, 32});
        EXPECT_EQ(out, std::vector<float>(rows * 32, 0.0f));
        scene.input.pieces = {};
        std::fill(out.begin(), out.end(), NAN);
        attend(context, scene.input, {out.data(), rows, 32});
        EXPECT_EQ(out, std::vector<float>(rows * 32, 0.0f));
    }
}

TEST(Attention, HugeLogitsDoNotOverflow) {
    Context context(1);
    for (size_t rows : {1u, 8u}) {
        Scene scene({rows, 90, 2, 1, 32, DType::f32, true, 0, 40});
        scene.input.scale = 300;
        std::vector<float> out(rows * 64);
        attend(context, scene.input, {out.data(), rows, 64});
        for (float value : out) EXPECT_TRUE(std::isfinite(value));
    }
}

TEST(Attention, MassIsTheProbabilityOfEveryKey) {
    Context context(3);
    for (size_t rows : {1u, 3u, 11u})
        for (DType dtype : {DType::f16, DType::i8}) {
            Scene scene({rows, 400, 6, 2, 64, dtype, true, 0, 64, true});
            size_t cols = scene.input.q.cols;
            Padded out(rows, cols), max(rows, 6), sum(rows, 6);
            reference::Doubles expected;
            scene.expected(&expected);
            for (double& value : expected) value = 0.25 + 0.5 * value;
            // By reading the keys once more, and from logits that attend_part() has left.
            Padded logits(rows * 6, 400);
            for (const Matrix& kept : {Matrix{}, logits.view}) {
                if (kept.data && rows > attention_few_rows) continue;
                const AttentionPart part{out.view, max.view, sum.view, kept};
                attend_part(context, scene.input, part);
                std::vector<float> mass(400, 0.25f);
                attention_mass(context, scene.input, part, {mass, 0, 0.5f});
                test::expect_near(mass, expected, scene.tolerance());
                EXPECT_NEAR(std::accumulate(mass.begin(), mass.end(), 0.0), 100 + 0.5 * 6 * double(rows),
                            1e-3 * double(rows));
            }
        }
}

TEST(Attention, MassOfSomePiecesLandsOnTheirKeysAndNowhereElse) {
    Context context(2);
    Scene scene({1, 400, 6, 2, 64, DType::i8, true, 0, 50, true});
    const std::vector<KvPiece> some{scene.input.pieces[2], scene.input.pieces[5], scene.input.pieces[7]};
    for (KvPiece& piece : scene.store.pieces) piece.first_row += 1000;  // of keys that were numbered from 1000 on
    std::vector<KvPiece> moved = some;
    for (KvPiece& piece : moved) piece.first_row += 1000;
    scene.input.pieces = moved;
    scene.input.first_row += 1000;
    Padded out(1, 384), max(1, 6), sum(1, 6);
    Padded logits(6, 150);
    for (const Matrix& kept : {Matrix{}, logits.view}) {
        const AttentionPart part{out.view, max.view, sum.view, kept};
        attend_part(context, scene.input, part);
        std::vector<float> mass(400, 0.0f);
        attention_mass(context, scene.input, part, {mass, 1000, 1.0f});
        float total = 0;
        for (size_t key = 0; key < mass.size(); ++key) {
            const bool given = (key >= 100 && key < 150) || (key >= 250 && key < 300) || key >= 350;
            EXPECT_EQ(mass[key] > 0, given) << key;
            total += mass[key];
        }
        EXPECT_NEAR(total, 6, 1e-4);
    }
}

TEST(Attention, OneThreadAndManyGiveTheSameAnswer) {
    Scene scene({1, 40000, 6, 2, 64, DType::f16, true, 0, 256});
    std::vector<float> one(384), many(384);
    attend(Context(1), scene.input, {one.data(), 1, 384});
    attend(Context(7), scene.input, {many.data(), 1, 384});
    test::expect_near(many, doubles(one), scene.tolerance());
}

}  // namespace
}  // namespace lv
