#include "engine/cache.h"

#include <algorithm>
#include <cstring>

#include "engine/kv_rows.h"

namespace lv {

std::shared_ptr<Cache::Page> Cache::make_page() const {
    const size_t bytes = shape_.page_bytes() / 2;
    return std::make_shared<Page>(Page{Buffer(bytes), Buffer(bytes)});
}

void Cache::add_page() {
    if (spare_.pages.empty()) {
        pages_.push_back(make_page());
    } else {
        pages_.push_back(std::move(spare_.pages.back()));
        spare_.pages.pop_back();
    }
}

void Cache::copy_last_page() {
    const std::shared_ptr<Page> shared = pages_[pages_.size() - 1];
    pages_.truncate(pages_.size() - 1);
    add_page();
    const size_t bytes = rows_ % shape_.page_rows * shape_.kv_dim * dtype_bytes(shape_.type);
    Page& own = *pages_[pages_.size() - 1];
    std::memcpy(own.keys.data(), shared->keys.data(), bytes);
    std::memcpy(own.values.data(), shared->values.data(), bytes);
}

void Cache::append(ConstMatrix k, ConstMatrix v) {
    assert(k.cols == shape_.kv_dim && v.cols == shape_.kv_dim && k.rows == v.rows);
    if (must_copy_last_page()) copy_last_page();
    for (size_t done = 0; done < k.rows;) {
        const size_t in_page = rows_ % shape_.page_rows;
        if (in_page == 0) add_page();
        const size_t count = std::min(k.rows - done, shape_.page_rows - in_page);
        Page& page = *pages_[pages_.size() - 1];
        store_rows(k.slice(done, count), shape_.type, page.keys.data(), in_page);
        store_rows(v.slice(done, count), shape_.type, page.values.data(), in_page);
        done += count;
        rows_ += count;
    }
}

void Cache::reserve(size_t rows) {
    if (must_copy_last_page()) copy_last_page();
    const size_t pages = (rows_ + rows + shape_.page_rows - 1) / shape_.page_rows;
    pages_.reserve(pages - pages_.size());
    while (pages_.size() + spare_.pages.size() < pages) spare_.pages.push_back(make_page());
}

void Cache::add_pieces(std::vector<KvPiece>& pieces) const {
    for (size_t page = 0; page < pages_.size(); ++page) {
        const size_t first = page * shape_.page_rows;
        pieces.push_back({.dtype = shape_.type,
                          .keys = pages_[page]->keys.data(),
                          .values = pages_[page]->values.data(),
                          .rows = std::min(shape_.page_rows, rows_ - first),
                          .stride = shape_.kv_dim,
                          .first_row = first});
    }
}

}  // namespace lv
