// The CUDA device from inside: its queues, its working memory, and how the kernels of kernels/*.cu are launched.
//
// Each of its Device members stands in the .cu file of its family, beside its kernel. Launches go through launch(); the
// tests compile the same sources for the host (tests/cuda_emulation/fibres.h).
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "kernels/attention.h"
#include "kernels/conv_engine.h"
#include "kernels/core/device.h"
#include "kernels/core/error.h"

namespace lv::cuda {

constexpr unsigned warp_lanes = 32;
constexpr unsigned whole_warp = 0xffffffffu;

// Throws Error where a call of CUDA's failed.
inline void check(cudaError_t result, const char* doing) {
    if (result != cudaSuccess)
        fail("Using the GPU: ", doing, " failed: ", cudaGetErrorString(result),
             "; if memory ran out, choose a smaller model, a shorter video or --cache int8.");
}

// Rows in device memory, as kernels take them.
template <typename T>
struct Rows {
    T* data;
    size_t stride;
    Rows(T* data_, size_t stride_) : data(data_), stride(stride_) {}
    template <typename From>
    Rows(const MatrixView<From>& view) : data(view.data), stride(view.stride) {}
    __device__ T* at(size_t row) const { return data + row * stride; }
};

// Working memory of one queue that grows to the largest size asked for; each user has its own slot.
enum class Slot { weights, rows, parts, pieces, summaries, result, library, picks, conv, count };

class Products;  // products.cuh

// What one thread queues its work with.
class Lane {
   public:
    Lane();
    ~Lane();
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    cudaStream_t stream() const { return stream_; }
    Products& products() { return *products_; }
    void wait() const { check(cudaStreamSynchronize(stream_), "waiting"); }
    // At least `bytes` bytes, valid for work queued before the next call for this slot.
    void* scratch(Slot slot, size_t bytes);
    template <typename T>
    T* scratch(Slot slot, size_t count) {
        return static_cast<T*>(scratch(slot, count * sizeof(T)));
    }
    void upload(const void* host, void* to, size_t bytes);
    void download(const void* from, void* host, size_t bytes);
    // A list of the host's in device memory. Lists seldom change from layer to layer: an equal one is not sent again.
    template <typename T>
    const T* list(Slot slot, const std::vector<T>& values) {
        return static_cast<const T*>(list(slot, values.data(), values.size() * sizeof(T)));
    }

   private:
    static constexpr size_t staging_bytes = size_t{4} << 20;  // of each of two halves, page-locked
    struct Block {
        void* data = nullptr;
        size_t bytes = 0;
    };
    const void* list(Slot slot, const void* host, size_t bytes);

    cudaStream_t stream_ = nullptr;
    std::array<Block, size_t(Slot::count)> blocks_;
    std::array<std::vector<std::byte>, size_t(Slot::count)> sent_;  // by list()
    std::array<void*, 2> staging_{};
    std::array<cudaEvent_t, 2> staged_{};  // when a half may be written again
    size_t half_ = 0;
    std::unique_ptr<Products> products_;
};

class CudaDevice final : public Device {
   public:
    explicit CudaDevice(const DeviceOptions& options);
    ~CudaDevice() override;

    std::string name() const override;
    bool exact() const override { return options_.exact; }
    size_t free_bytes() const override;
    std::byte* allocate(size_t bytes) override;
    void release(std::byte* data) noexcept override;
    void upload(const void* host, void* to, size_t bytes) override;
    void download(const void* from, void* host, size_t bytes) override;
    void copy(const void* from, void* to, size_t bytes) override;
    void clear(void* to, size_t bytes) override;
    void wait() override;

