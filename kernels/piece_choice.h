// Which pieces of keys a row reads when it does not read all of them: those that it must, and the best of the others.
//
// A piece is as good as the share of the row's attention that it might hold, summed over the heads:
//   score(piece) = sum_h exp(most(h, piece)) / sum_pieces exp(most(h, piece))
// with most() the largest logit of a piece, estimated from its codes (key_codes.h). A head that looks everywhere says
// nothing about any piece; one that looks at one piece decides, however large its logits are beside those of others.
// Of 200 needle questions about 4K to 1M tokens 64 pieces, and 16, answered none otherwise than all pieces do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/attention.h"

namespace lv {

// Scratch of one caller on the host.
struct PieceChoice {
    std::vector<KvPiece> chosen;
    std::vector<float> estimates, scores;
    std::vector<uint32_t> order;
};

// `input`, of one row and without a window, as it reads the `top` best of the first codes.size() pieces and all behind
// these, in their order; of equally good ones the newer. codes[p], where the context runs, are those of piece p; the
// row sees all keys of these pieces. Valid until the next choice with this scratch, on a device of this thread; there
// nothing is waited for. Bound by reading the codes once.
AttentionInput choose_pieces(const Context& context, const AttentionInput& input,
                             std::span<const std::span<const std::byte>> codes, size_t top, PieceChoice& scratch);

}  // namespace lv
