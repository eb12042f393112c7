// Owning aligned memory: Buffer (one block) and Arena (one block, sized beforehand, handed out in order).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>

#include "kernels/core/tensor.h"

namespace lv {

constexpr size_t memory_alignment = 64;  // bytes; a cache line and an AVX-512 vector

// Owns `bytes` bytes at a 64-byte boundary, zero at first. Moves, never copies. Not grown in place.
// Throws Error with the size when the system has not that much.
class Buffer {
   public:
    Buffer() = default;
    explicit Buffer(size_t bytes);

    template <typename T>
    static Buffer of(size_t count) {
        return Buffer(checked_bytes(count, sizeof(T)));
    }

    size_t bytes() const { return bytes_; }
    std::byte* data() { return data_.get(); }
    const std::byte* data() const { return data_.get(); }

    // The whole block as values of T.
    template <typename T>
    std::span<T> as() {
        static_assert(std::is_trivially_copyable_v<T>);
        return {reinterpret_cast<T*>(data_.get()), bytes_ / sizeof(T)};
    }
    template <typename T>
    std::span<const T> as() const {
        static_assert(std::is_trivially_copyable_v<T>);
        return {reinterpret_cast<const T*>(data_.get()), bytes_ / sizeof(T)};
    }

   private:
    static size_t checked_bytes(size_t count, size_t size);
    struct Free {
        void operator()(std::byte* data) const;
    };
    std::unique_ptr<std::byte, Free> data_;
    size_t bytes_ = 0;
};

// Working memory of one caller: pieces are handed out in order and given back all at once or down to a mark.
// Nothing is allocated after construction. One thread at a time.
class Arena {
   public:
    Arena() = default;
    explicit Arena(size_t bytes) : block_(bytes) {}

    // What arrays of these sizes take inside an arena, alignment included.
    template <typename T>
    static size_t bytes_of(size_t count) {
        return (count * sizeof(T) + memory_alignment - 1) / memory_alignment * memory_alignment;
    }

    // `count` values of T, 64-byte aligned, *not* cleared. Throws Error when the arena was sized too small.
    template <typename T>
    std::span<T> array(size_t count) {
        static_assert(std::is_trivially_copyable_v<T>);
        return {reinterpret_cast<T*>(take(bytes_of<T>(count))), count};
    }
    // A dense matrix [rows, cols] f32, not cleared.
    Matrix matrix(size_t rows, size_t cols) { return {array<float>(rows * cols).data(), rows, cols}; }

    // Everything taken after mark() is given back by rewind(mark).
    size_t mark() const { return used_; }
    void rewind(size_t mark);
    void reset() { rewind(0); }

    size_t used_bytes() const { return used_; }
    size_t peak_bytes() const { return peak_; }
    size_t capacity_bytes() const { return block_.bytes(); }

   private:
    std::byte* take(size_t bytes);
    Buffer block_;
    size_t used_ = 0;
    size_t peak_ = 0;
};

}  // namespace lv
