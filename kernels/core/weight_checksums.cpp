#include "kernels/core/weight_checksums.h"

#include <algorithm>
#include <atomic>

#include "kernels/core/checksum.h"
#include "kernels/core/error.h"

namespace lv {
namespace {

constexpr const char* header_name = "header";

size_t blocks_in(size_t bytes) { return (bytes + checksum_block_bytes - 1) / checksum_block_bytes; }

size_t bytes_of(const TensorSource& tensor) {
    size_t bytes = 0;
    for (std::span<const std::byte> chunk : tensor.chunks) bytes += chunk.size();
    return bytes;
}

struct Block {
    const TensorView* tensor = nullptr;
    size_t number = 0;  // of its tensor's
    std::span<const std::byte> bytes() const {
        const size_t at = number * checksum_block_bytes;
        return tensor->bytes.subspan(at, std::min(checksum_block_bytes, tensor->bytes.size() - at));
    }
    std::string name() const {
        const size_t all = blocks_in(tensor->bytes.size());
        return tensor->name + (all > 1 ? ", block " + std::to_string(number + 1) + " of " + std::to_string(all) : "");
    }
};

std::vector<Block> blocks_of(const WeightFile& file) {
    std::vector<Block> blocks;
    for (const TensorView& tensor : file.tensors()) {
        if (tensor.name == checksums_name) continue;
        for (size_t number = 0; number < blocks_in(tensor.bytes.size()); ++number) blocks.push_back({&tensor, number});
    }
    return blocks;
}

// Empty when the file has none that can be used.
std::span<const int64_t> sums_in(const WeightFile& file) {
    const TensorView* tensor = file.find(checksums_name);
    if (!tensor || tensor->dtype != DType::i64 || tensor->shape.size() != 1) return {};
    if (reinterpret_cast<uintptr_t>(tensor->bytes.data()) % alignof(int64_t) != 0) return {};
    return {reinterpret_cast<const int64_t*>(tensor->bytes.data()), tensor->size()};
}

}  // namespace

std::optional<std::string> damage_of_header(const WeightFile& file) {
    const std::span<const int64_t> sums = sums_in(file);
    if (sums.empty() || sums[0] != int64_t(crc32c(file.head()))) return header_name;
    return std::nullopt;
}

std::optional<std::string> damage_of(const Context& context, const WeightFile& file) {
    if (const auto damage = damage_of_header(file)) return damage;
    const std::span<const int64_t> sums = sums_in(file).subspan(1);
    const std::vector<Block> blocks = blocks_of(file);
    if (sums.size() != blocks.size()) return header_name;
    std::atomic<size_t> damaged = blocks.size();
    context.parallel_for(0, blocks.size(), 1, [&](size_t first, size_t last) {
        for (size_t block = first; block < last; ++block) {
            if (sums[block] == int64_t(crc32c(blocks[block].bytes()))) continue;
            size_t before = damaged.load();
            while (block < before && !damaged.compare_exchange_weak(before, block)) {
            }
            return;
        }
    });
    if (damaged == blocks.size()) return std::nullopt;
    return blocks[damaged].name();
}

size_t checksum_count(std::span<const TensorSource* const> tensors) {
    size_t count = 1;
    for (const TensorSource* tensor : tensors) count += blocks_in(bytes_of(*tensor));
    return count;
}

std::vector<int64_t> checksums_of(std::span<const std::byte> head, std::span<const TensorSource* const> tensors) {
    std::vector<int64_t> sums{crc32c(head)};
    for (const TensorSource* tensor : tensors) {
        uint32_t sum = 0;
        size_t in_block = 0;
        for (std::span<const std::byte> chunk : tensor->chunks)
            while (!chunk.empty()) {
                const size_t count = std::min(chunk.size(), checksum_block_bytes - in_block);
                sum = crc32c(chunk.first(count), sum);
                chunk = chunk.subspan(count);
                in_block += count;
                if (in_block < checksum_block_bytes) continue;
                sums.push_back(sum);
                sum = 0;
                in_block = 0;
            }
        if (in_block > 0) sums.push_back(sum);
    }
    return sums;
}

}  // namespace lv
