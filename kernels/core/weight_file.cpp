#include "kernels/core/weight_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <unordered_map>

#include "kernels/core/error.h"

namespace lv {
namespace {

using Json = nlohmann::json;

constexpr size_t header_limit_bytes = 100 << 20;  // as in the reference implementation
constexpr size_t nesting_limit = 8;
constexpr size_t dims_limit = 16;

std::string shape_text(std::span<const size_t> shape) {
    std::ostringstream text;
    text << '[';
    for (size_t i = 0; i < shape.size(); ++i) text << (i ? ", " : "") << shape[i];
    text << ']';
    return text.str();
}

// A name from a file, fit for a message: no control characters, not endless.
std::string printable(std::string_view name) {
    std::string text(name.substr(0, 120));
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 32 || c == 127) c = '?';
    if (name.size() > 120) text += "...";
    return text;
}

// a * b, or empty when that is no size_t.
std::optional<size_t> product(size_t a, size_t b) {
    if (b != 0 && a > std::numeric_limits<size_t>::max() / b) return std::nullopt;
    return a * b;
}

class Mapping {
   public:
    explicit Mapping(const std::filesystem::path& path) {
        int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe would be waited for
        require(file >= 0, "opening ", path.string(), ": ", std::strerror(errno), "; check the path");
        struct stat info {};
        bool regular = ::fstat(file, &info) == 0 && S_ISREG(info.st_mode);
        size_ = regular ? size_t(info.st_size) : 0;
        if (size_ > 0) data_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
        int error = errno;
        ::close(file);
        require(regular, "opening ", path.string(),
                S_ISFIFO(info.st_mode) ? ": it is a pipe" : ": it is not a regular file", "; give a .safetensors file");
        require(data_ != MAP_FAILED, "mapping ", path.string(), ": ", std::strerror(error));
    }
    ~Mapping() {
        if (data_ && data_ != MAP_FAILED) ::munmap(data_, size_);
    }
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_), size_}; }

   private:
    void* data_ = nullptr;
    size_t size_ = 0;
};

class Reader {
   public:
    Reader(const std::filesystem::path& path, std::span<const std::byte> file, std::string_view remedy)
        : path_(path.string()), file_(file), remedy_(remedy) {}

    // Returns how many bytes stand before the data.
    size_t read(std::vector<TensorView>& tensors, std::map<std::string, std::string>& metadata) {
        if (file_.size() < 8) refuse("the file has ", file_.size(), " bytes, a safetensors file at least 8");
        uint64_t length = 0;
        for (size_t i = 0; i < 8; ++i) length |= uint64_t(file_[i]) << (8 * i);
        if (length > header_limit_bytes || length > file_.size() - 8)
            refuse("its header claims ", length, " bytes, the file has ", file_.size() - 8, " after the length");
        Json header = parse({reinterpret_cast<const char*>(file_.data()) + 8, size_t(length)});
        std::span<const std::byte> data = file_.subspan(8 + size_t(length));
        for (const auto& [name, entry] : header.items()) {
            if (name == "__metadata__")
                read_metadata(entry, metadata);
            else
                tensors.push_back(read_tensor(name, entry, data));
        }
        check_cover(tensors, data);
        return 8 + size_t(length);
    }

   private:
    template <typename... Parts>
    [[noreturn]] void refuse(const Parts&... parts) const {
        fail("reading ", path_, ": ", parts..., "; the file is damaged or no safetensors file: ", remedy_);
    }

