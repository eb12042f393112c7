// The one cache: keys and values of every row in pages, shared between a memory and its forks.
//
// Copying a Cache shares all pages; who appends after that first copies the last page when it is only partly filled.
// One writer may append while copies made earlier are read in other threads: it writes only rows that no copy can see.
// A page may lie in memory of its own or in a mapped file; the last is copied out before rows are added to it.
// On a device all pages lie in its memory: pieces and codes point there, and rows come from there.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/prefix_list.h"
#include "kernels/attention.h"
#include "kernels/core/memory.h"
#include "kernels/core/tensor.h"
#include "kernels/kv_rows.h"

namespace lv {

// How a page lies: one block, its parts one after another, each at a multiple of 64 bytes, unused rows zero:
//   keys, values   [page_rows, kv_dim] of `type`
//   their scales   i8 only: twice [page_rows, kv_heads] f32
//   codes          [key_code_bytes(page_rows)] of its keys, see kernels/key_codes.h
struct CacheShape {
    size_t kv_heads = 0;  // n_attn_kv_heads
    size_t head_dim = 0;  // attn_head_dim
    size_t page_rows = 256;
    DType type = DType::f16;  // f32, f16 or i8

    size_t kv_dim() const { return kv_heads * head_dim; }
    size_t page_bytes() const { return codes_at() + part(code_bytes()); }
    size_t values_at() const { return part(page_rows * kv_dim() * dtype_bytes(type)); }
    size_t key_scales_at() const { return 2 * values_at(); }
    size_t value_scales_at() const { return key_scales_at() + scales_bytes(); }
    size_t codes_at() const { return value_scales_at() + scales_bytes(); }
    size_t code_bytes() const;  // of a whole page

   private:
    static size_t part(size_t bytes) { return (bytes + 63) / 64 * 64; }
    size_t scales_bytes() const { return type == DType::i8 ? part(page_rows * kv_heads * sizeof(float)) : 0; }
};

// A page to read; valid while the cache it came from, or a copy of that, lives.
struct CachePage {
    KvPiece piece;                     // its keys, values and scales; piece.rows may be less than page_rows
    std::span<const std::byte> codes;  // of its keys; none while the page is open
    std::span<const std::byte> block;  // the whole page; none while the page is open, or on a device
};

// A whole block in memory that somebody else owns, such as a mapped file.
struct GivenPage {
    std::span<const std::byte> block;   // [page_bytes], at a multiple of 4 bytes
    size_t rows = 0;                    // 1 to page_rows
    std::shared_ptr<const void> owner;  // keeps the block alive; null: it lives for ever
};

// Rows of a cache, one after another.
struct RowRun {
    size_t first = 0, rows = 0;
};

// A page of a thinned cache: page `page` as it is, or, where runs are given, a new one of these rows.
struct KeptPage {
    size_t page = 0;
    std::vector<RowRun> runs;  // in rising order, at most page_rows rows together
};

class Cache {
   public:
    Cache() = default;
    explicit Cache(const CacheShape& shape, std::shared_ptr<Device> device = nullptr)
        : shape_(shape), device_(std::move(device)) {}
    // From pages, oldest first; `dropped` rows stood before them. Appending goes on as in the cache they are from.
    // A device gets copies of them.
    Cache(const CacheShape& shape, std::span<const GivenPage> pages, uint64_t dropped = 0,
          std::shared_ptr<Device> device = nullptr);

    size_t rows() const { return rows_; }
    // Rows that once stood among these and were thinned out. Row r is key number dropped() + r for who asks.
    uint64_t dropped() const { return dropped_; }
    const CacheShape& shape() const { return shape_; }
    size_t bytes() const { return pages_.size() * shape_.page_bytes(); }

    // k, v [n, kv_dim] f32, rounded to the cache's type.
    void append(ConstMatrix k, ConstMatrix v);
    // Room for this many more rows, so that appending them allocates nothing.
    void reserve(size_t rows);
    // Keeps these pages and rows only, oldest first; the last page must be among them as it is. Copies of this cache
    // keep what they had.
    void keep(std::span<const KeptPage> pages);
    // Adds the pages as pieces, oldest first; they stay valid while this cache or a copy of it lives.
    void add_pieces(std::vector<KvPiece>& pieces) const;

    // Pages, oldest first. All but the last are closed: nobody will ever write to them again.
    size_t pages() const { return pages_.size(); }
    size_t page_rows(size_t page) const;  // that it holds
    CachePage page(size_t index) const;
    // Writes a page as a whole block to the host; of an open one what this cache sees, with the codes of that.
    void copy_page(size_t index, std::span<std::byte> to) const;

   private:
    struct Block {
        Buffer own;                         // empty: the page lies elsewhere
        std::shared_ptr<const void> owner;  // of that place
        const std::byte* data = nullptr;
    };
    struct Page {
        std::shared_ptr<Block> block;
        size_t first = 0;  // row of the cache
    };
    std::shared_ptr<Block> make_block() const;
    size_t page_of(size_t row) const;
    std::shared_ptr<Block> take_block();  // a spare one, or a new one
    KvPiece piece(size_t page) const;
    bool must_copy_last_page() const;
    void copy_last_page();
    void code(const KvPiece& piece, std::byte* block) const;

    CacheShape shape_;
    std::shared_ptr<Device> device_;  // null: the host
    PrefixList<Page> pages_;
    // Pages made by reserve(); a copy of the cache starts without.
    struct Spare {
        Spare() = default;
        Spare(const Spare&) {}
        Spare& operator=(const Spare&) { return *this; }
        Spare(Spare&&) = default;
        Spare& operator=(Spare&&) = default;
        std::vector<std::shared_ptr<Block>> pages;
    } spare_;
    size_t rows_ = 0;
    uint64_t dropped_ = 0;
};

}  // namespace lv
