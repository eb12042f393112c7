#include "engine/state.h"

#include <cstring>

#include "kernels/core/device.h"
#include "kernels/core/error.h"
#include "kernels/kv_rows.h"

namespace lv {

namespace {

// Bytes within the memory of a device, or of the host where it is null; they may overlap.
void move_bytes(Device* device, const std::byte* from, std::byte* to, size_t bytes) {
    if (bytes == 0) return;
    if (!device) {
        std::memmove(to, from, bytes);
        return;
    }
    // In steps that do not overlap: `to` lies before `from`.
    const size_t step = from > to && size_t(from - to) < bytes ? size_t(from - to) : bytes;
    for (size_t done = 0; done < bytes; done += step)
        device->copy(from + done, to + done, std::min(step, bytes - done));
}

}  // namespace

Window::Window(size_t window, size_t kv_heads, size_t head_dim, DType type, const std::shared_ptr<Device>& device)
    : window_(window), kv_heads_(kv_heads), head_dim_(head_dim), type_(type) {
    const size_t rows = window - 1 + most_rows_at_once(device.get());
    keys_ = Buffer(rows * row_bytes(), device);
    values_ = Buffer(rows * row_bytes(), device);
    key_scales_ = Buffer(rows * scales_bytes(), device);
    value_scales_ = Buffer(rows * scales_bytes(), device);
}

Window::Window(const Window& other) { *this = other; }

Window& Window::operator=(const Window& other) {
    if (this == &other) return *this;
    window_ = other.window_;
    kv_heads_ = other.kv_heads_;
    head_dim_ = other.head_dim_;
    type_ = other.type_;
    appended_ = other.appended_;
    held_ = other.held_;
    const auto take = [&](Buffer& ours, const Buffer& theirs, size_t bytes_of_row) {
        if (ours.bytes() != theirs.bytes() || ours.device() != theirs.device())
            ours = Buffer(theirs.bytes(), theirs.device());
        move_bytes(device(), theirs.data(), ours.data(), held_ * bytes_of_row);
    };
    take(keys_, other.keys_, row_bytes());
    take(values_, other.values_, row_bytes());
    take(key_scales_, other.key_scales_, scales_bytes());
    take(value_scales_, other.value_scales_, scales_bytes());
    return *this;
}

void Window::append(ConstMatrix k, ConstMatrix v) {
    assert(k.rows <= most_rows_at_once(device()) && k.cols == kv_dim());
    if (held_ + k.rows > room()) {
        const size_t kept = window_ - 1, from = held_ - kept;
        const auto move = [&](Buffer& rows, size_t bytes_of_row) {
            move_bytes(device(), rows.data() + from * bytes_of_row, rows.data(), kept * bytes_of_row);
        };
        move(keys_, row_bytes());
        move(values_, row_bytes());
        move(key_scales_, scales_bytes());
        move(value_scales_, scales_bytes());
        held_ = kept;
    }
    store_rows(device(), k, {type_, kv_heads_, keys_.data(), key_scales_.as<float>().data()}, held_);
    store_rows(device(), v, {type_, kv_heads_, values_.data(), value_scales_.as<float>().data()}, held_);
    held_ += k.rows;
    appended_ += k.rows;
}

KvPiece Window::piece() const {
    return {.dtype = type_,
            .keys = keys_.data(),
            .values = values_.data(),
            .key_scales = type_ == DType::i8 ? key_scales_.as<float>().data() : nullptr,
            .value_scales = type_ == DType::i8 ? value_scales_.as<float>().data() : nullptr,
            .rows = held_,
            .stride = kv_dim(),
            .first_row = appended_ - held_};
}

void Window::restore(const KvPiece& rows) {
    require(rows.dtype == type_ && rows.stride == kv_dim() && rows.rows <= room(), "Restoring a window: found ",
            rows.rows, " rows of ", rows.stride, " values ", dtype_name(rows.dtype), ", expected at most ", room(),
            " of ", kv_dim(), " values ", dtype_name(type_), ".");
    held_ = rows.rows;
    appended_ = rows.first_row + rows.rows;
    if (held_ == 0) return;
    const auto take = [&](const void* from, Buffer& to, size_t bytes) {
        if (device())
            device()->upload(from, to.data(), bytes);
        else
            std::memcpy(to.data(), from, bytes);
    };
    take(rows.keys, keys_, held_ * row_bytes());
    take(rows.values, values_, held_ * row_bytes());
    if (type_ != DType::i8) return;
    take(rows.key_scales, key_scales_, held_ * scales_bytes());
    take(rows.value_scales, value_scales_, held_ * scales_bytes());
}

KvPiece Window::fetch(Buffer& room) const {
    KvPiece out = piece();
    if (!device()) return out;
    room = Buffer(2 * held_ * (row_bytes() + scales_bytes()));
    std::byte* at = room.data();
    const auto take = [&](const Buffer& from, size_t bytes) {
        device()->download(from.data(), at, bytes);
        at += bytes;
        return at - bytes;
    };
    // The scales first: they lie at multiples of 4 bytes.
    if (type_ == DType::i8) {
        out.key_scales = reinterpret_cast<const float*>(take(key_scales_, held_ * scales_bytes()));
        out.value_scales = reinterpret_cast<const float*>(take(value_scales_, held_ * scales_bytes()));
    }
    out.keys = take(keys_, held_ * row_bytes());
    out.values = take(values_, held_ * row_bytes());
    return out;
}

State::State(const Config& config, DType cache_type, size_t page_rows, const std::shared_ptr<Device>& device) {
    const CacheShape shape{config.n_attn_kv_heads, config.attn_head_dim, page_rows, cache_type};
    layers.resize(config.self_layers());
    for (size_t layer = 0; layer < layers.size(); ++layer) {
        switch (config.layers[layer]) {
            case LayerKind::retention:
                layers[layer].retention = Floats(config.dim * config.self_head_dim(), device);
                break;
            case LayerKind::sliding:
                layers[layer].window =
                    Window(config.sliding_window, config.n_attn_kv_heads, config.attn_head_dim, cache_type, device);
                break;
            case LayerKind::full:
                layers[layer].cache = Cache(shape, device);
                break;
            case LayerKind::cross:
                break;
        }
    }
    if (config.has_cross()) cache = Cache(shape, device);
    if (device) device->wait();  // who made it may hand it to another thread: its zeros lie there by then
}

size_t State::state_bytes() const {
    size_t total = 0;
    for (const LayerState& layer : layers) total += layer.retention.size() * sizeof(float) + layer.window.bytes();
    return total;
}

size_t State::cache_bytes() const {
    size_t total = cache.bytes();
    for (const LayerState& layer : layers) total += layer.cache.bytes();
    return total;
}

void State::reserve_layers(size_t more) {
    for (LayerState& layer : layers)
        if (layer.cache.shape().kv_heads > 0) layer.cache.reserve(more);
}

}  // namespace lv
