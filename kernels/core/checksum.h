// CRC-32C (Castagnoli; RFC 3720): finds any damage of up to 32 neighbouring bits, and other damage but once in 2^32.
//
// It guards against bad disks, cut copies and stray writes, not against forgery.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace lv {

// Of `bytes`, going on from the checksum of what stands before them: crc32c(b, crc32c(a)) == crc32c(a followed by b).
// Bound by reading where the processor has SSE4.2: three streams at once, since the instruction gives its result after
// three cycles and takes a new operand in each (3 x one stream on an AMD EPYC, about 20 x the table).
uint32_t crc32c(std::span<const std::byte> bytes, uint32_t before = 0);

// The same by table, on any processor.
uint32_t crc32c_by_table(std::span<const std::byte> bytes, uint32_t before = 0);

}  // namespace lv
