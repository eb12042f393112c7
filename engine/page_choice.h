// Pages of the one cache as attention reads them, and which of them a row may leave out: see kernels/piece_choice.h.
#pragma once

#include "engine/cache.h"
#include "engine/workspace.h"

namespace lv {

// Lists the pages of `cache`; those with a key from `first_row` on, and the newest, can not be left out.
void list_pages(const Cache& cache, uint64_t first_row, CachePages& pages);

// Whether `top` pages are fewer than there are to choose from.
inline bool must_choose(const CachePages& pages, size_t top) { return top > 0 && top < pages.codes.size(); }

}  // namespace lv
