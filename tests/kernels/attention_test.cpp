// What attention does on the host alone: the plain form, parts that merge, logits that are kept, threads.
// Its sizes, types and masks are tested with those of the devices, in tests/devices.
#include <numeric>

#include "tests/devices/attention_scene.h"

namespace lv::test {
namespace {

TEST(Attention, ThePlainFormMatchesTheReference) {
    const Context context(1);
    for (const AttentionCase& c : attention_cases(true)) {
        if (c.rows * c.keys > 5000) continue;
        AttentionScene scene(c, context);
        std::vector<float> out(c.rows * c.heads * c.dim, NAN);
        plain::attend(scene.input, {out.data(), c.rows, c.heads * c.dim});
        expect_near(out, scene.expected(), scene.tolerance(), text(c));
    }
}

TEST(Attention, PartsMergeToTheWholeInAnyOrder) {
    const Context context(2);
    for (size_t rows : {1u, 20u}) {
        AttentionScene scene({rows, 301, 6, 2, 64, DType::f16, true, 0, 43}, context);
        const size_t cols = scene.input.q.cols;
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
        expect_near(merged, doubles(whole), scene.tolerance());
        EXPECT_TRUE(held[0].out.gaps_untouched() && held[0].max.gaps_untouched());
    }
}

TEST(Attention, MassFromKeptLogitsIsTheProbabilityOfEveryKey) {
    const Context context(3);
    for (size_t rows : {1u, 3u})
        for (DType dtype : {DType::f16, DType::i8}) {
            AttentionScene scene({rows, 400, 6, 2, 64, dtype, true, 0, 64, true, 2}, context);
            Padded out(rows, 384), max(rows, 6), sum(rows, 6), logits(rows * 6, 400);
            const AttentionPart part{out.view, max.view, sum.view, logits.view};
            attend_part(context, scene.input, part);
            std::vector<float> mass(400, 0.25f);
            attention_mass(context, scene.input, part, {mass, 0, 0.5f});
            reference::Doubles expected;
            scene.expected(&expected);
            for (double& value : expected) value = 0.25 + 0.5 * value;
            expect_near(mass, expected, scene.tolerance());
            EXPECT_NEAR(std::accumulate(mass.begin(), mass.end(), 0.0), 100 + 0.5 * 6 * double(rows),
                        1e-3 * double(rows));
        }
}

TEST(Attention, MassOfSomePiecesLandsOnTheirKeysAndNowhereElse) {
    const Context context(2);
    AttentionScene scene({1, 400, 6, 2, 64, DType::i8, true, 0, 50, true, 2}, context);
    std::vector<KvPiece> some{scene.pieces[2], scene.pieces[5], scene.pieces[7]};
    for (KvPiece& piece : some) piece.first_row += 1000;  // of keys that were numbered from 1000 on
    scene.input.pieces = some;
    scene.input.first_row += 1000;
    Padded out(1, 384), max(1, 6), sum(1, 6), logits(6, 150);
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
    const Context one(1);
    for (const AttentionCase& c : {AttentionCase{1, 40000, 6, 2, 64, DType::f16, true, 0, 256, false, 2},
                                   {1, 5000, 6, 2, 64, DType::i8, true, 0, 256, true, 2}}) {
        AttentionScene scene(c, one);
        std::vector<float> expected(384), found(384);
        attend(one, scene.input, {expected.data(), 1, 384});
        expect_near(expected, scene.expected(), scene.tolerance(), text(c));
        for (size_t threads : {7u, 8u}) {
            attend(Context(threads), scene.input, {found.data(), 1, 384});
            expect_near(found, doubles(expected), scene.tolerance(), text(c));
        }
    }
}

}  // namespace
}  // namespace lv::test
