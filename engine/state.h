// What the layers remember between rows: retention states and windows (constant in length), and the caches.
//
// Everything of it can be read and set, so that a saved state goes on bit for bit.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/cache.h"
#include "engine/config.h"
#include "kernels/attention.h"
#include "kernels/core/memory.h"
#include "kernels/core/tensor.h"

namespace lv {

constexpr size_t most_chunk_rows = 256;          // rows that are appended at once
constexpr size_t most_device_chunk_rows = 2048;  // on a device, which a few rows do not fill

inline size_t most_rows_at_once(const Device* device) { return device ? most_device_chunk_rows : most_chunk_rows; }

// Keys and values of the last rows that a sliding layer can still see, always contiguous: rows are added behind, and
// when the room is used up, the last `window` - 1 of them move to the front.
class Window {
   public:
    Window() = default;
    Window(size_t window, size_t kv_heads, size_t head_dim, DType type,
           const std::shared_ptr<Device>& device = nullptr);
    Window(const Window& other);
    Window& operator=(const Window& other);
    Window(Window&&) = default;
    Window& operator=(Window&&) = default;

    // k, v [n, kv_dim] f32 in the memory of the device, n <= most_rows_at_once().
    void append(ConstMatrix k, ConstMatrix v);
    // The rows kept, among them all that the rows last appended can see; on a device its pointers are.
    KvPiece piece() const;
    // Takes over the rows of another window of this size and type: piece() of that one on the host, or a copy of it
    // from a file. Appending goes on bit for bit. Throws Error when they are not of this type or do not fit.
    void restore(const KvPiece& rows);
    // The rows kept, on the host: as piece() says, valid while `room` lives.
    KvPiece fetch(Buffer& room) const;
    size_t bytes() const { return keys_.bytes() + values_.bytes() + key_scales_.bytes() + value_scales_.bytes(); }

   private:
    size_t kv_dim() const { return kv_heads_ * head_dim_; }
    size_t row_bytes() const { return kv_dim() * dtype_bytes(type_); }
    size_t scales_bytes() const { return type_ == DType::i8 ? kv_heads_ * sizeof(float) : 0; }  // of a row
    size_t room() const { return window_ - 1 + most_rows_at_once(device()); }
    Device* device() const { return keys_.device().get(); }

    size_t window_ = 0, kv_heads_ = 0, head_dim_ = 0;
    DType type_ = DType::f16;
    Buffer keys_, values_;              // [room, kv_dim]
    Buffer key_scales_, value_scales_;  // i8 only: [room, kv_heads] f32
    uint64_t appended_ = 0;             // rows since the beginning
    size_t held_ = 0;                   // rows in the buffers
};

struct LayerState {
    Floats retention;  // retention: [heads, head_dim, head_dim]
    Window window;     // sliding
    Cache cache;       // full: a cache of its own
};

struct State {
    // In the memory of the device; of the host when it is null.
    State(const Config& config, DType cache_type, size_t page_rows, const std::shared_ptr<Device>& device = nullptr);

    std::vector<LayerState> layers;  // of the self-decoder, bottom to top
    Cache cache;                     // the one cache that all cross layers read
    uint64_t rows = 0;

    // Calls fn(Cache&) for each cache that grows with the video: the one cache, and those of full layers.
    template <typename Fn>
    void for_caches(Fn fn) {
        if (cache.shape().kv_heads > 0) fn(cache);
        for (LayerState& layer : layers)
            if (layer.cache.shape().kv_heads > 0) fn(layer.cache);
    }

    size_t state_bytes() const;
    size_t cache_bytes() const;
    void reserve_layers(size_t rows);  // of caches that layers have of their own
};

}  // namespace lv
