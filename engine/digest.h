// The identity of a model in 16 letters: equal for equal parts, another one when any part differs.
//
// 64-bit FNV-1a over the names, sizes and CRC-32Cs of what is added, in order: cheap, since the bytes are read at the
// speed of memory. It guards against mistakes, not against forgery.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lv {

class Digest {
   public:
    void add(std::string_view name, std::span<const std::byte> bytes);
    void add(std::string_view name, std::string_view text) { add(name, std::as_bytes(std::span(text))); }
    std::string hex() const;  // 16 digits

   private:
    void mix(std::span<const std::byte> bytes);
    uint64_t state_ = 0xcbf29ce484222325;
};

}  // namespace lv
