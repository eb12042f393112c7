// What the convolution kernels share: one layer as they take it, and loads and stores of neighbouring channels.
//
// Maps are channels-last, of T: f16, or f32 on an exact device. Sums, biases and activations are f32.
#pragma once

#include "kernels/conv.h"
#include "kernels/core/device.cuh"

namespace lv::cuda {

// Of the values that one load of 16 bytes brings.
template <typename T>
constexpr unsigned values_at_once = 16 / sizeof(T);

// out = sum_activation(activation(conv(in) + bias) + addend); without an addend the first activation is the last.
template <typename T>
struct ConvTask {
    const T* in = nullptr;        // [pictures, in_height, in_width, in_channels]
    const T* weight = nullptr;    // see launch_dense() and launch_depthwise()
    const float* bias = nullptr;  // [out_channels]
    const T* addend = nullptr;    // as out, or null; not in the memory of out
    T* out = nullptr;             // [pictures, out_height, out_width, out_channels], or null:
    float* wide_out = nullptr;    // the same, not rounded to T
    unsigned pictures = 0, in_height = 0, in_width = 0, in_channels = 0;
    unsigned out_height = 0, out_width = 0, out_channels = 0;
    unsigned kernel = 1, stride = 1, groups = 1;
    int top = 0, left = 0;  // zeros around the map
    Activation activation = Activation::none, sum_activation = Activation::none;
};

// weight [out_channels, dense_depth()]: of one output the taps row by row, each with its group's input channels; zeros
// behind the last.
template <typename T>
void launch_dense(CudaDevice& device, const ConvTask<T>& task);
template <typename T>
size_t dense_depth(size_t kernel, size_t in_channels, size_t groups) {
    const size_t depth = kernel * kernel * (in_channels / groups);
    return (depth + values_at_once<T> - 1) / values_at_once<T> * values_at_once<T>;
}

// A channel is its own group. weight [kernel * kernel, channels]
template <typename T>
void launch_depthwise(CudaDevice& device, const ConvTask<T>& task);

// Whether outputs may be written, and addends be read, 16 bytes at once. `outs`: channels that lie together.
template <typename T>
bool writes_vectors(const ConvTask<T>& task, size_t outs) {
    return outs % values_at_once<T> == 0 && lies_at_16(task.out) && lies_at_16(task.wide_out) &&
           lies_at_16(task.addend);
}

// Inside kernels.

__device__ inline float activated(Activation activation, float x) {
    switch (activation) {
        case Activation::relu:
            return fmaxf(x, 0.0f);
        case Activation::relu6:
            return fminf(fmaxf(x, 0.0f), 6.0f);
        case Activation::silu:
            return x / (1 + expf(-x));
        default:
            return x;
    }
}

__device__ inline void narrow_within(float value, float& to) { to = value; }
// What is too large for f16 becomes its largest number: an infinity would spread as NaN.
__device__ inline void narrow_within(float value, Half& to) { narrow(fminf(fmaxf(value, -65504.0f), 65504.0f), to); }

template <typename T>
union Sixteen {
    uint4 whole;
    T values[values_at_once<T>];
};

// count: 1, or values_at_once, then at a multiple of 16 bytes.
template <unsigned count, typename T>
__device__ inline void load_values(const T* from, float (&to)[count]) {
    if constexpr (count == 1) {
        to[0] = wide(*from);
    } else {
        static_assert(count == values_at_once<T>);
        Sixteen<T> piece;
        piece.whole = *reinterpret_cast<const uint4*>(from);
#pragma unroll
        for (unsigned v = 0; v < count; ++v) to[v] = wide(piece.values[v]);
    }
}

template <unsigned count, typename T>
__device__ inline void store_values(const float (&from)[count], T* to) {
    if constexpr (count == 1) {
        narrow_within(from[0], *to);
    } else {
        static_assert(count == values_at_once<T>);
        Sixteen<T> piece;
#pragma unroll
        for (unsigned v = 0; v < count; ++v) narrow_within(from[v], piece.values[v]);
        *reinterpret_cast<uint4*>(to) = piece.whole;
    }
}

// From the sums of `count` neighbouring output channels of one pixel (numbered through all pictures) to the output.
template <unsigned count, typename T>
__device__ inline void finish(const ConvTask<T>& task, size_t pixel, unsigned channel, float (&sums)[count]) {
    const size_t at = pixel * task.out_channels + channel;
    float other[count] = {};
    if (task.addend) load_values(task.addend + at, other);
#pragma unroll
    for (unsigned v = 0; v < count; ++v) {
        sums[v] = activated(task.activation, sums[v] + task.bias[channel + v]);
        if (task.addend) sums[v] = activated(task.sum_activation, sums[v] + other[v]);
    }
    if (task.out) {
        store_values(sums, task.out + at);
    } else if constexpr (count % 4 == 0) {
#pragma unroll
        for (unsigned v = 0; v < count; v += 4)
            *reinterpret_cast<float4*>(task.wide_out + at + v) = float4{sums[v], sums[v + 1], sums[v + 2], sums[v + 3]};
    } else {
        task.wide_out[at] = sums[0];
    }
}

}  // namespace lv::cuda