    Json parse(std::string_view text) const {
        std::vector<std::set<std::string>> names;  // of the objects that are open
        auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
            if (depth > int(nesting_limit)) refuse("its header nests deeper than ", nesting_limit, " levels");
            if (event == Json::parse_event_t::object_start) names.emplace_back();
            if (event == Json::parse_event_t::object_end) names.pop_back();
            if (event == Json::parse_event_t::key && !names.back().insert(value.get<std::string>()).second)
                refuse("its header has \"", printable(value.get<std::string>()), "\" twice");
            return true;
        };
        Json header;
        try {
            header = Json::parse(text.begin(), text.end(), watch);
        } catch (const Json::exception& error) {
            refuse("its header is not JSON (", printable(error.what()), ")");
        }
        if (!header.is_object()) refuse("its header is not a JSON object");
        return header;
    }

    void read_metadata(const Json& entry, std::map<std::string, std::string>& metadata) const {
        if (!entry.is_object()) refuse("__metadata__ is not an object of texts");
        for (const auto& [key, value] : entry.items()) {
            if (!value.is_string()) refuse("__metadata__ entry \"", printable(key), "\" is not a text");
            metadata[key] = value.get<std::string>();
        }
    }

    TensorView read_tensor(const std::string& name, const Json& entry, std::span<const std::byte> data) const {
        std::string shown = "tensor \"" + printable(name) + "\"";
        if (!entry.is_object()) refuse(shown, " is not described by an object");
        for (const auto& [key, value] : entry.items())
            if (key != "dtype" && key != "shape" && key != "data_offsets")
                refuse(shown, " has an unknown field \"", printable(key), "\"");
        for (const char* key : {"dtype", "shape", "data_offsets"})
            if (!entry.contains(key)) refuse(shown, " has no field \"", key, "\"");

        TensorView tensor;
        tensor.name = name;
        const Json& dtype = entry["dtype"];
        if (!dtype.is_string()) refuse(shown, ": its dtype is not a text");
        std::optional<DType> known = dtype_from_name(dtype.get_ref<const std::string&>());
        if (!known) refuse(shown, ": dtype \"", printable(dtype.get<std::string>()), "\" is unknown here");
        tensor.dtype = *known;

        const Json& shape = entry["shape"];
        if (!shape.is_array() || shape.size() > dims_limit) refuse(shown, ": its shape is not a list of sizes");
        std::optional<size_t> bytes = dtype_bytes(tensor.dtype);
        for (const Json& size : shape) {
            if (!size.is_number_unsigned()) refuse(shown, ": its shape holds ", printable(size.dump()), ", no size");
            tensor.shape.push_back(size.get<size_t>());
            if (bytes) bytes = product(*bytes, tensor.shape.back());
        }
        // A zero anywhere means no bytes, even where the other sizes alone would not fit.
        if (std::find(tensor.shape.begin(), tensor.shape.end(), size_t{0}) != tensor.shape.end()) bytes = 0;
        if (!bytes) refuse(shown, ": its shape ", shape_text(tensor.shape), " is larger than any memory");

        const Json& offsets = entry["data_offsets"];
        if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
            !offsets[1].is_number_unsigned())
            refuse(shown, ": data_offsets is not [begin, end]");
        uint64_t begin = offsets[0].get<uint64_t>(), end = offsets[1].get<uint64_t>();
        if (begin > end || end > data.size())
            refuse(shown, ": its data is at ", begin, " to ", end, ", the file holds ", data.size(), " bytes of data");
        if (end - begin != *bytes)
            refuse(shown, ": ", dtype_name(tensor.dtype), ' ', shape_text(tensor.shape), " takes ", *bytes,
                   " bytes, the header gives it ", end - begin);
        tensor.bytes = data.subspan(size_t(begin), size_t(end - begin));
        return tensor;
    }

    // Sorts into file order; together the tensors must be all of the data, each byte once.
    void check_cover(std::vector<TensorView>& tensors, std::span<const std::byte> data) const {
        std::sort(tensors.begin(), tensors.end(), [](const TensorView& a, const TensorView& b) {
            return std::pair(a.bytes.data(), a.bytes.size()) < std::pair(b.bytes.data(), b.bytes.size());
        });
        size_t at = 0;
        for (const TensorView& tensor : tensors) {
            size_t begin = size_t(tensor.bytes.data() - data.data());
            if (begin < at) refuse("tensor \"", printable(tensor.name), "\" overlaps the one before it");
            if (begin > at)
                refuse("there are ", begin - at, " bytes of no tensor before \"", printable(tensor.name), "\"");
            at = begin + tensor.bytes.size();
        }
        if (at != data.size()) refuse("there are ", data.size() - at, " bytes of no tensor at the end");
    }

    std::string path_;
    std::span<const std::byte> file_;
    std::string_view remedy_;
};

}  // namespace

size_t TensorView::size() const { return bytes.size() / dtype_bytes(dtype); }

