#include "kernels/conv_maps.cuh"

#include "kernels/conv_task.cuh"

namespace lv::cuda {
namespace {

constexpr unsigned threads = 256;

// of(i) for every i < count: a thread a value, neighbours touch neighbouring channels. Bound by moving memory.
template <typename Of>
__global__ void __launch_bounds__(threads) each(unsigned count, Of of) {
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) of(i);
}

template <typename Of>
void launch_each(CudaDevice& device, size_t count, const Of& of) {
    device.launch(blocks_of(count, threads), threads, 0, each<Of>, unsigned(count), of);
}

struct Size {
    unsigned height, width, channels;
    Size(const MapShape& shape)
        : height(unsigned(shape.height)), width(unsigned(shape.width)), channels(unsigned(shape.channels)) {}
    __device__ size_t at(unsigned picture, unsigned y, unsigned x, unsigned channel) const {
        return ((size_t(picture) * height + y) * width + x) * channels + channel;
    }
};

// Where value i of maps of a size stands.
struct Place {
    unsigned picture, y, x, channel;
    __device__ Place(const Size& size, unsigned i) {
        channel = i % size.channels;
        i /= size.channels;
        x = i % size.width;
        i /= size.width;
        y = i % size.height;
        picture = i / size.height;
    }
};

template <typename From, typename To>
struct Convert {
    const From* from;
    To* to;
    __device__ void operator()(unsigned i) const { narrow_within(wide(from[i]), to[i]); }
};

template <typename T>
struct Sum {
    const T *a, *b;
    Activation activation;
    T* out;
    __device__ void operator()(unsigned i) const {
        narrow_within(activated(activation, wide(a[i]) + wide(b[i])), out[i]);
    }
};

template <typename T>
struct Join {
    const T* in;
    T* out;
    unsigned channels, first, out_channels;
    __device__ void operator()(unsigned i) const {
        out[size_t(i / channels) * out_channels + first + i % channels] = in[i];
    }
};

template <typename T>
struct Upsample {
    const T* in;
    T* out;
    Size from, to;
    __device__ void operator()(unsigned i) const {
        const Place place(to, i);
        out[i] = in[from.at(place.picture, place.y / 2, place.x / 2, place.channel)];
    }
};

// A thread owns one channel of one picture.
template <typename T>
struct Average {
    const T* in;
    T* out;
    unsigned pixels, channels;
    __device__ void operator()(unsigned i) const {
        const T* from = in + size_t(i / channels) * pixels * channels + i % channels;
        float sum = 0;
#pragma unroll 4
        for (unsigned pixel = 0; pixel < pixels; ++pixel) sum += wide(from[size_t(pixel) * channels]);
        narrow_within(sum / float(pixels), out[i]);
    }
};

template <typename T>
struct MaxPool {
    const T* in;
    T* out;
    Size from, to;
    unsigned kernel, stride;
    int top, left;
    __device__ void operator()(unsigned i) const {
        const Place place(to, i);
        float most = minus_infinity();
        for (unsigned tap = 0; tap < kernel * kernel; ++tap) {
            const int y = int(place.y * stride + tap / kernel) - top, x = int(place.x * stride + tap % kernel) - left;
            if (unsigned(y) < from.height && unsigned(x) < from.width)
                most = fmaxf(most, wide(in[from.at(place.picture, unsigned(y), unsigned(x), place.channel)]));
        }
        narrow(most, out[i]);
    }
};

}  // namespace

template <typename From, typename To>
void launch_convert(CudaDevice& device, size_t count, const From* from, To* to) {
    launch_each(device, count, Convert<From, To>{from, to});
}

template <typename T>
void launch_sum(CudaDevice& device, size_t count, const T* a, const T* b, Activation activation, T* out) {
    launch_each(device, count, Sum<T>{a, b, activation, out});
}

template <typename T>
void launch_join(CudaDevice& device, size_t pixels, size_t channels, const T* in, size_t first, size_t out_channels,
                 T* out) {
    launch_each(device, pixels * channels,
                Join<T>{in, out, unsigned(channels), unsigned(first), unsigned(out_channels)});
}

template <typename T>
void launch_upsample(CudaDevice& device, size_t pictures, const MapShape& in_shape, const T* in, T* out) {
    const MapShape out_shape{in_shape.height * 2, in_shape.width * 2, in_shape.channels};
    launch_each(device, pictures * out_shape.size(), Upsample<T>{in, out, in_shape, out_shape});
}

template <typename T>
void launch_average(CudaDevice& device, size_t pictures, const MapShape& in_shape, const T* in, T* out) {
    launch_each(device, pictures * in_shape.channels,
                Average<T>{in, out, unsigned(in_shape.height * in_shape.width), unsigned(in_shape.channels)});
}

template <typename T>
void launch_max_pool(CudaDevice& device, size_t pictures, const MapShape& in_shape, const T* in, size_t kernel,
                     size_t stride, const Padding& padding, const MapShape& out_shape, T* out) {
    launch_each(device, pictures * out_shape.size(),
                MaxPool<T>{in, out, in_shape, out_shape, unsigned(kernel), unsigned(stride), int(padding.top),
                           int(padding.left)});
}

template void launch_convert(CudaDevice&, size_t, const float*, Half*);
template void launch_convert(CudaDevice&, size_t, const float*, float*);
template void launch_convert(CudaDevice&, size_t, const Half*, float*);
template void launch_sum(CudaDevice&, size_t, const Half*, const Half*, Activation, Half*);
template void launch_sum(CudaDevice&, size_t, const float*, const float*, Activation, float*);
template void launch_join(CudaDevice&, size_t, size_t, const Half*, size_t, size_t, Half*);
template void launch_join(CudaDevice&, size_t, size_t, const float*, size_t, size_t, float*);
template void launch_upsample(CudaDevice&, size_t, const MapShape&, const Half*, Half*);
template void launch_upsample(CudaDevice&, size_t, const MapShape&, const float*, float*);
template void launch_average(CudaDevice&, size_t, const MapShape&, const Half*, Half*);
template void launch_average(CudaDevice&, size_t, const MapShape&, const float*, float*);
template void launch_max_pool(CudaDevice&, size_t, const MapShape&, const Half*, size_t, size_t, const Padding&,
                              const MapShape&, Half*);
template void launch_max_pool(CudaDevice&, size_t, const MapShape&, const float*, size_t, size_t, const Padding&,
                              const MapShape&, float*);

}  // namespace lv::cuda
