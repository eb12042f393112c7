// Keys of a page in 4 bits a value: enough to tell its best logits without reading the keys.
//
// Each value of a key becomes a code between the least (0) and the largest (15) of that value among the page's keys, as
// KIVI (arXiv 2402.02750) quantizes keys, a channel at a time:
//   key[i] ~ least[i] + step[i] * code[i],  step = (largest - least) / 15, so that the error is at most half a step.
// A query is folded with the steps and rounded to int8, which leaves a product of small whole numbers a key:
//   q . key ~ sum_i q[i] least[i] + scale * sum_i b[i] code[i],  b = round(q step / scale), scale = max|q step| / 127
//
// Why not bounds of blocks of keys (Quest, arXiv 2406.10774): with blocks of 8 keys, in as many bytes, such bounds are
// loose. Of ten questions when a thing was first seen among 1M tokens, top:64 answered 5 by them; exact attention 10.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/attention.h"
#include "kernels/core/dtype.h"

namespace lv {

// How the codes of a page lie, for each kv head one after another:
//   least, step [head_dim] f16 each
//   codes       [groups of 8 keys][words][8 keys] of 32 bits: word w of a key holds its codes 4w .. 4w + 3 in the lower
//               halves of the bytes and half + 4w .. in the upper ones, half = 4 words; those from head_dim on are 0
// The last group is filled up with copies of the last key, which change no maximum.
constexpr size_t coded_group = 8;
constexpr size_t coded_words(size_t head_dim) { return (head_dim + 7) / 8; }
constexpr size_t coded_groups(size_t keys) { return (keys + coded_group - 1) / coded_group; }
constexpr size_t coded_group_bytes(size_t head_dim) { return coded_words(head_dim) * coded_group * 4; }
constexpr size_t coded_head_bytes(size_t keys, size_t head_dim) {
    return 4 * head_dim + coded_groups(keys) * coded_group_bytes(head_dim);
}
constexpr size_t key_code_bytes(size_t keys, size_t kv_heads, size_t head_dim) {
    return kv_heads * coded_head_bytes(keys, head_dim);
}

// to [key_code_bytes(keys.rows)], at a multiple of 4 bytes: of the keys as they are stored, int8 times their scales;
// beyond what f16 holds they are cut off. All of it in the memory of `device`, or of the host where that is null.
void code_keys(Device* device, const KvPiece& keys, size_t kv_heads, size_t head_dim, std::span<std::byte> to);

// estimates [heads, pages]: for each head of input.q's one row about the largest of its logits (scale and logit_scale
// included) of the keys of a page; codes[p] are those of page p. Other members of input are not looked at. The list of
// codes is the host's; `estimates` lies where the context runs. Bound by reading the codes once. Allocates nothing once
// scratch has grown.
void estimate_logits(const Context& context, const AttentionInput& input,
                     std::span<const std::span<const std::byte>> codes, std::span<float> estimates);

}  // namespace lv
