#include <array>
#include <fstream>
#include <set>

#include "engine/memory_header.h"
#include "kernels/core/error.h"
#include "kernels/core/weight_checksums.h"

namespace lv {

namespace {

// Refuses a video, say, in the place of what was saved of it; what is no file is refused with its own words.
void require_memory(const std::filesystem::path& path) {
    if (std::error_code none; !std::filesystem::is_regular_file(path, none)) return;
    std::ifstream in(path, std::ios::binary);
    std::array<char, 9> first{};  // the header's length, and its brace
    if (in.read(first.data(), first.size()))
        require(first.back() == '{', "reading ", path.string(),
                ": this is no saved memory; name a file that was saved, or watch the video itself.");
}

WeightFile open_file(const std::filesystem::path& path) {
    require_memory(path);
    return WeightFile::open(path, memory_file_remedy);
}

// The tensors of a file whose blocks are whole. What does not fit the model or the header is refused, with its name.
class Reader {
   public:
    Reader(const MemoryHeader& header, std::shared_ptr<const WeightFile> file)
        : header_(header), file_(std::move(file)) {}

    template <typename T>
    std::span<const T> values(const std::string& name, std::initializer_list<size_t> shape) {
        used_.insert(name);
        return file_->values<T>(name, shape);
    }
    // Of a list whose length the file alone knows.
    template <typename T>
    std::span<const T> list(const std::string& name) {
        return values<T>(name, {first_size(name)});
    }
    size_t first_size(const std::string& name) const {
        const TensorView& tensor = file_->get(name);
        check(!tensor.shape.empty(), name, "has no size");
        return tensor.shape[0];
    }

    Cache cache(const std::string& name, const CacheShape& shape, const std::shared_ptr<Device>& device) {
        const auto page_rows = list<int32_t>(name + ".page_rows");
        const size_t page_bytes = shape.page_bytes();
        const auto pages = values<uint8_t>(name + ".pages", {page_rows.size(), page_bytes});
        std::vector<GivenPage> given;
        size_t rows = 0;
        for (size_t page = 0; page < page_rows.size(); ++page) {
            check(page_rows[page] > 0 && size_t(page_rows[page]) <= shape.page_rows, name + ".page_rows",
                  "holds a page of " + std::to_string(page_rows[page]) + " rows");
            rows += size_t(page_rows[page]);
            given.push_back(
                {std::as_bytes(pages).subspan(page * page_bytes, page_bytes), size_t(page_rows[page]), file_});
        }
        check(
            rows == header_.info.cache_rows, name + ".page_rows",
            "adds up to " + std::to_string(rows) + " rows, the header says " + std::to_string(header_.info.cache_rows));
        const auto dropped = header_.dropped.find(name);
        check(dropped != header_.dropped.end(), "header", "does not say what was dropped from " + name);
        return Cache(shape, given, dropped->second, device);
    }

    void window(const std::string& name, const Config& config, Window& window) {
        const DType type = header_.info.options.cache_type;
        KvPiece piece{.dtype = type, .rows = first_size(name + ".keys"), .stride = config.kv_dim()};
        check(piece.rows <= header_.info.rows, name + ".keys", "has more rows than were read");
        piece.keys = rows(name + ".keys", type, piece);
        piece.values = rows(name + ".values", type, piece);
        if (type == DType::i8) {
            piece.key_scales = values<float>(name + ".key_scales", {piece.rows, config.n_attn_kv_heads}).data();
            piece.value_scales = values<float>(name + ".value_scales", {piece.rows, config.n_attn_kv_heads}).data();
        }
        piece.first_row = header_.info.rows - piece.rows;
        window.restore(piece);
    }

    FrameIndex frames(const RowLayout& layout) {
        PrefixList<FrameMark> marks;
        const auto rows = list<int32_t>("frames.rows");
        const auto change = values<float>("frames.change", {rows.size()});
        marks.reserve(rows.size());
        for (size_t frame = 0; frame < rows.size(); ++frame) {
            check(rows[frame] >= 0, "frames.rows", "holds a frame of " + std::to_string(rows[frame]) + " rows");
            marks.push_back({uint32_t(rows[frame]), change[frame]});
        }
        const auto sums = values<float>("frames.sums", {2, layout.feature_dim});
        FrameIndex::Open open = header_.open;
        open.sum.assign(sums.begin(), sums.begin() + ptrdiff_t(layout.feature_dim));
        open.before.assign(sums.begin() + ptrdiff_t(layout.feature_dim), sums.end());
        return FrameIndex(layout, std::move(marks), std::move(open));
    }

    PrefixList<int64_t> times() {
        PrefixList<int64_t> out;
        const auto values_us = values<int64_t>("times", {header_.info.cache_rows});
        out.reserve(values_us.size());
        for (int64_t time_us : values_us) {
            check(time_us == no_time || (-most_us <= time_us && time_us <= most_us), "times",
                  "holds a time of no clock");
            out.push_back(time_us);
        }
        return out;
    }

