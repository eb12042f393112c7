#include <algorithm>
#include <cassert>
#include <nlohmann/json.hpp>

#include "kernels/core/atomic_file.h"
#include "kernels/core/error.h"
#include "kernels/core/weight_checksums.h"
#include "kernels/core/weight_file.h"

namespace lv {
namespace {

using Order = std::vector<const TensorSource*>;

size_t align_of(const TensorSource& tensor) { return std::max(tensor.align, dtype_bytes(tensor.dtype)); }

// What is aligned widest comes first: with a header padded to 64 bytes every tensor then lies aligned.
Order file_order(std::span<const TensorSource> tensors) {
    Order order;
    for (const TensorSource& tensor : tensors) order.push_back(&tensor);
    std::stable_sort(order.begin(), order.end(),
                     [](const TensorSource* a, const TensorSource* b) { return align_of(*a) > align_of(*b); });
    return order;
}

// The length and the JSON header.
std::string head_of(const std::string& path, const Order& order, const std::map<std::string, std::string>& metadata) {
    nlohmann::ordered_json header = nlohmann::ordered_json::object();
    if (!metadata.empty()) header["__metadata__"] = metadata;
    size_t at = 0;
    for (const TensorSource* tensor : order) {
        size_t bytes = 0, expected = dtype_bytes(tensor->dtype);
        for (std::span<const std::byte> chunk : tensor->chunks) bytes += chunk.size();
        for (size_t size : tensor->shape) expected *= size;
        require(bytes == expected, "saving ", path, ": tensor ", tensor->name, " has ", bytes,
                " bytes, its shape takes ", expected);
        require(!header.contains(tensor->name), "saving ", path, ": tensor ", tensor->name, " is given twice");
        assert(bytes % align_of(*tensor) == 0);
        header[tensor->name] = {
            {"dtype", dtype_name(tensor->dtype)}, {"shape", tensor->shape}, {"data_offsets", {at, at + bytes}}};
        at += bytes;
    }
    std::string text = header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    text.resize((8 + text.size() + 63) / 64 * 64 - 8, ' ');
    std::string length(8, '\0');
    for (size_t i = 0; i < 8; ++i) length[i] = char(uint64_t(text.size()) >> (8 * i) & 0xff);
    return length + text;
}

}  // namespace

void write_weight_file(const std::filesystem::path& path, std::span<const TensorSource> tensors,
                       const std::map<std::string, std::string>& metadata, const WeightFileOptions& options) {
    Order order = file_order(tensors);
    std::vector<int64_t> sums;
    TensorSource checksums{checksums_name, DType::i64, {}, {}};
    const Order summed = order;
    if (options.checksums) {
        sums.resize(checksum_count(summed));
        checksums.shape = {sums.size()};
        checksums.chunks = {std::as_bytes(std::span(sums))};
        order.insert(std::find_if(order.begin(), order.end(),
                                  [&](const TensorSource* tensor) { return align_of(*tensor) <= sizeof(int64_t); }),
                     &checksums);
    }
    const std::string head = head_of(path.string(), order, metadata);
    if (options.checksums) std::ranges::copy(checksums_of(std::as_bytes(std::span(head)), summed), sums.begin());

    AtomicFile file(path, options.elsewhere);
    file.write(head);
    for (const TensorSource* tensor : order)
        for (std::span<const std::byte> chunk : tensor->chunks) file.write(chunk);
    file.commit();
}

}  // namespace lv
