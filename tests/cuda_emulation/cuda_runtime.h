// The part of CUDA's runtime and device functions that kernels/*.cu use, on the host: see fibres.h.
//
// Device memory is one region that the host may touch only inside kernels, copies and fills: elsewhere an access ends
// the program, so that no test passes by mixing the two. New memory is full of NaN until somebody clears it.
#pragma once

#define LV_EMULATED_CUDA 1

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <type_traits>
#include <vector>

#include "tests/cuda_emulation/fibres.h"
#include "tests/cuda_emulation/launches.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __restrict__ __restrict
#define __launch_bounds__(...)

// The runtime.

enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2, cudaMemcpyDeviceToDevice = 3 };
constexpr unsigned cudaStreamNonBlocking = 1, cudaEventDisableTiming = 2, cudaHostAllocDefault = 0;
using cudaEvent_t = struct EmulatedEvent*;
using cudaMemPool_t = struct EmulatedPool*;
enum cudaMemPoolAttr { cudaMemPoolAttrReleaseThreshold };
struct cudaDeviceProp {
    char name[256];
    int multiProcessorCount, major, minor;
    size_t sharedMemPerBlockOptin;
};

namespace lv::emulation {
// While one of these lives, this thread may touch device memory; only one thread at a time.
struct DeviceMemoryOpen {
    DeviceMemoryOpen();
    ~DeviceMemoryOpen();
};
void* allocate(size_t bytes);  // null when the region is full
void release(void* data);
}  // namespace lv::emulation

inline const char* cudaGetErrorString(cudaError_t) { return "emulated error"; }
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline cudaError_t cudaGetDeviceCount(int* count) { return *count = 1, cudaSuccess; }
inline cudaError_t cudaSetDevice(int) { return cudaSuccess; }
inline cudaError_t cudaRuntimeGetVersion(int* version) { return *version = 0, cudaSuccess; }
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp* to, int) {
    *to = {"emulated", 8, 9, 0, lv::emulation::most_shared_bytes};
    return cudaSuccess;
}
inline cudaError_t cudaMemGetInfo(size_t* free, size_t* total) { return *free = *total = size_t{1} << 30, cudaSuccess; }
inline cudaError_t cudaMallocAsync(void** to, size_t bytes, cudaStream_t) {
    *to = lv::emulation::allocate(bytes);
    return *to ? cudaSuccess : cudaErrorMemoryAllocation;
}
inline cudaError_t cudaFreeAsync(void* data, cudaStream_t) { return lv::emulation::release(data), cudaSuccess; }
inline cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t*, int) { return cudaSuccess; }
inline cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) { return cudaSuccess; }
inline cudaError_t cudaHostAlloc(void** to, size_t bytes, unsigned) {
    return *to = std::aligned_alloc(256, (bytes + 255) / 256 * 256), cudaSuccess;
}
inline cudaError_t cudaFreeHost(void* data) { return std::free(data), cudaSuccess; }
inline cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t) {
    if (kind == cudaMemcpyDeviceToHost) lv::emulation::count_bytes_down(bytes);
    const lv::emulation::DeviceMemoryOpen open;
    std::memcpy(to, from, bytes);
    return cudaSuccess;
}
inline cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t) {
    const lv::emulation::DeviceMemoryOpen open;
    std::memset(to, value, bytes);
    return cudaSuccess;
}
inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t* to, unsigned) { return *to = nullptr, cudaSuccess; }
inline cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t* to, unsigned) { return *to = nullptr, cudaSuccess; }
inline cudaError_t cudaEventDestroy(cudaEvent_t) { return cudaSuccess; }
inline cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }

// Device functions.

inline void __syncthreads() { lv::emulation::block_barrier(); }
inline void __syncwarp(unsigned = 0xffffffffu) { lv::emulation::warp_barrier(); }

template <typename T>
T __shfl_sync(unsigned, T value, int from, int width = 32) {
    static_assert(sizeof(T) <= sizeof(lv::emulation::Words) && std::is_trivially_copyable_v<T>);
    lv::emulation::Words words{};
    std::memcpy(words.of, &value, sizeof value);
    const unsigned first = lv::emulation::lane() / unsigned(width) * unsigned(width);
    words = lv::emulation::share(words)[first + unsigned(from) % unsigned(width)];
    std::memcpy(&value, words.of, sizeof value);
    return value;
}
template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int other) {
    return __shfl_sync(mask, value, int(lv::emulation::lane()) ^ other);
}

template <typename T>
T atomicAdd(T* to, T value) {
    const T before = *to;
    *to += value;
    return before;
}

inline float rsqrtf(float x) { return 1 / std::sqrt(x); }
inline float __fmul_rn(float a, float b) { return a * b; }
inline int __dp4a(int a, int b, int sum) {
    for (int byte = 0; byte < 32; byte += 8) sum += int8_t(a >> byte) * int8_t(b >> byte);
    return sum;
}
inline float __int_as_float(int bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}
inline unsigned __float_as_uint(float value) {
    unsigned bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}
inline uint64_t __umul64hi(uint64_t a, uint64_t b) {
    __extension__ using Twice = unsigned __int128;
    return uint64_t(Twice(a) * b >> 64);
}
using std::max;
using std::min;

struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
struct alignas(8) uint2 {
    unsigned x, y;
};
