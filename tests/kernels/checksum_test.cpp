#include "kernels/core/checksum.h"

#include "tests/support.h"

namespace lv {
namespace {

std::vector<std::byte> some_bytes(size_t count, uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<std::byte> bytes(count);
    for (std::byte& byte : bytes) byte = std::byte(random());
    return bytes;
}

// As it is defined: one bit after another.
uint32_t by_bits(std::span<const std::byte> bytes) {
    uint32_t crc = 0xffffffff;
    for (std::byte byte : bytes)
        for (int bit = 0; bit < 8; ++bit) {
            const uint32_t lowest = (crc ^ uint32_t(byte) >> bit) & 1;
            crc = crc >> 1 ^ (lowest ? 0x82f63b78 : 0);
        }
    return crc ^ 0xffffffff;
}

TEST(Checksum, GivesTheKnownSumsOfRfc3720) {
    const auto sum = [](auto bytes) { return crc32c(std::as_bytes(std::span(bytes))); };
    EXPECT_EQ(sum(std::string("123456789")), 0xe3069283u);
    EXPECT_EQ(sum(std::vector<uint8_t>(32, 0)), 0x8a9136aau);
    EXPECT_EQ(sum(std::vector<uint8_t>(32, 0xff)), 0x62a8ab43u);
    std::vector<uint8_t> rising(32), falling(32);
    for (uint8_t i = 0; i < 32; ++i) rising[i] = i, falling[i] = uint8_t(31 - i);
    EXPECT_EQ(sum(rising), 0x46dd794eu);
    EXPECT_EQ(sum(falling), 0x113fdb5cu);
    EXPECT_EQ(crc32c({}), 0u);
}

TEST(Checksum, TheFastAndThePlainPathAgreeAtEveryLengthAndPlace) {
    const std::vector<std::byte> bytes = some_bytes(40'000, 1);
    const std::span<const std::byte> all = bytes;
    for (size_t first : {0, 1, 7})
        for (size_t count : {0, 1, 2, 7, 8, 9, 63, 64, 65, 4095, 4096, 12'287, 12'288, 12'289, 24'576, 36'871}) {
            const uint32_t expected = by_bits(all.subspan(first, count));
            EXPECT_EQ(crc32c(all.subspan(first, count)), expected) << first << ", " << count;
            EXPECT_EQ(crc32c_by_table(all.subspan(first, count)), expected) << first << ", " << count;
        }
}

TEST(Checksum, GoesOnFromWhatStandsBefore) {
    const std::vector<std::byte> bytes = some_bytes(30'000, 2);
    const std::span<const std::byte> all = bytes;
    for (size_t cut : {0, 1, 9, 13'000, 29'999, 30'000}) {
        EXPECT_EQ(crc32c(all.subspan(cut), crc32c(all.first(cut))), crc32c(all)) << cut;
        EXPECT_EQ(crc32c_by_table(all.subspan(cut), crc32c(all.first(cut))), crc32c(all)) << cut;
    }
}

TEST(Checksum, EveryFlippedBitChangesIt) {
    std::vector<std::byte> bytes = some_bytes(12'288 + 11, 3);
    const uint32_t whole = crc32c(bytes);
    for (size_t at = 0; at < bytes.size(); at += 97) {
        bytes[at] ^= std::byte(1u << at % 8);
        EXPECT_NE(crc32c(bytes), whole) << at;
        bytes[at] ^= std::byte(1u << at % 8);
    }
}

}  // namespace
}  // namespace lv
