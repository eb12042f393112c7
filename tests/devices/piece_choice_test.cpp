// The choice of pieces wherever it runs: what a row then reads is what the host would have it read.
#include "kernels/piece_choice.h"

#include <algorithm>

#include "kernels/key_codes.h"
#include "tests/devices/attention_scene.h"

namespace lv::test {
namespace {

class PieceChoices : public Everywhere {};
INSTANTIATE_TEST_SUITE_P(On, PieceChoices, everywhere, where_name);

constexpr size_t page = 5, heads = 4, kv_heads = 2, dim = 16;

// One row over pieces of one to five keys, as thinning leaves them; the last `kept` can not be left out.
struct ChoiceScene {
    AttentionScene scene;
    std::vector<Placed<std::byte>> placed;
    std::vector<std::span<const std::byte>> codes;
    PieceChoice scratch;

    ChoiceScene(size_t pieces, size_t kept, DType type, const Context& context, bool all_alike = false)
        : scene({1, pieces * page, heads, kv_heads, dim, type, true, 0, page, true}, context) {
        for (size_t i = 0; i < pieces; ++i) scene.pieces[i].rows = 1 + i * 7 % page;
        if (all_alike) scene.input.scale = 0;
        for (size_t i = 0; i + kept < pieces; ++i) {
            const std::vector<std::byte> none(key_code_bytes(scene.pieces[i].rows, kv_heads, dim));
            placed.emplace_back(context, std::span<const std::byte>(none));
            code_keys(context.device(), scene.pieces[i], kv_heads, dim, placed.back().span());
            codes.push_back(placed.back().span());
        }
    }

    struct Read {
        std::vector<float> out;
        std::vector<size_t> pieces;  // by the evidence: each key that is read weighs something
    };
    Read read(size_t top) {
        const Context& context = scene.context;
        const AttentionInput input = choose_pieces(context, scene.input, codes, top, scratch);
        PlacedMatrix out(context, 1, heads * dim), max(context, 1, heads), sum(context, 1, heads);
        const AttentionPart part{out.view(), max.view(), sum.view()};
        attend_part(context, input, part);
        Placed<float> mass(context, std::span<const float>(std::vector<float>(scene.pieces.size() * page, 0.0f)));
        attention_mass(context, input, part, {mass.span(), 0, 1});
        attend(context, input, out.view());
        Read read{out.values(), {}};
        const std::vector<float> masses = mass.values();
        for (size_t i = 0; i < scene.pieces.size(); ++i) {
            const auto own = std::span(masses).subspan(i * page, page);
            const auto weighs = [](float key) { return key > 0; };
            if (std::ranges::none_of(own, weighs)) continue;
            read.pieces.push_back(i);
            EXPECT_EQ(size_t(std::ranges::count_if(own, weighs)), scene.pieces[i].rows) << "of piece " << i;
        }
        return read;
    }
};

// Of the numbers from `top` on, one where the host's scores leave the widest gap: rounding chooses no other pieces.
size_t clear_top(std::vector<float> scores, size_t top) {
    std::ranges::sort(scores, std::greater<>());
    const auto gap = [&](size_t at) { return scores[at - 1] / scores[at]; };
    size_t best = top;
    for (size_t other = top; other < std::min(top + 12, scores.size()); ++other)
        if (gap(other) > gap(best)) best = other;
    EXPECT_GT(gap(best), 1.0005f);
    return best;
}

TEST_P(PieceChoices, AreThoseOfTheHostAndAreReadWithTheirOwnNumbers) {
    const Context context = make_context(), host(1);
    struct Size {
        size_t pieces, kept, top;
    };
    for (const Size& size : {Size{9, 1, 1}, Size{40, 3, 7}, Size{600, 2, 30}, Size{600, 1, 560}})
        for (DType type : {DType::f16, DType::f32, DType::i8}) {
            if (size.pieces > 100 && type != DType::f16) break;
            ChoiceScene here(size.pieces, size.kept, type, host), there(size.pieces, size.kept, type, context);
            here.read(1);
            const size_t top = clear_top(here.scratch.scores, size.top);
            const auto expected = here.read(top), found = there.read(top);
            EXPECT_EQ(expected.pieces.size(), top + size.kept);
            EXPECT_EQ(found.pieces, expected.pieces) << size.pieces << " pieces, " << dtype_name(type);
            expect_near(found.out, doubles(expected.out), there.scene.tolerance());
        }
}

TEST_P(PieceChoices, OfEqualsAreTheNewest) {
    const Context context = make_context();
    for (size_t pieces : {20u, 600u}) {
        ChoiceScene scene(pieces, 1, DType::f16, context, true);
        EXPECT_EQ(scene.read(3).pieces, (std::vector<size_t>{pieces - 4, pieces - 3, pieces - 2, pieces - 1}));
    }
}

TEST_P(PieceChoices, AreAllWhereThereAreNoMore) {
    const Context context = make_context();
    ChoiceScene scene(20, 2, DType::i8, context);
    const auto all = scene.read(18);
    EXPECT_EQ(all.pieces.size(), 20u);
    EXPECT_EQ(scene.read(100).out, all.out);
}

}  // namespace
}  // namespace lv::test
