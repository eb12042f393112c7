// Norms, activations, rope and other work row by row on CUDA: see norm.h, elementwise.h, rope.h.
//
// All of it is bound by moving memory: neighbouring threads touch neighbouring values, each value is read once (the
// norms read twice, the second time from cache).
#include "kernels/core/device.cuh"
#include "kernels/product_rows.h"
#include "kernels/rope.cuh"

namespace lv::cuda {
namespace {

__device__ float silu_of(float x) { return x / (1 + expf(-x)); }

// A segment is a whole row, or one head of one. blockDim.x threads share it: one warp, or all warps of the block (then
// blockDim.y is 1). With a gate, or without one (null): see gated_norm_heads().
template <typename To>
__global__ void norm(Rows<const float> x, Rows<const float> gate, Rows<To> y, size_t segments, unsigned heads,
                     unsigned width, const float* weight, float eps) {
    const size_t segment = size_t(blockIdx.x) * blockDim.y + threadIdx.y;
    if (segment >= segments) return;
    const size_t row = segment / heads, first = segment % heads * width;
    const float* from = x.at(row) + first;
    To* to = y.at(row) + first;
    float sum = 0;
    for (unsigned i = threadIdx.x; i < width; i += blockDim.x) sum += from[i] * from[i];
    sum = warp_sum(sum);
    if (blockDim.x > warp_lanes) {
        float* sums = reinterpret_cast<float*>(dynamic_shared());
        if (threadIdx.x % warp_lanes == 0) sums[threadIdx.x / warp_lanes] = sum;
        __syncthreads();
        sum = 0;
        for (unsigned warp = 0; warp < blockDim.x / warp_lanes; ++warp) sum += sums[warp];
    }
    const float factor = 1 / sqrtf(sum / float(width) + eps);
    for (unsigned i = threadIdx.x; i < width; i += blockDim.x) {
        float value = from[i] * factor * (weight ? weight[i] : 1);
        if (gate.data) value *= silu_of(gate.at(row)[first + i]);
        narrow_for_product(value, to[i]);
    }
}

// made(Rows<To>) of what y's type says.
template <typename Made>
void with_rows_of(const ProductRows& y, Made made) {
    if (y.type == DType::f16) return made(Rows<Half>(reinterpret_cast<Half*>(y.data), y.stride));
    if (y.type == DType::bf16) return made(Rows<BFloat16>(reinterpret_cast<BFloat16*>(y.data), y.stride));
    made(Rows<float>(y.plain()));
}

void launch_norm(CudaDevice& device, ConstMatrix x, ConstMatrix gate, size_t heads, const float* weight, float eps,
                 const ProductRows& y) {
    const size_t width = x.cols / heads, segments = x.rows * heads;
    const bool whole_block = width > 512;
    const dim3 block = whole_block ? dim3(256) : dim3(warp_lanes, 4);
    with_rows_of(y, [&]<typename To>(Rows<To> to) {
        device.launch(blocks_of(segments, block.y), block, whole_block ? 8 * sizeof(float) : 0, norm<To>, x, gate, to,
                      segments, unsigned(heads), unsigned(width), weight, eps);
    });
}

struct Silu {
    __device__ float operator()(float x, float, unsigned) const { return silu_of(x); }
};
struct SwiGlu {
    __device__ float operator()(float gate, float up, unsigned) const { return silu_of(gate) * up; }
};
struct Sum {
    __device__ float operator()(float a, float b, unsigned) const { return a + b; }
};
struct Scaled {
    float factor;
    __device__ float operator()(float x, float, unsigned) const { return x * factor; }
};
struct LogDecay {
    const float* bias;
    float divisor;
    __device__ float operator()(float x, float, unsigned col) const {
        if (bias) x += bias[col];
        return (fminf(x, 0) - log1pf(expf(-fabsf(x)))) / divisor;
    }
};

// y = of(a, b, column), value by value; an f32 y may be a or b.
template <typename Of, typename To>
__global__ void each(Rows<const float> a, Rows<const float> b, Rows<To> y, size_t rows, unsigned cols, Of of) {
    const unsigned col = blockIdx.x * blockDim.x + threadIdx.x;
    if (col >= cols) return;
    for (size_t row = blockIdx.y; row < rows; row += gridDim.y)
        narrow_for_product(of(a.at(row)[col], b.at(row)[col], col), y.at(row)[col]);
}

constexpr unsigned most_grid_y = 65535;

dim3 grid_over(size_t rows, size_t cols, size_t threads) {
    return {blocks_of(cols, threads), unsigned(std::min<size_t>(rows, most_grid_y)), 1};
}

template <typename Of, typename To>
void launch_each(CudaDevice& device, ConstMatrix a, ConstMatrix b, Rows<To> y, Of of) {
    const unsigned threads = a.cols > 128 ? 256 : a.cols > 32 ? 128 : 32;
    device.launch(grid_over(a.rows, a.cols, threads), threads, 0, each<Of, To>, a, b, y, a.rows, unsigned(a.cols), of);
}
template <typename Of>
void launch_each(CudaDevice& device, ConstMatrix a, ConstMatrix b, Matrix y, Of of) {
    launch_each(device, a, b, Rows<float>(y), of);
}

struct Frequencies {
    double of_pair[256];  // by value, so that no copy has to arrive first
};

__global__ void make_rope_table(Frequencies frequencies, unsigned pairs, int64_t first_position, Rows<float> table,
                                size_t rows) {
    const unsigned pair = blockIdx.x * blockDim.x + threadIdx.x;
    if (pair >= pairs) return;
    for (size_t row = blockIdx.y; row < rows; row += gridDim.y) {
        const double angle = double(first_position + int64_t(row)) * frequencies.of_pair[pair];
        table.at(row)[2 * pair] = float(cos(angle));
        table.at(row)[2 * pair + 1] = float(sin(angle));
    }
}

// One thread turns one pair.
__global__ void turn(Rows<const float> x, Rows<const float> table, Rows<float> y, size_t rows, unsigned pairs,
                     unsigned head_pairs, float factor) {
    const unsigned pair = blockIdx.x * blockDim.x + threadIdx.x;
    if (pair >= pairs) return;
    for (size_t row = blockIdx.y; row < rows; row += gridDim.y) {
        const float* at = table.at(row) + 2 * (pair % head_pairs);
        const float a = x.at(row)[2 * pair], b = x.at(row)[2 * pair + 1];
        const Pair two = rotated({a, b}, {at[0], at[1]}, factor);
        y.at(row)[2 * pair] = two.first;
        y.at(row)[2 * pair + 1] = two.second;
    }
}

__global__ void add_rows_picked(Rows<const float> table, const uint32_t* indices, unsigned picks, Rows<float> y,
                                size_t rows, unsigned cols) {
    const unsigned col = blockIdx.x * blockDim.x + threadIdx.x;
    if (col >= cols) return;
    for (size_t row = blockIdx.y; row < rows; row += gridDim.y) {
        float sum = y.at(row)[col];
        for (unsigned i = 0; i < picks; ++i) sum += table.at(indices[row * picks + i])[col];
        y.at(row)[col] = sum;
    }
}

}  // namespace

void CudaDevice::rms_norm(ConstMatrix x, const float* weight, float eps, const ProductRows& y) {
    launch_norm(*this, x, {}, 1, weight, eps, y);
}

void CudaDevice::rms_norm_heads(ConstMatrix x, size_t heads, float eps, const ProductRows& y) {
    launch_norm(*this, x, {}, heads, nullptr, eps, y);
}

void CudaDevice::gated_norm_heads(ConstMatrix x, ConstMatrix gate, size_t heads, float eps, const ProductRows& y) {
    launch_norm(*this, x, gate, heads, nullptr, eps, y);
}

void CudaDevice::silu(ConstMatrix x, Matrix y) { launch_each(*this, x, x, y, Silu{}); }

void CudaDevice::swiglu(ConstMatrix gate, ConstMatrix up, const ProductRows& y) {
    with_rows_of(y, [&](auto to) { launch_each(*this, gate, up, to, SwiGlu{}); });
}

void CudaDevice::add(ConstMatrix a, ConstMatrix b, Matrix y) { launch_each(*this, a, b, y, Sum{}); }

void CudaDevice::scale(ConstMatrix x, float factor, Matrix y) { launch_each(*this, x, x, y, Scaled{factor}); }

void CudaDevice::log_decay(ConstMatrix x, const float* bias, float divisor, Matrix y) {
    launch_each(*this, x, x, y, LogDecay{bias, divisor});
}

void CudaDevice::rope_table(std::span<const double> frequencies, int64_t first_position, Matrix table) {
    Frequencies own{};
    require(frequencies.size() <= std::size(own.of_pair), "Rotary positions on the GPU: heads of ",
            2 * frequencies.size(), " values, at most ", 2 * std::size(own.of_pair),
            " are supported; use --device cpu.");
    std::copy(frequencies.begin(), frequencies.end(), own.of_pair);
    const size_t pairs = frequencies.size(), threads = pairs > 32 ? 64 : 32;
    launch(grid_over(table.rows, pairs, threads), unsigned(threads), 0, make_rope_table, own, unsigned(pairs),
           first_position, table, table.rows);
}

void CudaDevice::rope(ConstMatrix x, ConstMatrix table, float factor, Matrix y) {
    const size_t pairs = x.cols / 2, threads = pairs > 64 ? 256 : 64;
    launch(grid_over(x.rows, pairs, threads), unsigned(threads), 0, turn, x, table, y, x.rows, unsigned(pairs),
           unsigned(table.cols / 2), factor);
}

void CudaDevice::add_picked(ConstMatrix table, std::span<const uint32_t> indices, size_t picks, Matrix y) {
    if (y.rows == 0) return;
    uint32_t* own = lane().scratch<uint32_t>(Slot::picks, indices.size());
    upload(indices.data(), own, indices.size_bytes());
    launch(grid_over(y.rows, y.cols, 256), 256, 0, add_rows_picked, table, own, unsigned(picks), y, y.rows,
           unsigned(y.cols));
}

}  // namespace lv::cuda
