// Linear on CUDA: see matmul.h. Few rows are bound by reading the weights once, many rows by the tensor cores.
#include "kernels/core/device.cuh"
#include "kernels/product_rows.h"
#include "kernels/products.cuh"

namespace lv::cuda {
namespace {

constexpr size_t most_few_rows = 4;

template <typename T>
struct Weight {
    const T* values;  // [out, in]
    const float* scales;
    const float* bias;
    unsigned in, out;
};

// A warp owns neighbouring outputs, for all rows: it reads these rows of the weight once, 16 bytes a thread where they
// lie so (`vectors`), and x from cache: 4 bytes for a weight of one, so that one output alone would be bound by that.
// Sums in f32.
template <typename T>
constexpr unsigned outs_a_warp = 4 / sizeof(T);

template <typename T, unsigned most_rows>
__global__ void __launch_bounds__(128)
    multiply_few(Weight<T> weight, Rows<const float> x, Rows<float> y, unsigned rows, bool accumulate, bool vectors) {
    constexpr unsigned at_once = 16 / sizeof(T), outs = outs_a_warp<T>;
    const unsigned first = (blockIdx.x * blockDim.y + threadIdx.y) * outs;
    if (first >= weight.out) return;
    const T* lines[outs];
#pragma unroll
    for (unsigned out = 0; out < outs; ++out)
        lines[out] = weight.values + size_t(min(first + out, weight.out - 1)) * weight.in;
    float sums[most_rows][outs] = {};
    if (vectors) {
#pragma unroll(outs == 4 ? 2 : 4)
        for (unsigned i = threadIdx.x * at_once; i < weight.in; i += warp_lanes * at_once) {
            union {
                uint4 whole;
                T values[at_once];
            } pieces[outs];
#pragma unroll
            for (unsigned out = 0; out < outs; ++out)
                pieces[out].whole = *reinterpret_cast<const uint4*>(lines[out] + i);
#pragma unroll
            for (unsigned row = 0; row < most_rows; ++row) {
                if (row >= rows) break;
#pragma unroll
                for (unsigned j = 0; j < at_once; j += 4) {
                    const float4 from = *reinterpret_cast<const float4*>(x.at(row) + i + j);
#pragma unroll
                    for (unsigned out = 0; out < outs; ++out) {
                        const T* values = pieces[out].values + j;
                        sums[row][out] += wide(values[0]) * from.x + wide(values[1]) * from.y +
                                          wide(values[2]) * from.z + wide(values[3]) * from.w;
                    }
                }
            }
        }
    } else {
        for (unsigned i = threadIdx.x; i < weight.in; i += warp_lanes)
#pragma unroll
            for (unsigned out = 0; out < outs; ++out) {
                const float value = wide(lines[out][i]);
#pragma unroll
                for (unsigned row = 0; row < most_rows; ++row)
                    if (row < rows) sums[row][out] += value * x.at(row)[i];
            }
    }
#pragma unroll
    for (unsigned row = 0; row < most_rows; ++row) {
        if (row >= rows) break;
#pragma unroll
        for (unsigned out = 0; out < outs; ++out) {
            float sum = warp_sum(sums[row][out]);
            const unsigned o = first + out;
            if (threadIdx.x != 0 || o >= weight.out) continue;
            if (weight.scales) sum *= weight.scales[o];
            if (weight.bias) sum += weight.bias[o];
            float& to = y.at(row)[o];
            to = accumulate ? to + sum : sum;
        }
    }
}

template <typename T>
void launch_few(CudaDevice& device, const DeviceWeight& weight, ConstMatrix x, Matrix y, bool accumulate) {
    const Weight<T> own{reinterpret_cast<const T*>(weight.values), weight.scales, weight.bias, unsigned(weight.in),
                        unsigned(weight.out)};
    const bool vectors = weight.in * sizeof(T) % 16 == 0 && lies_at_16(weight.values) && rows_lie_at_16(x);
    const dim3 block(warp_lanes, 4);
    device.launch(blocks_of(weight.out, block.y * outs_a_warp<T>), block, 0,
                  x.rows == 1 ? multiply_few<T, 1> : multiply_few<T, 4>, own, x, y, unsigned(x.rows), accumulate,
                  vectors);
}

// to [rows, stride] of To = from [rows, cols] * scales[row]; f16 is cut off at its largest.
template <typename From, typename To>
__global__ void convert_rows(Rows<const From> from, const float* scales, Rows<To> to, size_t rows, unsigned cols) {
    const unsigned col = blockIdx.x * blockDim.x + threadIdx.x;
    if (col >= cols) return;
    for (size_t row = blockIdx.y; row < rows; row += gridDim.y) {
        float value = wide(from.at(row)[col]);
        if (scales) value *= scales[row];
        narrow_for_product(value, to.at(row)[col]);
    }
}

template <typename From, typename To>
void launch_convert(CudaDevice& device, Rows<const From> from, const float* scales, Rows<To> to, size_t rows,
                    size_t cols) {
    device.launch(dim3(blocks_of(cols, 256), unsigned(std::min<size_t>(rows, 65535))), 256, 0, convert_rows<From, To>,
                  from, scales, to, rows, unsigned(cols));
}

// A matrix as a product takes it.
struct Operand {
    const void* data;
    size_t stride;
};

// x rounded to To, in working memory.
template <typename To>
Operand rounded(CudaDevice& device, ConstMatrix x) {
    const size_t stride = product_stride(x.cols);
    To* to = device.lane().scratch<To>(Slot::rows, x.rows * stride);
    launch_convert<float, To>(device, x, nullptr, {to, stride}, x.rows, x.cols);
    return {to, stride};
}

// The weight in working memory, as To, its scales multiplied in.
template <typename From, typename To>
Operand converted(CudaDevice& device, const DeviceWeight& weight) {
    const size_t stride = product_stride(weight.in);
    To* to = device.lane().scratch<To>(Slot::weights, weight.out * stride);
    const Rows<const From> from(reinterpret_cast<const From*>(weight.values), weight.in);
    launch_convert<From, To>(device, from, weight.scales, {to, stride}, weight.out, weight.in);
    return {to, stride};
}

// Many rows, x of `type`.
void multiply_many(CudaDevice& device, const DeviceWeight& weight, DType type, Operand x, size_t rows, Matrix y,
                   bool accumulate) {
    Operand w{weight.values, weight.in};
    if (type == DType::f32) {
        if (weight.type == DType::f16) w = converted<Half, float>(device, weight);
        if (weight.type == DType::bf16) w = converted<BFloat16, float>(device, weight);
        if (weight.type == DType::i8) w = converted<int8_t, float>(device, weight);
    } else if (weight.type == DType::i8) {
        w = converted<int8_t, Half>(device, weight);
    }
    const Product product{.type = type,
                          .exact = device.exact(),
                          .rows = rows,
                          .in = weight.in,
                          .out = weight.out,
                          .x = x.data,
                          .x_stride = x.stride,
                          .w = w.data,
                          .w_stride = w.stride,
                          .y = y.data,
                          .y_stride = y.stride,
                          .bias = weight.bias,
                          .accumulate = accumulate};
    device.lane().products().multiply(device.lane(), product);
}

}  // namespace

DType CudaDevice::product_type(DType weight, size_t rows) const {
    if (options_.exact || rows <= most_few_rows || weight == DType::f32) return DType::f32;
    return weight == DType::bf16 ? DType::bf16 : DType::f16;
}

void CudaDevice::linear(const DeviceWeight& weight, ConstMatrix x, Matrix y, bool accumulate) {
    if (x.rows == 0 || weight.out == 0) return;
    if (x.rows <= most_few_rows) {
        if (weight.type == DType::f32) return launch_few<float>(*this, weight, x, y, accumulate);
        if (weight.type == DType::f16) return launch_few<Half>(*this, weight, x, y, accumulate);
        if (weight.type == DType::bf16) return launch_few<BFloat16>(*this, weight, x, y, accumulate);
        return launch_few<int8_t>(*this, weight, x, y, accumulate);
    }
    const DType type = product_type(weight.type, x.rows);
    const Operand own = type == DType::f16    ? rounded<Half>(*this, x)
                        : type == DType::bf16 ? rounded<BFloat16>(*this, x)
                                              : Operand{x.data, x.stride};
    multiply_many(*this, weight, type, own, x.rows, y, accumulate);
}

void CudaDevice::linear(const DeviceWeight& weight, const ProductRows& x, Matrix y, bool accumulate) {
    multiply_many(*this, weight, x.type, {x.data, x.stride}, x.rows, y, accumulate);
}

}  // namespace lv::cuda
