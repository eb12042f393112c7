// The layers of a conv net on CUDA that are no convolution: each queues one kernel over all values of a batch.
//
// Maps are channels-last of T (f16 or f32), `pictures` of them one after another; shapes are those of one picture.
#pragma once

#include "kernels/conv.h"
#include "kernels/core/device.cuh"

namespace lv::cuda {

template <typename From, typename To>
void launch_convert(CudaDevice& device, size_t count, const From* from, To* to);
template <typename T>
void launch_sum(CudaDevice& device, size_t count, const T* a, const T* b, Activation activation, T* out);
// One input of a join: its channels become those from `first` on of out [pixels, out_channels].
template <typename T>
void launch_join(CudaDevice& device, size_t pixels, size_t channels, const T* in, size_t first, size_t out_channels,
                 T* out);
template <typename T>
void launch_upsample(CudaDevice& device, size_t pictures, const MapShape& in_shape, const T* in, T* out);
template <typename T>
void launch_average(CudaDevice& device, size_t pictures, const MapShape& in_shape, const T* in, T* out);
template <typename T>
void launch_max_pool(CudaDevice& device, size_t pictures, const MapShape& in_shape, const T* in, size_t kernel,
                     size_t stride, const Padding& padding, const MapShape& out_shape, T* out);

}  // namespace lv::cuda
