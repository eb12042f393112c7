#include "engine/state.h"

#include <cstring>

#include "engine/kv_rows.h"
#include "kernels/core/error.h"

namespace lv {

Window::Window(size_t window, size_t kv_heads, size_t head_dim, DType type)
    : window_(window), kv_heads_(kv_heads), head_dim_(head_dim), type_(type) {
    keys_ = Buffer(room() * row_bytes());
    values_ = Buffer(room() * row_bytes());
    key_scales_ = Buffer(room() * scales_bytes());
    value_scales_ = Buffer(room() * scales_bytes());
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
        if (ours.bytes() != theirs.bytes()) ours = Buffer(theirs.bytes());
        if (held_ * bytes_of_row > 0) std::memcpy(ours.data(), theirs.data(), held_ * bytes_of_row);
    };
    take(keys_, other.keys_, row_bytes());
    take(values_, other.values_, row_bytes());
    take(key_scales_, other.key_scales_, scales_bytes());
    take(value_scales_, other.value_scales_, scales_bytes());
    return *this;
}

void Window::append(ConstMatrix k, ConstMatrix v) {
    assert(k.rows <= most_chunk_rows && k.cols == kv_dim());
    if (held_ + k.rows > room()) {
        const size_t kept = window_ - 1, from = held_ - kept;
        const auto move = [&](Buffer& rows, size_t bytes_of_row) {
            if (kept * bytes_of_row > 0)
                std::memmove(rows.data(), rows.data() + from * bytes_of_row, kept * bytes_of_row);
        };
        move(keys_, row_bytes());
        move(values_, row_bytes());
        move(key_scales_, scales_bytes());
        move(value_scales_, scales_bytes());
        held_ = kept;
    }
    store_rows(k, {type_, kv_heads_, keys_.data(), key_scales_.as<float>().data()}, held_);
    store_rows(v, {type_, kv_heads_, values_.data(), value_scales_.as<float>().data()}, held_);
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
    std::memcpy(keys_.data(), rows.keys, held_ * row_bytes());
    std::memcpy(values_.data(), rows.values, held_ * row_bytes());
    if (type_ != DType::i8) return;
    std::memcpy(key_scales_.data(), rows.key_scales, held_ * scales_bytes());
    std::memcpy(value_scales_.data(), rows.value_scales, held_ * scales_bytes());
}

State::State(const Config& config, DType cache_type, size_t page_rows) {
    const CacheShape shape{config.n_attn_kv_heads, config.attn_head_dim, page_rows, cache_type};
    layers.resize(config.self_layers());
    for (size_t layer = 0; layer < layers.size(); ++layer) {
        switch (config.layers[layer]) {
            case LayerKind::retention:
                layers[layer].retention.assign(config.dim * config.self_head_dim(), 0.0f);
                break;
            case LayerKind::sliding:
                layers[layer].window =
                    Window(config.sliding_window, config.n_attn_kv_heads, config.attn_head_dim, cache_type);
                break;
            case LayerKind::full:
                layers[layer].cache = Cache(shape);
                break;
            case LayerKind::cross:
                break;
        }
    }
    if (config.has_cross()) cache = Cache(shape);
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
