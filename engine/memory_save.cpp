#include <algorithm>
#include <deque>

#include "engine/memory_header.h"
#include "kernels/core/error.h"

namespace lv {

namespace {

// The tensors of one file, and the values that are gathered for it; everything else stays where it lies in the memory.
class Tensors {
   public:
    template <typename T>
    void add(const std::string& name, std::vector<size_t> shape, const std::vector<T>& values) {
        own_.emplace_back(values.size() * sizeof(T));
        std::ranges::copy(values, own_.back().as<T>().begin());
        view(name, DTypeOf<T>::value, std::move(shape), {own_.back().data(), own_.back().bytes()});
    }
    void view(const std::string& name, DType type, std::vector<size_t> shape, std::span<const std::byte> bytes) {
        sources_.push_back({name, type, std::move(shape), {bytes}});
    }
    void cache(const std::string& name, const Cache& cache) {
        const size_t page_bytes = cache.shape().page_bytes();
        TensorSource pages{name + ".pages", DType::u8, {cache.pages(), page_bytes}, {}, memory_alignment};
        std::vector<int32_t> rows;
        for (size_t index = 0; index < cache.pages(); ++index) {
            CachePage page = cache.page(index);
            rows.push_back(int32_t(page.piece.rows));
            if (page.block.empty()) {  // open: still growing in another memory perhaps; or on a device
                own_.emplace_back(page_bytes);
                cache.copy_page(index, {own_.back().data(), page_bytes});
                page.block = {own_.back().data(), page_bytes};
            }
            pages.chunks.push_back(page.block);
        }
        sources_.push_back(std::move(pages));
        add(name + ".page_rows", {rows.size()}, rows);
    }
    void window(const std::string& name, const Window& window, size_t kv_heads) {
        const KvPiece piece = window.fetch(own_.emplace_back());
        const auto rows = [&](const char* part, DType type, const void* data, size_t cols) {
            view(name + part, type, {piece.rows, cols},
                 {static_cast<const std::byte*>(data), piece.rows * cols * dtype_bytes(type)});
        };
        rows(".keys", piece.dtype, piece.keys, piece.stride);
        rows(".values", piece.dtype, piece.values, piece.stride);
        if (piece.dtype != DType::i8) return;
        rows(".key_scales", DType::f32, piece.key_scales, kv_heads);
        rows(".value_scales", DType::f32, piece.value_scales, kv_heads);
    }
    std::span<const TensorSource> sources() const { return sources_; }

   private:
    std::vector<TensorSource> sources_;
    std::deque<Buffer> own_;
};

void add_times(Tensors& tensors, const PrefixList<int64_t>& times, MemoryFileInfo& info) {
    std::vector<int64_t> values(times.size());
    int64_t before = no_time;
    for (size_t row = 0; row < values.size(); ++row) {
        values[row] = times[row];
        if (values[row] == no_time || values[row] == before) continue;
        before = values[row];
        if (info.frames++ == 0) info.first_us = before;
        info.last_us = before;
    }
    tensors.add("times", {values.size()}, values);
}

void add_frames(Tensors& tensors, const FrameIndex& frames) {
    const size_t count = frames.marks().size();
    std::vector<int32_t> rows(count);
    std::vector<float> change(count), sums = frames.open().sum;
    for (size_t frame = 0; frame < count; ++frame) {
        rows[frame] = int32_t(frames.marks()[frame].rows);
        change[frame] = frames.marks()[frame].change;
    }
    const size_t columns = sums.size();
    sums.insert(sums.end(), frames.open().before.begin(), frames.open().before.end());
    tensors.add("frames.rows", {count}, rows);
    tensors.add("frames.change", {count}, change);
    tensors.add("frames.sums", {2, columns}, sums);
}

void add_roll(Tensors& tensors, const RollCall& roll, size_t columns) {
    std::vector<float> values;
    std::vector<int64_t> times_us;
    roll.write(values, times_us);
    tensors.add("roll.values", {times_us.size(), columns}, values);
    tensors.add("roll.times", {times_us.size()}, times_us);
}

void add_layer(Tensors& tensors, const std::string& name, const LayerState& layer, const Config& config,
               MemoryHeader& header) {
    if (!layer.retention.empty())
        tensors.add(name + ".retention", {config.n_self_heads, config.self_head_dim(), config.self_head_dim()},
                    layer.retention.fetch());
    if (layer.window.bytes() > 0) {
        assert(layer.window.piece().first_row + layer.window.piece().rows == header.info.rows);
        tensors.window(name, layer.window, config.n_attn_kv_heads);
    }
    if (layer.cache.shape().kv_heads > 0) {
        tensors.cache(name, layer.cache);
        header.dropped[name] = layer.cache.dropped();
    }
}

}  // namespace

void save_memory(const Memory& memory, const SavedNotes& notes, const std::filesystem::path& path) {
    const MemoryContents& held = memory.contents();
    const Config& config = memory.model().config();
    MemoryHeader header;
    MemoryFileInfo& info = header.info;
    info.model_name = config.name;
    info.model_digest = memory.model().digest();
    info.dim = config.dim;
    for (LayerKind kind : config.layers) info.layers.emplace_back(name_of(kind));
    info.options = memory.options();
    info.rows = memory.rows();
    info.cache_rows = memory.cache_rows();
    info.videos.assign(memory.videos().begin(), memory.videos().end());
    info.forgotten = memory.forgotten();
    header.last_time_us = memory.last_time_us();
    header.open = {.rows = held.frames.open().rows,
                   .time_us = held.frames.open().time_us,
                   .first = held.frames.open().first,
                   .sum = {},
                   .before = {}};

    Tensors tensors;
    add_times(tensors, held.times, info);
    add_frames(tensors, held.frames);
    if (config.rows.roll > 0) add_roll(tensors, held.roll, config.rows.feature_dim);
    for (size_t layer = 0; layer < held.state.layers.size(); ++layer)
        add_layer(tensors, layers_prefix + std::to_string(layer), held.state.layers[layer], config, header);
    if (config.has_cross()) {
        tensors.cache(cache_name_in_file, held.state.cache);
        header.dropped[cache_name_in_file] = held.state.cache.dropped();
    }
    for (const auto& [name, bytes] : notes.parts)
        tensors.view(std::string(notes_prefix) + name, DType::u8, {bytes.size()}, bytes);
    write_weight_file(path, tensors.sources(), header_text(header),
                      {.checksums = true, .elsewhere = "choose another place with --save"});
}

}  // namespace lv
