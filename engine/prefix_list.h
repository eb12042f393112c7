// An append-only list whose copies share what was written before: copying costs nothing of its length.
//
// One writer: the list that made a segment appends to it; a copy sees the items of the moment it was made, and what it
// appends itself goes into a segment of its own. Items never move. The writer may append in one thread while copies
// made earlier are read in others; a copy itself must be made while no append runs.
#pragma once

#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace lv {

template <typename T>
class PrefixList {
   public:
    PrefixList() = default;
    PrefixList(const PrefixList& other) : segments_(other.segments_), size_(other.size_) {}
    PrefixList& operator=(const PrefixList& other) {
        segments_ = other.segments_;
        size_ = other.size_;
        writes_ = false;
        return *this;
    }
    PrefixList(PrefixList&& other) noexcept { *this = std::move(other); }
    PrefixList& operator=(PrefixList&& other) noexcept {
        segments_ = std::move(other.segments_);
        size_ = std::exchange(other.size_, 0);
        writes_ = std::exchange(other.writes_, false);
        return *this;
    }

    size_t size() const { return size_; }

    const T& operator[](size_t index) const {
        assert(index < size_);
        size_t segment = segments_.size() - 1;
        while (segments_[segment].first > index) --segment;
        return segments_[segment].blocks->at(index - segments_[segment].first);
    }

    // True when items from `index` on were appended by this list itself, so that it may change them.
    bool owns(size_t index) const { return writes_ && index >= segments_.back().first; }
    T& own(size_t index) {
        assert(owns(index) && index < size_);
        return segments_.back().blocks->at(index - segments_.back().first);
    }

    void push_back(T item) {
        reserve(1);
        segments_.back().blocks->at(size_ - segments_.back().first) = std::move(item);
        ++size_;
    }

    // Room for `count` more items, so that appending them allocates nothing.
    void reserve(size_t count) {
        if (count == 0) return;
        if (!writes_) {
            segments_.push_back({size_, std::make_shared<Blocks>()});
            writes_ = true;
        }
        segments_.back().blocks->grow(size_ - segments_.back().first + count);
    }

    // What the items and the room behind them take.
    size_t bytes() const {
        size_t total = 0;
        for (size_t i = 0; i < segments_.size(); ++i) {
            const size_t last = i + 1 < segments_.size() ? segments_[i + 1].first : size_;
            total += room_for(last - segments_[i].first) * sizeof(T);
        }
        return total;
    }
    static size_t bytes_for(size_t size) { return room_for(size) * sizeof(T); }

    // Forgets the items from `size` on; only a list that owns none of them may.
    void truncate(size_t size) {
        assert(size <= size_ && !(writes_ && size < size_));
        while (!segments_.empty() && segments_.back().first >= size) segments_.pop_back();
        size_ = size;
    }

   private:
    static constexpr size_t first_block = 16;  // items; each block has twice the room of the one before

    // Of the blocks that hold `size` items; the room of a list shared with its writer must not be read.
    static size_t room_for(size_t size) {
        size_t room = 0;
        for (size_t b = 0; room < size; ++b) room += first_block << b;
        return room;
    }

    struct Blocks {
        std::array<std::unique_ptr<T[]>, 48> block;
        size_t room = 0;

        T& at(size_t index) const {
            const size_t b = std::bit_width(index / first_block + 1) - 1;
            return block[b][index - first_block * ((size_t{1} << b) - 1)];
        }
        void grow(size_t size) {
            for (size_t b = std::bit_width(room / first_block + 1) - 1; room < size; ++b) {
                block[b] = std::make_unique<T[]>(first_block << b);
                room += first_block << b;
            }
        }
    };
    struct Segment {
        size_t first;  // index of its first item in the whole list
        std::shared_ptr<Blocks> blocks;
    };

    std::vector<Segment> segments_;
    size_t size_ = 0;
    bool writes_ = false;  // the last segment is ours
};

}  // namespace lv
