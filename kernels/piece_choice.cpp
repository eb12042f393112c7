#include "kernels/piece_choice.h"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "kernels/core/device.h"
#include "kernels/core/make_room.h"
#include "kernels/key_codes.h"
#include "kernels/simd/simd.h"

namespace lv {

AttentionInput choose_pieces(const Context& context, const AttentionInput& input,
                             std::span<const std::span<const std::byte>> codes, size_t top, PieceChoice& scratch) {
    assert(input.q.rows == 1 && input.window == 0 && codes.size() <= input.pieces.size());
    AttentionInput out = input;
    if (Device* device = context.device()) {
        out.listed = device->choose_pieces(input, codes, top);
        return out;
    }
    const size_t count = codes.size(), heads = input.heads;
    make_room(scratch.estimates, heads * count);
    make_room(scratch.scores, count);
    make_room(scratch.order, count);
    make_room(scratch.chosen, input.pieces.size());
    scratch.estimates.resize(heads * count);
    scratch.scores.assign(count, 0.0f);
    scratch.order.resize(count);
    estimate_logits(context, input, codes, scratch.estimates);
    for (size_t head = 0; head < heads; ++head) {
        float* estimates = scratch.estimates.data() + head * count;
        const float sum = simd().exp_sum(estimates, count, 1, simd().max(estimates, count));
        for (size_t piece = 0; piece < count; ++piece) scratch.scores[piece] += estimates[piece] / sum;
    }
    std::iota(scratch.order.begin(), scratch.order.end(), 0u);
    const auto end = scratch.order.begin() + ptrdiff_t(std::min(top, count));
    std::nth_element(scratch.order.begin(), end, scratch.order.end(), [&](uint32_t a, uint32_t b) {
        return scratch.scores[a] != scratch.scores[b] ? scratch.scores[a] > scratch.scores[b] : a > b;
    });
    std::sort(scratch.order.begin(), end);
    scratch.chosen.clear();
    for (auto piece = scratch.order.begin(); piece != end; ++piece) scratch.chosen.push_back(input.pieces[*piece]);
    scratch.chosen.insert(scratch.chosen.end(), input.pieces.begin() + ptrdiff_t(count), input.pieces.end());
    out.pieces = scratch.chosen;
    return out;
}

}  // namespace lv