std::string TensorView::describe() const {
    return printable(name) + ' ' + std::string(dtype_name(dtype)) + ' ' + shape_text(shape);
}

struct WeightFile::Parts {
    std::filesystem::path path;
    Mapping mapping;
    std::vector<TensorView> tensors;
    std::unordered_map<std::string_view, size_t> places;  // keys view tensors[..].name
    std::map<std::string, std::string> metadata;

    size_t head_bytes = 0;

    Parts(const std::filesystem::path& path_, std::string_view remedy) : path(path_), mapping(path_) {
        head_bytes = Reader(path, mapping.bytes(), remedy).read(tensors, metadata);
        for (size_t i = 0; i < tensors.size(); ++i) places.emplace(tensors[i].name, i);
    }
};

WeightFile WeightFile::open(const std::filesystem::path& path, std::string_view remedy) {
    return WeightFile(std::make_unique<Parts>(path, remedy));
}
WeightFile::WeightFile(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
WeightFile::WeightFile(WeightFile&&) noexcept = default;
WeightFile& WeightFile::operator=(WeightFile&&) noexcept = default;
WeightFile::~WeightFile() = default;

const std::filesystem::path& WeightFile::path() const { return parts_->path; }
const std::vector<TensorView>& WeightFile::tensors() const { return parts_->tensors; }
const std::map<std::string, std::string>& WeightFile::metadata() const { return parts_->metadata; }
size_t WeightFile::bytes() const { return parts_->mapping.bytes().size(); }
std::span<const std::byte> WeightFile::head() const { return parts_->mapping.bytes().first(parts_->head_bytes); }

const TensorView* WeightFile::find(std::string_view name) const {
    auto place = parts_->places.find(name);
    return place == parts_->places.end() ? nullptr : &parts_->tensors[place->second];
}

const TensorView& WeightFile::get(std::string_view name) const {
    const TensorView* tensor = find(name);
    require(tensor != nullptr, "reading ", path().string(), ": it has no tensor \"", name,
            "\"; the file does not belong to this configuration");
    return *tensor;
}

const TensorView& WeightFile::get(std::string_view name, std::span<const size_t> shape) const {
    const TensorView& tensor = get(name);
    require(std::equal(shape.begin(), shape.end(), tensor.shape.begin(), tensor.shape.end()), "reading ",
            path().string(), ": found ", tensor.describe(), ", expected ", shape_text(shape),
            "; the file does not belong to this configuration");
    return tensor;
}

const TensorView& WeightFile::typed(std::string_view name, std::span<const size_t> shape, DType dtype,
                                    size_t align) const {
    const TensorView& tensor = get(name, shape);
    require(tensor.dtype == dtype, "reading ", path().string(), ": found ", tensor.describe(), ", expected ",
            dtype_name(dtype), "; export the file again");
    require(reinterpret_cast<uintptr_t>(tensor.bytes.data()) % align == 0, "reading ", path().string(), ": ",
            tensor.describe(), " lies unaligned in the file; export it again with a header padded to 8 bytes");
    return tensor;
}

std::vector<float> WeightFile::floats(std::string_view name, std::initializer_list<size_t> shape) const {
    const TensorView& tensor = get(name, shape);
    try {
        return to_floats(tensor);
    } catch (const Error& error) {
        fail("reading ", path().string(), ": ", error.what());
    }
}

std::vector<float> to_floats(const TensorView& tensor) {
    std::vector<float> floats(tensor.size());
    if (tensor.dtype == DType::f32) {
        if (!floats.empty()) std::memcpy(floats.data(), tensor.bytes.data(), tensor.bytes.size());
        return floats;
    }
    require(tensor.dtype == DType::f16 || tensor.dtype == DType::bf16, "converting ", tensor.describe(),
            ": expected F32, F16 or BF16");
    for (size_t i = 0; i < floats.size(); ++i) {
        uint16_t bits;  // copied, for the bytes may lie unaligned
        std::memcpy(&bits, tensor.bytes.data() + 2 * i, 2);
        floats[i] = tensor.dtype == DType::f16 ? to_float(Half{bits}) : to_float(BFloat16{bits});
    }
    return floats;
}

}  // namespace lv