    RollCall roll(const RowLayout& layout) {
        RollCall out(layout);
        if (layout.roll == 0) return out;
        const auto times_us = list<int64_t>("roll.times");
        for (int64_t time_us : times_us)
            check(-most_us <= time_us && time_us <= most_us, "roll.times", "holds a time of no clock");
        const auto values = this->values<float>("roll.values", {times_us.size(), layout.feature_dim});
        out.add({values.data(), times_us.size(), layout.feature_dim}, times_us);
        check(out.size() == times_us.size(), "roll.values", "does not hold a row for each kind");
        return out;
    }

    SavedNotes notes() {
        SavedNotes out;
        for (const TensorView& tensor : file_->tensors()) {
            if (!tensor.name.starts_with(notes_prefix)) continue;
            const auto bytes = std::as_bytes(list<uint8_t>(tensor.name));
            out.parts[tensor.name.substr(notes_prefix.size())].assign(bytes.begin(), bytes.end());
        }
        return out;
    }

    void finish() const {
        for (const TensorView& tensor : file_->tensors())
            check(used_.contains(tensor.name) || tensor.name == checksums_name, tensor.name, "is unknown");
    }

   private:
    void check(bool fine, const std::string& block, const std::string& what) const {
        require(fine, "Loading the memory ", file_->path().string(), ": its block \"", block, "\" ", what, "; ",
                memory_file_remedy, ".");
    }
    const void* rows(const std::string& name, DType type, const KvPiece& piece) {
        if (type == DType::f32) return values<float>(name, {piece.rows, piece.stride}).data();
        if (type == DType::f16) return values<Half>(name, {piece.rows, piece.stride}).data();
        return values<int8_t>(name, {piece.rows, piece.stride}).data();
    }

    const MemoryHeader& header_;
    std::shared_ptr<const WeightFile> file_;
    std::set<std::string> used_;
};

MemoryContents read_contents(Reader& reader, const MemoryHeader& header, const Model& model) {
    const Config& config = model.config();
    const MemoryOptions& options = header.info.options;
    MemoryContents out{.state = State(config, options.cache_type, options.page_rows, model.device()),
                       .times = reader.times(),
                       .frames = reader.frames(config.rows),
                       .roll = reader.roll(config.rows),
                       .videos = nullptr,
                       .forgotten = header.info.forgotten,
                       .last_time_us = header.last_time_us};
    State& state = out.state;
    state.rows = header.info.rows;
    for (size_t index = 0; index < state.layers.size(); ++index) {
        const std::string name = layers_prefix + std::to_string(index);
        LayerState& layer = state.layers[index];
        if (!layer.retention.empty()) {
            const size_t width = config.self_head_dim();
            layer.retention.set(reader.values<float>(name + ".retention", {config.n_self_heads, width, width}));
        }
        if (layer.window.bytes() > 0) reader.window(name, config, layer.window);
        if (layer.cache.shape().kv_heads > 0) layer.cache = reader.cache(name, layer.cache.shape(), model.device());
    }
    if (config.has_cross()) state.cache = reader.cache(cache_name_in_file, state.cache.shape(), model.device());
    if (!header.info.videos.empty()) out.videos = std::make_shared<const std::vector<VideoPart>>(header.info.videos);
    return out;
}

}  // namespace

LoadedMemory load_memory(const Context& context, std::shared_ptr<const Model> model, const std::filesystem::path& path,
                         std::optional<size_t> budget_bytes) {
    const auto file = std::make_shared<const WeightFile>(open_file(path));
    MemoryHeader header = read_header(*file);
    const MemoryFileInfo& info = header.info;
    require(info.model_digest == model->digest(), "Loading the memory ", path.string(), ": it was made by the model \"",
            info.model_name, "\" (", info.model_digest, "), this one is \"", model->config().name, "\" (",
            model->digest(), "); give that model with --model, or watch the video again.");
    const auto damage = damage_of(context, *file);
    require(!damage, "Loading the memory ", path.string(), ": its block \"", damage.value_or(""), "\" is damaged; ",
            memory_file_remedy, ".");
    Reader reader(header, file);
    MemoryContents contents = read_contents(reader, header, *model);
    SavedNotes notes = reader.notes();
    reader.finish();
    MemoryOptions options = info.options;
    options.budget_bytes = budget_bytes.value_or(options.budget_bytes);
    return {Memory(std::move(model), options, std::move(contents)), std::move(notes)};
}

MemoryFileInfo read_memory_info(const std::filesystem::path& path) {
    const WeightFile file = open_file(path);
    MemoryFileInfo info = read_header(file).info;
    for (const TensorView& tensor : file.tensors()) {
        const std::string& name = tensor.name;
        const size_t bytes = tensor.bytes.size();
        if (name.starts_with(notes_prefix))
            info.notes_bytes[name.substr(notes_prefix.size())] = bytes;
        else if (name.ends_with(".pages") || name.ends_with(".page_rows"))
            info.cache_bytes += bytes;
        else if (name.starts_with(layers_prefix) || name == "frames.sums" || name.starts_with("roll."))
            info.state_bytes += bytes;
        else if (name != checksums_name)
            info.index_bytes += bytes;
    }
    info.file_bytes = file.bytes();
    return info;
}

}  // namespace lv
