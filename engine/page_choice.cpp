#include "engine/page_choice.h"

#include "kernels/core/make_room.h"

namespace lv {

void list_pages(const Cache& cache, uint64_t first_row, CachePages& pages) {
    make_room(pages.pieces, cache.pages());
    make_room(pages.codes, cache.pages());
    pages.pieces.clear();
    pages.codes.clear();
    cache.add_pieces(pages.pieces);
    for (size_t index = 0; index + 1 < pages.pieces.size(); ++index) {
        if (pages.pieces[index].first_row + pages.pieces[index].rows > first_row) break;
        pages.codes.push_back(cache.page(index).codes);
    }
}

}  // namespace lv