    void rms_norm(ConstMatrix x, const float* weight, float eps, Matrix y) override;
    void rms_norm_heads(ConstMatrix x, size_t heads, float eps, Matrix y) override;
    void silu(ConstMatrix x, Matrix y) override;
    void swiglu(ConstMatrix gate, ConstMatrix up, Matrix y) override;
    void add(ConstMatrix a, ConstMatrix b, Matrix y) override;
    void scale(ConstMatrix x, float factor, Matrix y) override;
    void log_decay(ConstMatrix x, const float* bias, float divisor, Matrix y) override;
    void rope_table(std::span<const double> frequencies, int64_t first_position, Matrix table) override;
    void rope(ConstMatrix x, ConstMatrix table, float factor, Matrix y) override;
    void linear(const DeviceWeight& weight, ConstMatrix x, Matrix y, bool accumulate) override;
    size_t argmax(std::span<const float> x) override;
    void add_picked(ConstMatrix table, std::span<const uint32_t> indices, size_t picks, Matrix y) override;
    void retention_step(const RetentionInput& input, std::span<float> state, Matrix out) override;
    void retention_chunk(const RetentionInput& input, std::span<float> state, Matrix out) override;
    void attend(const AttentionInput& input, Matrix out) override;
    void attend_part(const AttentionInput& input, const AttentionPart& part) override;
    void add_sink(const float* sink, const AttentionPart& part) override;
    void finish_attention(const AttentionPart& part, Matrix out) override;
    void attention_mass(const AttentionInput& input, ConstMatrix max, ConstMatrix sum, const KeyMass& mass) override;
    void length_scale(const float* factors, uint64_t visible, uint64_t step, Matrix scale) override;
    void store_rows(ConstMatrix rows, const KvStore& store, size_t first) override;
    void summarise_keys(const KvPiece& keys, size_t kv_heads, size_t head_dim, std::span<Half> to) override;
    void bound_logits(const AttentionInput& input, std::span<const std::span<const Half>> summaries,
                      std::span<float> bounds) override;
    std::unique_ptr<ConvEngine> make_conv(const ConvNetParts& net) override;
    void write_canvases(const CanvasShape& shape, size_t batch, const uint8_t* pictures, float* canvases) override;
    void best_columns(ConstMatrix x, std::span<float> values, std::span<int32_t> columns) override;

    Lane& lane();  // this thread's
    size_t multiprocessors() const { return multiprocessors_; }

    // Queues kernel(arguments...); Error when the device refuses the launch. Empty grids are left out.
    template <typename... Parameters, typename... Arguments>
    void launch(dim3 grid, dim3 block, size_t shared_bytes, void (*kernel)(Parameters...), Arguments&&... arguments) {
        if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
        if (shared_bytes > 48 * 1024) allow_shared(reinterpret_cast<const void*>(kernel), shared_bytes);
        cudaLaunchConfig_t config{};
        config.gridDim = grid;
        config.blockDim = block;
        config.dynamicSmemBytes = shared_bytes;
        config.stream = lane().stream();
        check(cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...), "launching a kernel");
    }

   private:
    void allow_shared(const void* kernel, size_t bytes);

    DeviceOptions options_;
    std::string name_;
    size_t multiprocessors_ = 1, most_shared_bytes_ = 0;
    uint64_t serial_ = 0;  // of this among all devices opened
    std::mutex mutex_;     // guards lanes_ and allowed_
    std::map<std::thread::id, std::unique_ptr<Lane>> lanes_;
    std::map<const void*, size_t> allowed_;
};

inline unsigned blocks_of(size_t count, size_t size) { return unsigned((count + size - 1) / size); }

// Inside kernels.

__device__ inline unsigned char* dynamic_shared() {
#ifdef LV_EMULATED_CUDA
    return lv::emulation::dynamic_shared();
#else
    extern __shared__ __align__(128) unsigned char shared_bytes_of_block[];
    return shared_bytes_of_block;
#endif
}

__device__ inline float warp_sum(float value) {
    for (int other = 16; other > 0; other /= 2) value += __shfl_xor_sync(whole_warp, value, other);
    return value;
}
__device__ inline float warp_max(float value) {
    for (int other = 16; other > 0; other /= 2) value = fmaxf(value, __shfl_xor_sync(whole_warp, value, other));
    return value;
}

__device__ inline float wide(float value) { return value; }
__device__ inline float wide(Half value) { return __half2float(__ushort_as_half(value.bits)); }
__device__ inline float wide(BFloat16 value) { return __int_as_float(int(unsigned(value.bits) << 16)); }
__device__ inline float wide(int8_t value) { return float(value); }

__device__ inline void narrow(float value, float& to) { to = value; }
__device__ inline void narrow(float value, Half& to) { to.bits = __half_as_ushort(__float2half_rn(value)); }
__device__ inline void narrow(float value, BFloat16& to) { to.bits = __bfloat16_as_ushort(__float2bfloat16_rn(value)); }

__device__ inline float minus_infinity() { return __int_as_float(int(0xff800000u)); }

}  // namespace lv::cuda
