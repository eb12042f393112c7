// Keys and values as a cache keeps them, and what lies between them, on CUDA: see kv_rows.h, key_summary.h.
#include "kernels/kv_rows.h"

#include "kernels/attention_pieces.cuh"
#include "kernels/key_summary.h"

namespace lv::cuda {
namespace {

template <typename T>
__global__ void store(Rows<const float> from, Rows<T> to, size_t rows, unsigned cols) {
    const unsigned col = blockIdx.x * blockDim.x + threadIdx.x;
    if (col >= cols) return;
    for (size_t row = blockIdx.y; row < rows; row += gridDim.y) narrow(from.at(row)[col], to.at(row)[col]);
}

// One warp takes one head of one row: as quantize() in core/dtype.h, value for value.
__global__ void store_int8(Rows<const float> from, Rows<int8_t> to, float* scales, size_t row_heads, unsigned heads,
                           unsigned dim) {
    const size_t index = size_t(blockIdx.x) * blockDim.y + threadIdx.y;
    if (index >= row_heads) return;
    const float* x = from.at(index / heads) + index % heads * dim;
    int8_t* y = to.at(index / heads) + index % heads * dim;
    float largest = 0;
    for (unsigned i = threadIdx.x; i < dim; i += warp_lanes) largest = fmaxf(largest, fabsf(x[i]));
    largest = warp_max(largest);
    const float scale = largest > 1e-30f ? largest / 127 : 1, inverse = 1 / scale;
    for (unsigned i = threadIdx.x; i < dim; i += warp_lanes) y[i] = int8_t(lrintf(x[i] * inverse));
    if (threadIdx.x == 0) scales[index] = scale;
}

// The nearest f16 that is not above (down) or not below (up): as outwards() in key_summary.cpp.
__device__ Half outwards(float value, bool down) {
    value = fminf(fmaxf(value, -65504.0f), 65504.0f);
    Half half;
    narrow(value, half);
    const float rounded = wide(half);
    if (down ? rounded <= value : rounded >= value) return half;
    if (rounded == 0)
        half.bits = down ? 0x8001 : 0x0001;
    else
        half.bits = uint16_t((rounded > 0) == down ? half.bits - 1 : half.bits + 1);
    return half;
}

// A thread takes one value of a block of keys.
template <typename T>
__global__ void summarise(const T* keys, size_t stride, const float* scales, unsigned rows, unsigned kv_heads,
                          unsigned dim, Half* to) {
    const unsigned col = blockIdx.x * blockDim.x + threadIdx.x, head = col / dim;
    if (col >= kv_heads * dim) return;
    const unsigned first = blockIdx.y * unsigned(summary_keys), last = min(rows, first + unsigned(summary_keys));
    float least = 0, largest = 0;
    for (unsigned row = first; row < last; ++row) {
        float value = wide(keys[row * stride + col]);
        if (scales) value *= scales[row * kv_heads + head];
        least = row == first ? value : fminf(least, value);
        largest = row == first ? value : fmaxf(largest, value);
    }
    Half* block = to + (size_t(blockIdx.y) * kv_heads + head) * 2 * dim;
    block[col % dim] = outwards(least, true);
    block[dim + col % dim] = outwards(largest, false);
}

struct Summary {
    const Half* values;  // [blocks, kv_heads, 2, head_dim]
    uint64_t blocks;
};

// A CUDA block takes a page and a head; each of its warps every fourth block of keys.
__global__ void bound(const Summary* summaries, Scene scene, float* bounds, unsigned pages) {
    const unsigned head = blockIdx.y, kv_head = head / scene.group(), dim = scene.head_dim;
    const unsigned lane = threadIdx.x % warp_lanes, warp = threadIdx.x / warp_lanes, warps = blockDim.x / warp_lanes;
    const Summary page = summaries[blockIdx.x];
    const float* q = scene.q.at(0) + head * dim;
    const float factor = scene.factor(0, head);
    float most = minus_infinity();
    for (uint64_t block = warp; block < page.blocks; block += warps) {
        const Half* least = page.values + (block * scene.kv_heads + kv_head) * 2 * dim;
        float sum = 0;
        for (unsigned i = lane; i < dim; i += warp_lanes) {
            const float value = q[i] * factor;
            sum += value * wide(value < 0 ? least[i] : least[dim + i]);
        }
        most = fmaxf(most, warp_sum(sum));
    }
    float* parts = reinterpret_cast<float*>(dynamic_shared());
    if (lane == 0) parts[warp] = most;
    __syncthreads();
    if (threadIdx.x != 0) return;
    for (unsigned other = 1; other < warps; ++other) most = fmaxf(most, parts[other]);
    bounds[size_t(head) * pages + blockIdx.x] = most;
}

template <typename T>
void launch_store(CudaDevice& device, ConstMatrix rows, T* to) {
    device.launch(dim3(blocks_of(rows.cols, 256), unsigned(std::min<size_t>(rows.rows, 65535))), 256, 0, store<T>, rows,
                  Rows<T>(to, rows.cols), rows.rows, unsigned(rows.cols));
}

}  // namespace

void CudaDevice::store_rows(ConstMatrix rows, const KvStore& to, size_t first) {
    std::byte* values = to.values + first * rows.cols * dtype_bytes(to.type);
    if (to.type == DType::f32) return launch_store(*this, rows, reinterpret_cast<float*>(values));
    if (to.type == DType::f16) return launch_store(*this, rows, reinterpret_cast<Half*>(values));
    const size_t row_heads = rows.rows * to.kv_heads;
    launch(blocks_of(row_heads, 4), dim3(warp_lanes, 4), 0, store_int8, rows,
           Rows<int8_t>(reinterpret_cast<int8_t*>(values), rows.cols), to.scales + first * to.kv_heads, row_heads,
           unsigned(to.kv_heads), unsigned(rows.cols / to.kv_heads));
}

void CudaDevice::summarise_keys(const KvPiece& keys, size_t kv_heads, size_t head_dim, std::span<Half> to) {
    const dim3 grid(blocks_of(kv_heads * head_dim, 128), unsigned(summary_blocks(keys.rows)));
    const auto of = [&](auto type) {
        using T = decltype(type);
        launch(grid, 128, 0, summarise<T>, static_cast<const T*>(keys.keys), keys.stride,
               keys.dtype == DType::i8 ? keys.key_scales : nullptr, unsigned(keys.rows), unsigned(kv_heads),
               unsigned(head_dim), to.data());
    };
    if (keys.dtype == DType::f32) return of(float{});
    if (keys.dtype == DType::f16) return of(Half{});
    of(int8_t{});
}

void CudaDevice::bound_logits(const AttentionInput& input, std::span<const std::span<const Half>> summaries,
                              std::span<float> bounds) {
    const size_t pages = summaries.size();
    if (pages == 0) return;
    thread_local std::vector<Summary> list;
    list.clear();
    for (const std::span<const Half> page : summaries)
        list.push_back({page.data(), page.size() / (input.kv_heads * 2 * input.head_dim)});
    AttentionInput only_query = input;
    only_query.pieces = {};
    only_query.listed = {};
    const Scene scene = scene_of(*this, only_query);
    constexpr unsigned warps = 4;
    launch(dim3(unsigned(pages), unsigned(input.heads)), warps * warp_lanes, warps * sizeof(float), bound,
           lane().list(list.front().values, list), scene, bounds.data(), unsigned(pages));
}

}  // namespace lv::cuda
