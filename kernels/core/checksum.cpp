#include "kernels/core/checksum.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace lv {
namespace {

constexpr uint32_t polynomial = 0x82f63b78;  // bits reversed

using Table = std::array<uint32_t, 256>;

constexpr Table byte_table() {
    Table table{};
    for (uint32_t byte = 0; byte < 256; ++byte) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
        table[byte] = crc;
    }
    return table;
}
constexpr Table by_byte = byte_table();

#if defined(__x86_64__)

constexpr size_t stream_bytes = 4096;  // of each of the three streams

// What a register becomes when `bytes` zero bytes follow: linear over bits, so one table for each of its four bytes.
class Shift {
   public:
    explicit Shift(size_t bytes) {
        std::array<uint32_t, 32> of_bit;
        for (uint32_t bit = 0; bit < 32; ++bit) {
            uint32_t crc = uint32_t{1} << bit;
            for (size_t i = 0; i < bytes; ++i) crc = crc >> 8 ^ by_byte[crc & 0xff];
            of_bit[bit] = crc;
        }
        for (size_t part = 0; part < 4; ++part)
            for (uint32_t byte = 0; byte < 256; ++byte)
                for (uint32_t bit = 0; bit < 8; ++bit)
                    if (byte >> bit & 1) tables_[part][byte] ^= of_bit[8 * part + bit];
    }
    uint32_t operator()(uint32_t crc) const {
        return tables_[0][crc & 0xff] ^ tables_[1][crc >> 8 & 0xff] ^ tables_[2][crc >> 16 & 0xff] ^
               tables_[3][crc >> 24];
    }

   private:
    std::array<Table, 4> tables_{};
};

uint64_t load(const std::byte* at) {
    uint64_t value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

__attribute__((target("sse4.2"))) uint32_t crc32c_sse(std::span<const std::byte> bytes, uint32_t before) {
    static const Shift shift(stream_bytes);
    const std::byte* at = bytes.data();
    size_t left = bytes.size();
    uint64_t crc = before ^ 0xffffffff;
    for (; left >= 3 * stream_bytes; at += 3 * stream_bytes, left -= 3 * stream_bytes) {
        uint64_t second = 0, third = 0;
        for (size_t i = 0; i < stream_bytes; i += 8) {
            crc = _mm_crc32_u64(crc, load(at + i));
            second = _mm_crc32_u64(second, load(at + stream_bytes + i));
            third = _mm_crc32_u64(third, load(at + 2 * stream_bytes + i));
        }
        crc = shift(shift(uint32_t(crc)) ^ uint32_t(second)) ^ uint32_t(third);
    }
    for (; left >= 8; at += 8, left -= 8) crc = _mm_crc32_u64(crc, load(at));
    for (; left > 0; ++at, --left) crc = _mm_crc32_u8(uint32_t(crc), uint8_t(*at));
    return uint32_t(crc) ^ 0xffffffff;
}

#endif

using Function = uint32_t (*)(std::span<const std::byte>, uint32_t);

Function best_function() {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("sse4.2")) return crc32c_sse;
#endif
    return crc32c_by_table;
}

}  // namespace

uint32_t crc32c_by_table(std::span<const std::byte> bytes, uint32_t before) {
    uint32_t crc = before ^ 0xffffffff;
    for (std::byte byte : bytes) crc = crc >> 8 ^ by_byte[(crc ^ uint32_t(byte)) & 0xff];
    return crc ^ 0xffffffff;
}

uint32_t crc32c(std::span<const std::byte> bytes, uint32_t before) {
    static const Function best = best_function();
    return best(bytes, before);
}

}  // namespace lv
