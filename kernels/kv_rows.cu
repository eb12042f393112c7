// Keys and values as a cache keeps them, and the codes of its keys, on CUDA: see kv_rows.h, key_codes.h.
#include "kernels/kv_rows.h"

#include <climits>

#include "kernels/attention_pieces.cuh"
#include "kernels/key_codes.h"

namespace lv::cuda {
namespace {

constexpr float largest_half = 65504;

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

constexpr unsigned group_keys = unsigned(coded_group);
constexpr unsigned code_rows = 8;  // threads that share a value

// How the codes of a page lie; see key_codes.h.
struct CodeLayout {
    unsigned words, groups;  // of a key; of keys
    uint64_t head_bytes;

    CodeLayout(size_t keys, size_t dim)
        : words(unsigned(coded_words(dim))),
          groups(unsigned(coded_groups(keys))),
          head_bytes(coded_head_bytes(keys, dim)) {}
};

// A block takes 32 values of a head and those they share bytes with; its rows of threads every eighth key. As
// code_head() in key_codes.cpp, bit for bit: what a compiler could fuse is spelled out.
template <typename T>
__global__ void __launch_bounds__(warp_lanes* code_rows)
    code(const T* keys, size_t stride, const float* scales, unsigned rows, unsigned kv_heads, unsigned dim,
         CodeLayout layout, std::byte* to) {
    const unsigned head = blockIdx.y, half = 4 * layout.words;
    const unsigned i = blockIdx.x * warp_lanes + threadIdx.x;
    std::byte* const own = to + head * layout.head_bytes;
    const auto value = [&](unsigned row, unsigned at) {
        const float key = wide(keys[row * stride + head * dim + at]);
        return scales ? __fmul_rn(key, scales[row * kv_heads + head]) : key;
    };
    auto* const ends = reinterpret_cast<float*>(dynamic_shared());  // [code_rows][least, largest of each half][32]
    for (unsigned part = 0; part < 2; ++part) {
        const unsigned at = i + part * half;
        float low = largest_half, high = -largest_half;
        for (unsigned row = threadIdx.y; row < rows && i < half && at < dim; row += code_rows) {
            const float key = fminf(fmaxf(value(row, at), -largest_half), largest_half);
            low = fminf(low, key);
            high = fmaxf(high, key);
        }
        ends[(threadIdx.y * 4 + 2 * part) * warp_lanes + threadIdx.x] = low;
        ends[(threadIdx.y * 4 + 2 * part + 1) * warp_lanes + threadIdx.x] = high;
    }
    __syncthreads();
    if (i >= half) return;

    float least[2] = {}, inverse[2] = {};
    for (unsigned part = 0; part < 2; ++part) {
        const unsigned at = i + part * half;
        if (at >= dim) continue;
        float low = largest_half, high = -largest_half;
        for (unsigned other = 0; other < code_rows; ++other) {
            low = fminf(low, ends[(other * 4 + 2 * part) * warp_lanes + threadIdx.x]);
            high = fmaxf(high, ends[(other * 4 + 2 * part + 1) * warp_lanes + threadIdx.x]);
        }
        Half rounded, step;
        narrow(low, rounded);
        least[part] = wide(rounded);
        narrow((high - least[part]) / 15, step);
        inverse[part] = wide(step) > 0 ? 1 / wide(step) : 0;
        if (threadIdx.y != 0) continue;
        reinterpret_cast<Half*>(own)[at] = rounded;
        reinterpret_cast<Half*>(own)[dim + at] = step;
    }
    auto* const bytes = reinterpret_cast<uint8_t*>(own + 4 * dim);
    for (unsigned row = threadIdx.y; row < layout.groups * group_keys; row += code_rows) {
        unsigned both = 0;
        for (unsigned part = 0; part < 2; ++part) {
            const unsigned at = i + part * half;
            if (at >= dim) continue;
            const float steps = __fmul_rn(value(min(row, rows - 1), at) - least[part], inverse[part]);
            both |= unsigned(lrintf(fminf(fmaxf(steps, 0.0f), 15.0f))) << 4 * part;
        }
        const size_t word = size_t(row / group_keys) * layout.words + i / 4;
        bytes[(word * group_keys + row % group_keys) * 4 + i % 4] = uint8_t(both);
    }
}

struct PageCodes {
    const std::byte* codes;
    CodeLayout layout;
};

constexpr unsigned estimate_warps = 4, heads_at_once = 4;

// A block takes a page and a kv head, with up to four of its query heads at a time: these are folded into shared
// memory, a warp a head; then each thread takes a key.
__global__ void __launch_bounds__(estimate_warps* warp_lanes)
    estimate(const PageCodes* pages, Scene scene, float* estimates, unsigned count) {
    const unsigned kv_head = blockIdx.y, dim = scene.head_dim;
    const unsigned lane = threadIdx.x % warp_lanes, warp = threadIdx.x / warp_lanes;
    const PageCodes page = pages[blockIdx.x];
    const unsigned words = page.layout.words, keys = page.layout.groups * group_keys;
    const std::byte* own = page.codes + kv_head * page.layout.head_bytes;
    const Half *const least = reinterpret_cast<const Half*>(own), *const step = least + dim;
    const auto* codes = reinterpret_cast<const uint32_t*>(own + 4 * dim);

    auto* const base = reinterpret_cast<float*>(dynamic_shared());  // [heads_at_once]
    float* const scale = base + heads_at_once;                      // [heads_at_once]
    float* const most = scale + heads_at_once;                      // [estimate_warps][heads_at_once]
    auto* const folded = reinterpret_cast<int8_t*>(most + estimate_warps * heads_at_once);  // [heads_at_once][8 words]

    for (unsigned first = 0; first < scene.group(); first += heads_at_once) {
        const unsigned heads = min(heads_at_once, scene.group() - first), head = kv_head * scene.group() + first;
        for (unsigned h = warp; h < heads_at_once; h += estimate_warps) {
            const float* q = scene.q.at(0) + (head + h) * dim;
            const float factor = h < heads ? scene.factor(0, head + h) : 0;
            float sum = 0, largest = 0;
            for (unsigned i = lane; i < dim && h < heads; i += warp_lanes) {
                const float value = __fmul_rn(q[i], factor);
                sum += value * wide(least[i]);
                largest = fmaxf(largest, fabsf(__fmul_rn(value, wide(step[i]))));
            }
            sum = warp_sum(sum);
            largest = warp_max(largest);
            const float width = largest > 1e-30f ? largest / 127 : 1, inverse = 1 / width;
            for (unsigned i = lane; i < 8 * words; i += warp_lanes) {
                float value = 0;
                if (i < dim && h < heads) value = __fmul_rn(__fmul_rn(__fmul_rn(q[i], factor), wide(step[i])), inverse);
                folded[h * 8 * words + i] = int8_t(lrintf(value));
            }
            if (lane == 0) base[h] = sum, scale[h] = width;
        }
        __syncthreads();

        int best[heads_at_once];
        for (unsigned h = 0; h < heads_at_once; ++h) best[h] = INT_MIN;
        for (unsigned key = threadIdx.x; key < keys; key += blockDim.x) {
            const uint32_t* at = codes + size_t(key / group_keys) * words * group_keys + key % group_keys;
            int sums[heads_at_once] = {};
            for (unsigned word = 0; word < words; ++word) {
                const uint32_t both = at[word * group_keys];
                for (unsigned h = 0; h < heads_at_once; ++h) {
                    const int* const query = reinterpret_cast<const int*>(folded + h * 8 * words);
                    sums[h] = __dp4a(int(both & 0x0f0f0f0fu), query[word], sums[h]);
                    sums[h] = __dp4a(int(both >> 4 & 0x0f0f0f0fu), query[words + word], sums[h]);
                }
            }
            for (unsigned h = 0; h < heads_at_once; ++h) best[h] = max(best[h], sums[h]);
        }
        for (unsigned h = 0; h < heads_at_once; ++h) {
            const float largest = warp_max(float(best[h]));  // whole numbers below 2^24, or that of a lane without keys
            if (lane == 0) most[warp * heads_at_once + h] = largest;
        }
        __syncthreads();
        if (threadIdx.x < heads) {
            float largest = most[threadIdx.x];
            for (unsigned other = 1; other < estimate_warps; ++other)
                largest = fmaxf(largest, most[other * heads_at_once + threadIdx.x]);
            estimates[size_t(head + threadIdx.x) * count + blockIdx.x] =
                base[threadIdx.x] + scale[threadIdx.x] * largest;
        }
        __syncthreads();  // the folded heads and their sums are read
    }
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

void CudaDevice::code_keys(const KvPiece& keys, size_t kv_heads, size_t head_dim, std::span<std::byte> to) {
    const dim3 grid(blocks_of(4 * coded_words(head_dim), warp_lanes), unsigned(kv_heads));
    const auto of = [&](auto type) {
        using T = decltype(type);
        launch(grid, dim3(warp_lanes, code_rows), 4 * code_rows * warp_lanes * sizeof(float), code<T>,
               static_cast<const T*>(keys.keys), keys.stride, keys.dtype == DType::i8 ? keys.key_scales : nullptr,
               unsigned(keys.rows), unsigned(kv_heads), unsigned(head_dim), CodeLayout(keys.rows, head_dim), to.data());
    };
    if (keys.dtype == DType::f32) return of(float{});
    if (keys.dtype == DType::f16) return of(Half{});
    of(int8_t{});
}

void CudaDevice::estimate_logits(const AttentionInput& input, std::span<const std::span<const std::byte>> codes,
                                 std::span<float> estimates) {
    const size_t pages = codes.size(), dim = input.head_dim;
    if (pages == 0) return;
    thread_local std::vector<PageCodes> list;
    list.clear();
    for (const std::span<const std::byte> page : codes) {
        const size_t groups = (page.size() / input.kv_heads - 4 * dim) / coded_group_bytes(dim);
        list.push_back({page.data(), CodeLayout(groups * coded_group, dim)});
    }
    AttentionInput only_query = input;
    only_query.pieces = {};
    only_query.listed = {};
    const Scene scene = scene_of(*this, only_query);
    const size_t shared = (2 + estimate_warps) * heads_at_once * sizeof(float) + heads_at_once * 8 * coded_words(dim);
    launch(dim3(unsigned(pages), unsigned(input.kv_heads)), estimate_warps * warp_lanes, shared, estimate,
           lane().list(list.front().codes, list), scene, estimates.data(), unsigned(pages));
}

}  // namespace lv::cuda
