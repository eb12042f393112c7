#include "engine/digest.h"

#include <array>

#include "kernels/core/checksum.h"

namespace lv {

void Digest::mix(std::span<const std::byte> bytes) {
    for (std::byte byte : bytes) state_ = (state_ ^ uint64_t(byte)) * 0x100000001b3;
}

void Digest::add(std::string_view name, std::span<const std::byte> bytes) {
    const std::array<uint64_t, 3> numbers{name.size(), bytes.size(), crc32c(bytes)};
    mix(std::as_bytes(std::span(numbers)));
    mix(std::as_bytes(std::span(name)));
}

std::string Digest::hex() const {
    std::string text(16, '0');
    for (size_t i = 0; i < 16; ++i) text[i] = "0123456789abcdef"[state_ >> (60 - 4 * i) & 15];
    return text;
}

}  // namespace lv
