// Which pieces of keys a row reads when it does not read all of them: those that it must, and the best of the others.
//
// A piece is as good as the share of the row's attention that it might hold, summed over the heads:
//   score(piece) = sum_h exp(w bound(h, piece)) / sum_pieces exp(w bound(h, piece)),  w = bound_weight
// with bound() from key summaries (key_summary.h). A head that looks everywhere says nothing about any piece; one that
// looks at one piece decides, however large its logits are beside those of other heads. A bound lies above what it
// bounds by more than the logits of a sharp head differ: with w = 1 such a head gave its whole say to the piece with
// the loosest bound. Of 240 answers about 32K tokens top:64 then changed 6; with 0.3 4, with 0.1 3
// (summaries of 32 keys).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/attention.h"

namespace lv {

constexpr float bound_weight = 0.1f;

// Scratch of one caller on the host.
struct PieceChoice {
    std::vector<KvPiece> chosen;
    std::vector<float> bounds, scores;
    std::vector<uint32_t> order;
};

// `input`, of one row and without a window, as it reads the `top` best of the first summaries.size() pieces and all
// behind these, in their order; of equally good ones the newer. summaries[p], where the context runs, are those of
// piece p; the row sees all keys of these pieces. Valid until the next choice with this scratch, on a device of this
// thread; there nothing is waited for. Bound by reading the summaries once.
AttentionInput choose_pieces(const Context& context, const AttentionInput& input,
                             std::span<const std::span<const Half>> summaries, size_t top, PieceChoice& scratch);

}  // namespace lv
