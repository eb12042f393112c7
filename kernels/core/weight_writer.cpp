#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "kernels/core/error.h"
#include "kernels/core/weight_file.h"

namespace lv {
namespace {

// A new file that disappears again unless it is put in place.
class NewFile {
   public:
    explicit NewFile(const std::filesystem::path& path) : path_(path), part_(path.string() + ".part-XXXXXX") {
        file_ = ::mkostemp(part_.data(), O_CLOEXEC);
        check(file_ >= 0, "creating it");
        ::fchmod(file_, 0644);
    }
    ~NewFile() {
        if (file_ >= 0) ::close(file_);
        if (!part_.empty()) ::unlink(part_.c_str());
    }
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;

    void write(std::span<const std::byte> bytes) {
        while (!bytes.empty()) {
            ssize_t count = ::write(file_, bytes.data(), std::min(bytes.size(), size_t{1} << 30));
            if (count < 0 && errno == EINTR) continue;
            check(count >= 0, "writing to it");
            bytes = bytes.subspan(size_t(count));
        }
    }

    void put_in_place() {
        check(::fsync(file_) == 0, "flushing it to disk");
        check(::close(std::exchange(file_, -1)) == 0, "closing it");
        check(::rename(part_.c_str(), path_.c_str()) == 0, "renaming the finished file to it");
        part_.clear();
        // The rename itself must reach the disk too; a file system that cannot do this still has the whole file.
        std::filesystem::path folder = path_.parent_path();
        int handle = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (handle >= 0) {
            ::fsync(handle);
            ::close(handle);
        }
    }

   private:
    void check(bool fine, const char* doing) const {
        if (fine) return;
        int error = errno;
        fail("saving ", path_.string(), ": ", doing, " failed: ", std::strerror(error),
             "; check the folder, its rights and the free space");
    }
    std::filesystem::path path_;
    std::string part_;
    int file_ = -1;
};

}  // namespace

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

    NewFile file(path);
    std::byte length[8];
    for (size_t i = 0; i < 8; ++i) length[i] = std::byte(uint64_t(text.size()) >> (8 * i) & 0xff);
    file.write(length);
    file.write(std::as_bytes(std::span(text)));
    for (const TensorSource* tensor : order)
        for (std::span<const std::byte> chunk : tensor->chunks) file.write(chunk);
    file.put_in_place();
}

}  // namespace lv
