#include "engine/page_choice.h"

#include <algorithm>
#include <numeric>

#include "kernels/key_summary.h"
#include "kernels/simd/simd.h"

namespace lv {

namespace {

// So that a page more now and then allocates nothing.
template <typename T>
void make_room(std::vector<T>& list, size_t size) {
    if (list.capacity() < size + 1) list.reserve(2 * size + 16);
}

}  // namespace

void list_pages(const Cache& cache, uint64_t first_row, CachePages& pages) {
    make_room(pages.pieces, cache.pages());
    make_room(pages.summaries, cache.pages());
    pages.pieces.clear();
    pages.summaries.clear();
    cache.add_pieces(pages.pieces);
    for (size_t index = 0; index + 1 < pages.pieces.size(); ++index) {
        if (pages.pieces[index].first_row + pages.pieces[index].rows > first_row) break;
        pages.summaries.push_back(cache.page(index).summaries);
    }
}

std::span<const KvPiece> choose_pages(const Context& context, const AttentionInput& input, size_t top,
                                      CachePages& pages) {
    const size_t count = pages.summaries.size(), heads = input.heads;
    make_room(pages.bounds, heads * count);
    make_room(pages.scores, count);
    make_room(pages.order, count);
    make_room(pages.chosen, pages.pieces.size());
    pages.bounds.resize(heads * count);
    pages.scores.assign(count, 0.0f);
    pages.order.resize(count);
    bound_logits(context, input, pages.summaries, pages.bounds);
    for (size_t head = 0; head < heads; ++head) {
        float* bounds = pages.bounds.data() + head * count;
        const float sum = simd().exp_sum(bounds, count, 1, simd().max(bounds, count));
        for (size_t page = 0; page < count; ++page) pages.scores[page] += bounds[page] / sum;
    }
    std::iota(pages.order.begin(), pages.order.end(), 0u);
    const auto end = pages.order.begin() + ptrdiff_t(std::min(top, count));
    std::nth_element(pages.order.begin(), end, pages.order.end(), [&](uint32_t a, uint32_t b) {
        return pages.scores[a] != pages.scores[b] ? pages.scores[a] > pages.scores[b] : a > b;
    });
    std::sort(pages.order.begin(), end);
    pages.chosen.clear();
    for (auto page = pages.order.begin(); page != end; ++page) pages.chosen.push_back(pages.pieces[*page]);
    pages.chosen.insert(pages.chosen.end(), pages.pieces.begin() + ptrdiff_t(count), pages.pieces.end());
    return pages.chosen;
}

}  // namespace lv
