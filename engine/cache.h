// The one cache: keys and values of every row in pages, shared between a memory and its forks.
//
// Pages have a fixed number of rows, so row r lies in page r / page_rows. Copying a Cache shares all pages; who appends
// after that first copies the last page when it is only partly filled. One writer may append while copies made earlier
// are read in other threads: it writes only rows that no copy can see.
#pragma once

#include <memory>
#include <vector>

#include "engine/prefix_list.h"
#include "kernels/attention.h"
#include "kernels/core/memory.h"
#include "kernels/core/tensor.h"

namespace lv {

struct CacheShape {
    size_t kv_dim = 0;  // n_attn_kv_heads * attn_head_dim
    size_t page_rows = 256;
    DType type = DType::f16;  // f16 or f32

    size_t page_bytes() const { return 2 * page_rows * kv_dim * dtype_bytes(type); }
};

class Cache {
   public:
    Cache() = default;
    explicit Cache(const CacheShape& shape) : shape_(shape) {}

    size_t rows() const { return rows_; }
    const CacheShape& shape() const { return shape_; }
    size_t bytes() const { return pages_.size() * shape_.page_bytes(); }

    // k, v [n, kv_dim] f32, rounded to the cache's type.
    void append(ConstMatrix k, ConstMatrix v);
    // Room for this many more rows, so that appending them allocates nothing.
    void reserve(size_t rows);
    // Adds the pages as pieces, oldest first; they stay valid while this cache or a copy of it lives.
    void add_pieces(std::vector<KvPiece>& pieces) const;

   private:
    struct Page {
        Buffer keys, values;  // [page_rows, kv_dim]
    };
    std::shared_ptr<Page> make_page() const;
    void add_page();
    bool must_copy_last_page() const { return rows_ % shape_.page_rows != 0 && !pages_.owns(pages_.size() - 1); }
    void copy_last_page();

    CacheShape shape_;
    PrefixList<std::shared_ptr<Page>> pages_;
    // Pages made by reserve(); a copy of the cache starts without.
    struct Spare {
        Spare() = default;
        Spare(const Spare&) {}
        Spare& operator=(const Spare&) { return *this; }
        Spare(Spare&&) = default;
        Spare& operator=(Spare&&) = default;
        std::vector<std::shared_ptr<Page>> pages;
    } spare_;
    size_t rows_ = 0;
};

}  // namespace lv
