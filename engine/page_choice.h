// Which pages of the one cache a row reads when it does not read all of them: the newest and the best.
//
// A page is as good as the share of the row's attention that it could hold at most, summed over the heads of the layer:
//   score(page) = sum_h exp(bound(h, page)) / sum_pages exp(bound(h, page))
// with bound() from key summaries (kernels/key_summary.h). Taking the best of these leaves the least attention out, as
// far as the bounds can tell: a head that looks everywhere says nothing about any page, one that looks at one page
// decides, however large its logits are beside those of other heads.
#pragma once

#include <span>

#include "engine/cache.h"
#include "engine/workspace.h"
#include "kernels/attention.h"

namespace lv {

// Lists the pages of `cache`; those with a key from `first_row` on, and the newest, can not be left out.
void list_pages(const Cache& cache, uint64_t first_row, CachePages& pages);

// Whether `top` pages are fewer than there are to choose from.
inline bool must_choose(const CachePages& pages, size_t top) { return top > 0 && top < pages.summaries.size(); }

// The `top` best pages for the one row of input.q and all that can not be left out, oldest first. Valid until the next
// call. Of equally good pages the newer are taken.
std::span<const KvPiece> choose_pages(const Context& context, const AttentionInput& input, size_t top,
                                      CachePages& pages);

}  // namespace lv
