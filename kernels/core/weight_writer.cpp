#include <algorithm>
#include <nlohmann/json.hpp>

#include "kernels/core/atomic_file.h"
#include "kernels/core/error.h"
#include "kernels/core/weight_file.h"

namespace lv {
void write_weight_file(const std::filesystem::path& path, std::span<const TensorSource> tensors,
                       const std::map<std::string, std::string>& metadata) {
    // Wide types first: with a header padded to 8 bytes every tensor then lies aligned for its type.
    std::vector<const TensorSource*> order;
    for (const TensorSource& tensor : tensors) order.push_back(&tensor);
    std::stable_sort(order.begin(), order.end(), [](const TensorSource* a, const TensorSource* b) {
        return dtype_bytes(a->dtype) > dtype_bytes(b->dtype);
    });

    nlohmann::ordered_json header = nlohmann::ordered_json::object();
    if (!metadata.empty()) header["__metadata__"] = metadata;
    size_t at = 0;
    for (const TensorSource* tensor : order) {
        size_t bytes = 0, expected = dtype_bytes(tensor->dtype);
        for (std::span<const std::byte> chunk : tensor->chunks) bytes += chunk.size();
        for (size_t size : tensor->shape) expected *= size;
        require(bytes == expected, "saving ", path.string(), ": tensor ", tensor->name, " has ", bytes,
                " bytes, its shape takes ", expected);
        require(!header.contains(tensor->name), "saving ", path.string(), ": tensor ", tensor->name, " is given twice");
        header[tensor->name] = {
            {"dtype", dtype_name(tensor->dtype)}, {"shape", tensor->shape}, {"data_offsets", {at, at + bytes}}};
        at += bytes;
    }
    std::string text = header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    text.resize((text.size() + 7) / 8 * 8, ' ');

    AtomicFile file(path);
    std::byte length[8];
    for (size_t i = 0; i < 8; ++i) length[i] = std::byte(uint64_t(text.size()) >> (8 * i) & 0xff);
    file.write(length);
    file.write(text);
    for (const TensorSource* tensor : order)
        for (std::span<const std::byte> chunk : tensor->chunks) file.write(chunk);
    file.commit();
}

}  // namespace lv
