// Checksums in a safetensors file: one more tensor, "checksums" I64 [1 + blocks], a CRC-32C each.
//
// The first is of all that stands before the data: the length and the JSON header. Then, tensor by tensor in the order
// of the file and "checksums" itself left out, one for each checksum_block_bytes, the last of a tensor for what is
// left.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/core/context.h"
#include "kernels/core/weight_file.h"

namespace lv {

constexpr const char* checksums_name = "checksums";
constexpr size_t checksum_block_bytes = size_t{1} << 20;

// What is damaged, "header" or "cache.pages, block 3 of 50", the first in the order of the file; none: all is as it was
// written. A file without checksums has a damaged header. The second reads the whole file, with all threads.
std::optional<std::string> damage_of_header(const WeightFile& file);
std::optional<std::string> damage_of(const Context& context, const WeightFile& file);

// For the writer: the checksums of tensors in the order of the file, whose head is `head`.
size_t checksum_count(std::span<const TensorSource* const> tensors);
std::vector<int64_t> checksums_of(std::span<const std::byte> head, std::span<const TensorSource* const> tensors);

}  // namespace lv
