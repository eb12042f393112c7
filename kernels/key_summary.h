// What blocks of keys lie between, value by value: enough to bound a query's logits without reading the keys.
//
// Summary of a block of at most summary_keys keys: for each kv head the least, then the largest of each value of its
// keys, rounded outwards to f16: [kv_heads, 2, head_dim]. For any q: q . k <= sum_i max(q_i least_i, q_i largest_i)
// (Quest, arXiv 2406.10774). Short blocks, because the bound of a union is far looser than the bounds of its parts: of
// 50 needle questions about 256K tokens top:64 answered 39 right with blocks of 16 keys, 42 with 8, 44 with 4; exact
// attention 42.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/attention.h"
#include "kernels/core/dtype.h"

namespace lv {

constexpr size_t summary_keys = 8;  // keys of a block

inline size_t summary_blocks(size_t keys) { return (keys + summary_keys - 1) / summary_keys; }

// to [summary_blocks(keys.rows), kv_heads, 2, head_dim]: of the keys as they are stored, int8 times their scales. All
// of it in the memory of `device`, or of the host where that is null.
void summarise_keys(Device* device, const KvPiece& keys, size_t kv_heads, size_t head_dim, std::span<Half> to);

// bounds [heads, pages]: for each head of input.q's one row the most that its logit (scale and logit_scale included)
// can be for any key of a page; summaries[p] [blocks, kv_heads, 2, head_dim] are those of page p. Other members of
// input are not looked at. The list of summaries is the host's; `bounds` lies where the context runs. Bound by reading
// the summaries once. Allocates nothing once scratch has grown.
void bound_logits(const Context& context, const AttentionInput& input, std::span<const std::span<const Half>> summaries,
                  std::span<float> bounds);

}  // namespace lv
