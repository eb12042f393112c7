// Keys and values in pieces, as CUDA's attention kernels see them: one list in device memory, keys counted through it.
#pragma once

#include "kernels/core/device.cuh"

namespace lv::cuda {

// As KvPiece. `first` is how many keys of the list stand before it.
struct PagePiece {
    const void* keys;
    const void* values;
    const float* key_scales;
    const float* value_scales;
    uint64_t first_row;
    uint64_t stride;
    unsigned first, rows;
};

// What every attention kernel is told.
struct Scene {
    Rows<const float> q;  // [rows, heads * head_dim]
    Rows<const float> logit_scale;
    const PagePiece* pieces;
    unsigned piece_count, keys;  // keys: with a list that a device chose at least as many as there are
    unsigned rows, heads, kv_heads, head_dim;
    float scale;
    uint64_t first_row, window;
    bool causal, vectors;  // vectors: keys and values of a head lie at multiples of 16 bytes

    __device__ unsigned group() const { return heads / kv_heads; }
    __device__ float factor(unsigned row, unsigned head) const {
        return scale * (logit_scale.data ? logit_scale.at(row)[head] : 1);
    }
    // Numbers of the keys [begin, end) that a row may see.
    __device__ uint64_t begin(unsigned row) const {
        const uint64_t after = first_row + row + 1;
        return causal && window && after > window ? after - window : 0;
    }
    __device__ uint64_t end(unsigned row) const { return causal ? first_row + row + 1 : UINT64_MAX; }
    // Index of the piece that holds key `key` of the list.
    __device__ unsigned piece_of(unsigned key) const {
        unsigned low = 0, high = piece_count;
        while (high - low > 1) {
            const unsigned middle = (low + high) / 2;
            if (pieces[middle].first <= key)
                low = middle;
            else
                high = middle;
        }
        return low;
    }
};

// Of input.listed, or of input.pieces without those that no row sees.
Scene scene_of(CudaDevice& device, const AttentionInput& input);

// Undivided results of `splits` ranges of keys: [splits, rows, heads, head_dim], and [splits, rows, heads] twice.
struct Parts {
    float *out, *max, *sum;
    unsigned splits;
};
Parts parts_of(CudaDevice& device, const Scene& scene, unsigned splits);

// The ways to fill parts; how many there are and how long (split_keys, a multiple of 64) is up to them.
Parts attend_few(CudaDevice& device, const Scene& scene, DType type);
Parts attend_few_tiles(CudaDevice& device, const Scene& scene, DType type);
Parts attend_many(CudaDevice& device, const Scene& scene, DType type);
bool can_attend_few_tiles(const Scene& scene, DType type);
bool can_attend_many(const Scene& scene, DType type);

// Lanes that share a key where each takes eight of its values: a power of two. Error for heads that are too wide.
unsigned key_lanes_of(size_t head_dim);

// How many ranges keys are split into so that `blocks` blocks a range fill the device.
unsigned splits_for(const CudaDevice& device, const Scene& scene, size_t blocks, unsigned least_keys);

// What each warp of a block has found lies in `shared` [warps, most_queries, head_dim + 2]: a query's undivided output,
// its max and sum. Together they become the part of the block's range of keys. All threads call it, after a barrier.
__device__ inline void merge_warps(const Scene& scene, const Parts& parts, const float* shared, unsigned warps,
                                   unsigned most_queries, unsigned first_query, unsigned queries, unsigned kv_head) {
    const unsigned dim = scene.head_dim, pitch = dim + 2, group = scene.group();
    for (unsigned index = threadIdx.x; index < queries * dim; index += blockDim.x) {
        const unsigned i = index / dim, at = index % dim, query = first_query + i;
        float max = minus_infinity(), sum = 0, out = 0;
        for (unsigned w = 0; w < warps; ++w) max = fmaxf(max, shared[(w * most_queries + i) * pitch + dim]);
        for (unsigned w = 0; w < warps; ++w) {
            const float* from = shared + (w * most_queries + i) * pitch;
            const float factor = from[dim] == minus_infinity() ? 0 : expf(from[dim] - max);
            out += factor * from[at];
            sum += factor * from[dim + 1];
        }
        const size_t place =
            (size_t(blockIdx.x) * scene.rows + query / group) * scene.heads + kv_head * group + query % group;
        parts.out[place * dim + at] = out;
        if (at == 0) {
            parts.max[place] = max;
            parts.sum[place] = sum;
        }
    }
}

inline unsigned split_keys_of(unsigned keys, unsigned splits) { return (blocks_of(keys, splits) + 63) / 64 * 64; }

// Eight neighbouring values of a key or value row, or the `count` first of them and zeros.
template <typename T>
struct alignas(sizeof(T) == 1 ? 8 : 16) Eight {
    T values[8];

    __device__ void load(const T* from, unsigned count, bool vectors) {
        if (vectors) {
            if constexpr (sizeof(T) == 1)
                *reinterpret_cast<uint2*>(values) = *reinterpret_cast<const uint2*>(from);
            else
                for (unsigned i = 0; i < sizeof(values) / 16; ++i)
                    reinterpret_cast<uint4*>(values)[i] = reinterpret_cast<const uint4*>(from)[i];
            return;
        }
        for (unsigned i = 0; i < 8; ++i) values[i] = i < count ? from[i] : T{};
    }
    // All eight as they lie, past the first cache: for what a multiprocessor reads once.
    __device__ void load_once(const T* from) {
#ifdef LV_EMULATED_CUDA
        load(from, 8, true);
#else
        if constexpr (sizeof(T) == 1) {
            uint2& to = *reinterpret_cast<uint2*>(values);
            asm("ld.global.nc.L1::no_allocate.v2.u32 {%0,%1}, [%2];"
                : "=r"(to.x), "=r"(to.y)
                : "l"(__cvta_generic_to_global(from)));
        } else {
            static_assert(sizeof(T) == 2);
            uint4& to = *reinterpret_cast<uint4*>(values);
            asm("ld.global.nc.L1::no_allocate.v4.u32 {%0,%1,%2,%3}, [%4];"
                : "=r"(to.x), "=r"(to.y), "=r"(to.z), "=r"(to.w)
                : "l"(__cvta_generic_to_global(from)));
        }
#endif
    }
};

}  // namespace lv::cuda
