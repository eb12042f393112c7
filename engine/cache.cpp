#include "engine/cache.h"

#include <algorithm>
#include <cstring>

#include "kernels/core/device.h"
#include "kernels/core/error.h"
#include "kernels/key_codes.h"

namespace lv {

namespace {

KvStore keys_of(const CacheShape& shape, std::byte* block) {
    return {shape.type, shape.kv_heads, block, reinterpret_cast<float*>(block + shape.key_scales_at())};
}

KvStore values_of(const CacheShape& shape, std::byte* block) {
    return {shape.type, shape.kv_heads, block + shape.values_at(),
            reinterpret_cast<float*>(block + shape.value_scales_at())};
}

// Where from and to lie.
enum class Way { host, device, up, down };

void copy_bytes(Device* device, Way way, const std::byte* from, std::byte* to, size_t bytes) {
    if (way == Way::host) std::memcpy(to, from, bytes);
    if (way == Way::device) device->copy(from, to, bytes);
    if (way == Way::up) device->upload(from, to, bytes);
    if (way == Way::down) device->download(from, to, bytes);
}

// Copies rows of one block to another, from row `first` of it to row `at` of the other.
void copy_rows(const CacheShape& shape, Device* device, Way way, const std::byte* from, size_t first, size_t rows,
               std::byte* to, size_t at) {
    const auto copy = [&](size_t part, size_t row_bytes) {
        copy_bytes(device, way, from + part + first * row_bytes, to + part + at * row_bytes, rows * row_bytes);
    };
    copy(0, shape.kv_dim() * dtype_bytes(shape.type));
    copy(shape.values_at(), shape.kv_dim() * dtype_bytes(shape.type));
    if (shape.type != DType::i8) return;
    copy(shape.key_scales_at(), shape.kv_heads * sizeof(float));
    copy(shape.value_scales_at(), shape.kv_heads * sizeof(float));
}

}  // namespace

size_t CacheShape::code_bytes() const { return key_code_bytes(page_rows, kv_heads, head_dim); }

Cache::Cache(const CacheShape& shape, std::span<const GivenPage> pages, uint64_t dropped,
             std::shared_ptr<Device> device)
    : shape_(shape), device_(std::move(device)), dropped_(dropped) {
    for (const GivenPage& given : pages) {
        require(given.block.size() == shape.page_bytes() && given.rows > 0 && given.rows <= shape.page_rows,
                "Making a cache from pages: page ", pages_.size(), " has ", given.block.size(), " bytes and ",
                given.rows, " rows, expected ", shape.page_bytes(), " bytes and 1 to ", shape.page_rows, " rows.");
        require(reinterpret_cast<uintptr_t>(given.block.data()) % sizeof(float) == 0,
                "Making a cache from pages: page ", pages_.size(), " does not lie at a multiple of 4 bytes.");
        auto block = std::make_shared<Block>(Block{{}, given.owner, given.block.data()});
        if (device_) {
            block = make_block();
            device_->upload(given.block.data(), block->own.data(), given.block.size());
        } else if (&given == &pages.back() && given.rows < shape.page_rows) {
            // Rows will be added to it, when copies of this cache may already read the list of pages.
            block = make_block();
            copy_rows(shape, nullptr, Way::host, given.block.data(), 0, given.rows, block->own.data(), 0);
        }
        pages_.push_back({std::move(block), rows_});
        rows_ += given.rows;
    }
}

std::shared_ptr<Cache::Block> Cache::make_block() const {
    auto block = std::make_shared<Block>(Block{Buffer(shape_.page_bytes(), device_), nullptr, nullptr});
    block->data = block->own.data();
    return block;
}

std::shared_ptr<Cache::Block> Cache::take_block() {
    if (spare_.pages.empty()) return make_block();
    std::shared_ptr<Block> block = std::move(spare_.pages.back());
    spare_.pages.pop_back();
    return block;
}

size_t Cache::page_rows(size_t page) const {
    return (page + 1 < pages_.size() ? pages_[page + 1].first : rows_) - pages_[page].first;
}

bool Cache::must_copy_last_page() const {
    if (pages_.size() == 0) return false;
    const size_t last = pages_.size() - 1;
    return page_rows(last) < shape_.page_rows && !pages_.owns(last);
}

void Cache::copy_last_page() {
    const Page shared = pages_[pages_.size() - 1];
    std::shared_ptr<Block> own = take_block();
    copy_rows(shape_, device_.get(), device_ ? Way::device : Way::host, shared.block->data, 0, rows_ - shared.first,
              own->own.data(), 0);
    pages_.truncate(pages_.size() - 1);
    pages_.push_back({std::move(own), shared.first});
}

void Cache::append(ConstMatrix k, ConstMatrix v) {
    assert(k.cols == shape_.kv_dim() && v.cols == shape_.kv_dim() && k.rows == v.rows);
    if (k.rows > 0 && must_copy_last_page()) copy_last_page();
    for (size_t done = 0; done < k.rows;) {
        size_t held = pages_.size() == 0 ? shape_.page_rows : page_rows(pages_.size() - 1);
        if (held == shape_.page_rows) {
            pages_.push_back({take_block(), rows_});
            held = 0;
        }
        const size_t count = std::min(k.rows - done, shape_.page_rows - held);
        std::byte* block = pages_[pages_.size() - 1].block->own.data();
        store_rows(device_.get(), k.slice(done, count), keys_of(shape_, block), held);
        store_rows(device_.get(), v.slice(done, count), values_of(shape_, block), held);
        done += count;
        rows_ += count;
        if (held + count == shape_.page_rows) code(piece(pages_.size() - 1), block);
    }
}

void Cache::reserve(size_t rows) {
    if (must_copy_last_page()) copy_last_page();
    const size_t room = pages_.size() == 0 ? 0 : shape_.page_rows - page_rows(pages_.size() - 1);
    const size_t pages = rows <= room ? 0 : (rows - room + shape_.page_rows - 1) / shape_.page_rows;
    pages_.reserve(pages);
    while (spare_.pages.size() < pages) spare_.pages.push_back(make_block());
}

size_t Cache::page_of(size_t row) const {
    size_t low = 0, high = pages_.size();  // the last page that begins at or before the row
    while (high - low > 1) {
        const size_t middle = (low + high) / 2;
        (pages_[middle].first <= row ? low : high) = middle;
    }
    return low;
}

void Cache::keep(std::span<const KeptPage> pages) {
    // The new list writes to its last page, so that must be ours.
    if (must_copy_last_page()) copy_last_page();
    Cache next(shape_, device_);
    for (const KeptPage& kept : pages) {
        if (kept.runs.empty()) {
            next.pages_.push_back({pages_[kept.page].block, next.rows_});
            next.rows_ += page_rows(kept.page);
            continue;
        }
        const size_t first = next.rows_;
        std::shared_ptr<Block> block = make_block();
        for (const RowRun& run : kept.runs)
            for (size_t done = 0; done < run.rows;) {
                const size_t page = page_of(run.first + done);
                const Page& from = pages_[page];
                const size_t in_page = run.first + done - from.first;
                const size_t count = std::min(run.rows - done, page_rows(page) - in_page);
                copy_rows(shape_, device_.get(), device_ ? Way::device : Way::host, from.block->data, in_page, count,
                          block->own.data(), next.rows_ - first);
                done += count;
                next.rows_ += count;
            }
        std::byte* data = block->own.data();
        next.pages_.push_back({std::move(block), first});
        next.code(next.piece(next.pages_.size() - 1), data);
    }
    assert(!pages.empty() && pages.back().runs.empty() && pages.back().page + 1 == pages_.size());
    next.dropped_ = dropped_ + rows_ - next.rows_;
    next.spare_ = std::move(spare_);
    *this = std::move(next);
}

void Cache::code(const KvPiece& piece, std::byte* block) const {
    code_keys(device_.get(), piece, shape_.kv_heads, shape_.head_dim, {block + shape_.codes_at(), shape_.code_bytes()});
}

KvPiece Cache::piece(size_t page) const {
    const std::byte* block = pages_[page].block->data;
    const bool scaled = shape_.type == DType::i8;
    return {.dtype = shape_.type,
            .keys = block,
            .values = block + shape_.values_at(),
            .key_scales = scaled ? reinterpret_cast<const float*>(block + shape_.key_scales_at()) : nullptr,
            .value_scales = scaled ? reinterpret_cast<const float*>(block + shape_.value_scales_at()) : nullptr,
            .rows = page_rows(page),
            .stride = shape_.kv_dim(),
            .first_row = dropped_ + pages_[page].first};
}

void Cache::add_pieces(std::vector<KvPiece>& pieces) const {
    for (size_t page = 0; page < pages_.size(); ++page) pieces.push_back(piece(page));
}

CachePage Cache::page(size_t index) const {
    CachePage out{.piece = piece(index), .codes = {}, .block = {}};
    const bool open = index + 1 == pages_.size() && out.piece.rows < shape_.page_rows;
    if (open) return out;
    const std::byte* block = pages_[index].block->data;
    if (!device_) out.block = {block, shape_.page_bytes()};
    out.codes = {block + shape_.codes_at(), key_code_bytes(out.piece.rows, shape_.kv_heads, shape_.head_dim)};
    return out;
}

void Cache::copy_page(size_t index, std::span<std::byte> to) const {
    assert(to.size() == shape_.page_bytes());
    std::memset(to.data(), 0, to.size());
    KvPiece from = piece(index);
    copy_rows(shape_, device_.get(), device_ ? Way::down : Way::host, static_cast<const std::byte*>(from.keys), 0,
              from.rows, to.data(), 0);
    from.keys = to.data();
    from.key_scales =
        shape_.type == DType::i8 ? reinterpret_cast<const float*>(to.data() + shape_.key_scales_at()) : nullptr;
    code_keys(nullptr, from, shape_.kv_heads, shape_.head_dim, to.subspan(shape_.codes_at(), shape_.code_bytes()));
}

}  // namespace lv
