// Plain values to bytes and back, for the parts of vision that a saved memory carries on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

#include "kernels/core/error.h"

namespace lv {

// Little endian as the machine is; only padding-free types, so that equal states give equal bytes.
class StateWriter {
   public:
    template <typename T>
    void put(const T& value) {
        static_assert(std::is_arithmetic_v<T>);
        bytes_.resize(bytes_.size() + sizeof(T));
        std::memcpy(bytes_.data() + bytes_.size() - sizeof(T), &value, sizeof(T));
    }
    template <typename T>
    void put_all(std::span<const T> values) {
        put<uint64_t>(values.size());
        for (const T& value : values) put(value);
    }
    std::vector<std::byte> take() { return std::move(bytes_); }

   private:
    std::vector<std::byte> bytes_;
};

// Throws Error where the bytes end too early or hold a list longer than they are.
class StateReader {
   public:
    explicit StateReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

    template <typename T>
    T get() {
        static_assert(std::is_arithmetic_v<T>);
        require(bytes_.size() >= sizeof(T), "restoring the state of vision: it ends too early; save the memory again");
        T value;
        std::memcpy(&value, bytes_.data(), sizeof(T));
        bytes_ = bytes_.subspan(sizeof(T));
        return value;
    }
    template <typename T>
    void get(T& value) {
        value = get<T>();
    }
    // A whole number of [low, high].
    template <typename T>
    T within(T low, T high) {
        const T value = get<T>();
        require(value >= low && value <= high,
                "restoring the state of vision: it holds a value out of range; save the memory again");
        return value;
    }
    template <typename T>
    std::vector<T> get_all() {
        const auto count = get<uint64_t>();
        require(count <= bytes_.size() / sizeof(T),
                "restoring the state of vision: it ends too early; save the memory again");
        std::vector<T> values(count);
        for (T& value : values) get(value);
        return values;
    }
    bool at_end() const { return bytes_.empty(); }
    void end() const {
        require(bytes_.empty(), "restoring the state of vision: ", bytes_.size(),
                " bytes too many; it was saved by another version, watch the video again");
    }

   private:
    std::span<const std::byte> bytes_;
};

}  // namespace lv
