// Owning aligned memory: Buffer (one block) and Arena (one block, sized beforehand, handed out in order); of the host,
// or of a device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "kernels/core/tensor.h"

namespace lv {

class Device;

constexpr size_t memory_alignment = 64;  // bytes; a cache line and an AVX-512 vector

// Owns `bytes` bytes at a 64-byte boundary, zero at first. Moves, never copies. Not grown in place.
// Throws Error with the size when the system has not that much.
class Buffer {
   public:
    Buffer() = default;
    explicit Buffer(size_t bytes);
    // In the memory of `device` (at a multiple of 256 bytes), which this keeps open; of the host when it is null. What
    // lies there only the device's own members can read and write.
    Buffer(size_t bytes, std::shared_ptr<Device> device);

    template <typename T>
    static Buffer of(size_t count, std::shared_ptr<Device> device = nullptr) {
        return Buffer(checked_bytes(count, sizeof(T)), std::move(device));
    }

    size_t bytes() const { return bytes_; }
    std::byte* data() { return data_.get(); }
    const std::byte* data() const { return data_.get(); }
    const std::shared_ptr<Device>& device() const { return data_.get_deleter().device; }

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
        std::shared_ptr<Device> device;
        void operator()(std::byte* data) const;
    };
    std::unique_ptr<std::byte, Free> data_;
    size_t bytes_ = 0;
};

// Owns f32 values of the host or of a device; copies copy them, in the order of the copying thread's queue.
class Floats {
   public:
    Floats() = default;
    // `count` zeros.
    explicit Floats(size_t count, std::shared_ptr<Device> device = nullptr);
    Floats(std::span<const float> host, std::shared_ptr<Device> device);
    Floats(const Floats& other);
    Floats& operator=(const Floats& other);
    Floats(Floats&&) = default;
    Floats& operator=(Floats&&) = default;

    size_t size() const { return block_.bytes() / sizeof(float); }
    bool empty() const { return size() == 0; }
    std::span<float> span() { return block_.as<float>(); }
    std::span<const float> span() const { return block_.as<float>(); }
    operator std::span<const float>() const { return span(); }
    void set(std::span<const float> host);  // of equal size
    std::vector<float> fetch() const;       // a copy on the host

   private:
    Buffer block_;
};

// Working memory of one caller: pieces are handed out in order and given back all at once or down to a mark.
// Nothing is allocated after construction. One thread at a time.
class Arena {
   public:
    Arena() = default;
    explicit Arena(size_t bytes, std::shared_ptr<Device> device = nullptr) : block_(bytes, std::move(device)) {}

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
