// Depthwise convolutions on CUDA: every channel is its own group.
//
// Bound by moving memory. A thread owns neighbouring channels (16 bytes) of four neighbouring pixels of a row, so that
// it reads a value once for all of them it serves; what rows share comes from cache.
#include "kernels/conv_task.cuh"

namespace lv::cuda {
namespace {

constexpr unsigned threads = 128;

// fixed_kernel 0: the kernel and stride of the task, one pixel a thread.
template <unsigned fixed_kernel>
constexpr unsigned strip_of = fixed_kernel ? 4 : 1;

template <typename T, unsigned count, unsigned fixed_kernel, unsigned fixed_stride>
__global__ void __launch_bounds__(threads) depthwise(ConvTask<T> task, unsigned owners) {
    constexpr unsigned strip = strip_of<fixed_kernel>;
    const unsigned kernel = fixed_kernel ? fixed_kernel : task.kernel;
    const unsigned stride = fixed_kernel ? fixed_stride : task.stride;
    const unsigned owner = blockIdx.x * blockDim.x + threadIdx.x;
    if (owner >= owners) return;
    const unsigned channels = task.out_channels, pieces = channels / count;
    const unsigned strips = (task.out_width + strip - 1) / strip;
    const unsigned channel = owner % pieces * count, x = owner / pieces % strips * strip;
    const unsigned row = owner / pieces / strips, y = row % task.out_height, picture = row / task.out_height;
    const T* map = task.in + size_t(picture) * task.in_height * task.in_width * channels + channel;
    const int first_y = int(y * stride) - task.top, first_x = int(x * stride) - task.left;

    float sums[strip][count] = {};
#pragma unroll
    for (unsigned ky = 0; ky < kernel; ++ky) {
        const int from_y = first_y + int(ky);
        if (unsigned(from_y) >= task.in_height) continue;
        const T* line = map + size_t(from_y) * task.in_width * channels;
        const T* weights = task.weight + size_t(ky) * kernel * channels + channel;
#pragma unroll
        for (unsigned col = 0; col < (strip - 1) * stride + kernel; ++col) {
            const int from_x = first_x + int(col);
            float values[count] = {};
            if (unsigned(from_x) < task.in_width) load_values(line + size_t(unsigned(from_x)) * channels, values);
#pragma unroll
            for (unsigned p = 0; p < strip; ++p) {
                const unsigned kx = col - p * stride;  // wraps below 0, then is too large
                if (kx >= kernel) continue;
                float weight[count];
                load_values(weights + size_t(kx) * channels, weight);
#pragma unroll
                for (unsigned v = 0; v < count; ++v) sums[p][v] += values[v] * weight[v];
            }
        }
    }
    const size_t first_pixel = (size_t(picture) * task.out_height + y) * task.out_width + x;
#pragma unroll
    for (unsigned p = 0; p < strip; ++p)
        if (x + p < task.out_width) finish<count>(task, first_pixel + p, channel, sums[p]);
}

template <unsigned kernel, unsigned stride, typename T>
void launch(CudaDevice& device, const ConvTask<T>& task) {
    constexpr unsigned strip = strip_of<kernel>;
    const bool vectors = writes_vectors(task, task.out_channels) && lies_at_16(task.in);
    const size_t pieces = task.out_channels / (vectors ? values_at_once<T> : 1);
    const size_t owners =
        pieces * ((task.out_width + strip - 1) / strip) * size_t(task.out_height) * size_t(task.pictures);
    device.launch(blocks_of(owners, threads), threads, 0,
                  vectors ? depthwise<T, values_at_once<T>, kernel, stride> : depthwise<T, 1, kernel, stride>, task,
                  unsigned(owners));
}

}  // namespace

template <typename T>
void launch_depthwise(CudaDevice& device, const ConvTask<T>& task) {
    if (task.kernel == 3 && task.stride == 1) return launch<3, 1>(device, task);
    if (task.kernel == 3 && task.stride == 2) return launch<3, 2>(device, task);
    if (task.kernel == 5 && task.stride == 1) return launch<5, 1>(device, task);
    if (task.kernel == 5 && task.stride == 2) return launch<5, 2>(device, task);
    launch<0, 0>(device, task);
}

template void launch_depthwise(CudaDevice&, const ConvTask<Half>&);
template void launch_depthwise(CudaDevice&, const ConvTask<float>&);

}  // namespace lv::cuda
