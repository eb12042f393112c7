#include "engine/state.h"

#include <cstring>

#include "engine/kv_rows.h"

namespace lv {

Window::Window(size_t window, size_t kv_dim, DType type) : window_(window), kv_dim_(kv_dim), type_(type) {
    keys_ = Buffer(room() * row_bytes());
    values_ = Buffer(room() * row_bytes());
}

Window::Window(const Window& other) { *this = other; }

Window& Window::operator=(const Window& other) {
    if (this == &other) return *this;
    window_ = other.window_;
    kv_dim_ = other.kv_dim_;
    type_ = other.type_;
    if (keys_.bytes() != other.keys_.bytes()) {
        keys_ = Buffer(other.keys_.bytes());
        values_ = Buffer(other.values_.bytes());
    }
    appended_ = other.appended_;
    held_ = other.held_;
    if (held_ > 0) {
        std::memcpy(keys_.data(), other.keys_.data(), held_ * row_bytes());
        std::memcpy(values_.data(), other.values_.data(), held_ * row_bytes());
    }
    return *this;
}

void Window::append(ConstMatrix k, ConstMatrix v) {
    assert(k.rows <= most_chunk_rows && k.cols == kv_dim_);
    if (held_ + k.rows > room()) {
        const size_t kept = window_ - 1, from = (held_ - kept) * row_bytes();
        std::memmove(keys_.data(), keys_.data() + from, kept * row_bytes());
        std::memmove(values_.data(), values_.data() + from, kept * row_bytes());
        held_ = kept;
    }
    store_rows(k, type_, keys_.data(), held_);
    store_rows(v, type_, values_.data(), held_);
    held_ += k.rows;
    appended_ += k.rows;
}

KvPiece Window::piece() const {
    return {.dtype = type_,
            .keys = keys_.data(),
            .values = values_.data(),
            .rows = held_,
            .stride = kv_dim_,
            .first_row = appended_ - held_};
}

State::State(const Config& config, DType cache_type, size_t page_rows) {
    const CacheShape shape{config.kv_dim(), page_rows, cache_type};
    layers.resize(config.self_layers());
    for (size_t layer = 0; layer < layers.size(); ++layer) {
        switch (config.layers[layer]) {
            case LayerKind::retention:
                layers[layer].retention.assign(config.dim * config.self_head_dim(), 0.0f);
                break;
            case LayerKind::sliding:
                layers[layer].window = Window(config.sliding_window, config.kv_dim(), cache_type);
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
        if (layer.cache.shape().kv_dim > 0) layer.cache.reserve(more);
}

}  // namespace lv
