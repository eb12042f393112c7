// Named tensors in a safetensors file: a mapped reader that trusts nothing, and a writer that never leaves half a file.
//
// Layout of the file: u64 header length (little endian), JSON header
// {"name": {"dtype", "shape", "data_offsets": [begin, end]}, "__metadata__": {text: text}}, then the bytes.
// Errors name the file and the tensor.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/core/dtype.h"
#include "kernels/core/memory.h"

namespace lv {

// One tensor somewhere in a mapped file or in memory: shape outermost first. Does not own.
struct TensorView {
    std::string name;
    DType dtype = DType::f32;
    std::vector<size_t> shape;
    std::span<const std::byte> bytes;  // row-major, little endian; not always aligned for its type

    size_t size() const;           // product of the shape; 1 for a scalar
    std::string describe() const;  // "layers.0.q F16 [192, 384]"
};

// Const after open: any number of threads may read. Views stay valid while the file object lives.
class WeightFile {
   public:
    // Maps the file and checks all of the header: every name once, every dtype known, every shape times its type
    // equal to its bytes, the tensors side by side without gap or overlap up to the end of the file.
    // Throws Error when anything is wrong; `remedy` says what to do about a damaged file.
    static WeightFile open(const std::filesystem::path& path, std::string_view remedy = "fetch or export it again");
    WeightFile(WeightFile&&) noexcept;
    WeightFile& operator=(WeightFile&&) noexcept;
    ~WeightFile();

    const std::filesystem::path& path() const;
    const std::vector<TensorView>& tensors() const;              // in file order
    const std::map<std::string, std::string>& metadata() const;  // "__metadata__", empty if absent
    size_t bytes() const;                                        // of the whole file
    std::span<const std::byte> head() const;                     // what stands before the data: length and header

    const TensorView* find(std::string_view name) const;  // null when there is none
    // Throws Error that names the tensor, what is expected and what is there.
    const TensorView& get(std::string_view name) const;
    const TensorView& get(std::string_view name, std::span<const size_t> shape) const;
    const TensorView& get(std::string_view name, std::initializer_list<size_t> shape) const {
        return get(name, std::span<const size_t>(shape.begin(), shape.size()));
    }

    // The mapped values themselves, no copy. Error when the dtype or shape differs or the data lies unaligned.
    template <typename T>
    std::span<const T> values(std::string_view name, std::initializer_list<size_t> shape) const {
        const TensorView& tensor = typed(name, shape, DTypeOf<T>::value, alignof(T));
        return {reinterpret_cast<const T*>(tensor.bytes.data()), tensor.size()};
    }
    // A copy as f32 of an f32, f16 or bf16 tensor.
    std::vector<float> floats(std::string_view name, std::initializer_list<size_t> shape) const;

   private:
    struct Parts;
    explicit WeightFile(std::unique_ptr<Parts> parts);
    const TensorView& typed(std::string_view name, std::span<const size_t> shape, DType dtype, size_t align) const;
    const TensorView& typed(std::string_view name, std::initializer_list<size_t> shape, DType dtype,
                            size_t align) const {
        return typed(name, std::span<const size_t>(shape.begin(), shape.size()), dtype, align);
    }
    std::unique_ptr<Parts> parts_;
};

// A copy as f32 of an f32, f16 or bf16 tensor; Error for other types.
std::vector<float> to_floats(const TensorView& tensor);

// One tensor to write; its bytes may lie in several chunks (pages of a cache), written one after another.
struct TensorSource {
    std::string name;
    DType dtype = DType::f32;
    std::vector<size_t> shape;
    std::vector<std::span<const std::byte>> chunks;
    size_t align = 1;  // bytes of the tensor's place in the file, up to 64; then it takes a multiple of that many bytes
};

struct WeightFileOptions {
    bool checksums = false;                          // adds them, see weight_checksums.h
    std::string elsewhere = "choose another place";  // ends the advice where the file cannot be written
};

// Writes all tensors (sorted so that each lies aligned) as an AtomicFile.
// On failure (no room, no right to write) throws Error and leaves what was at `path` untouched.
void write_weight_file(const std::filesystem::path& path, std::span<const TensorSource> tensors,
                       const std::map<std::string, std::string>& metadata = {}, const WeightFileOptions& options = {});

}  // namespace lv
