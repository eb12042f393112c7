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
#include "kernels/core/tape.cuh"

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

// Whether kernels may read 16 bytes at once: from an address on, from every row of floats on.
inline bool lies_at_16(const void* data) { return reinterpret_cast<uintptr_t>(data) % 16 == 0; }
inline bool rows_lie_at_16(ConstMatrix rows) { return lies_at_16(rows.data) && rows.stride * sizeof(float) % 16 == 0; }

// Working memory of one queue that grows to the largest size asked for; each user has its own slot.
enum class Slot { weights, rows, parts, states, estimates, chosen, result, library, picks, conv, count };

class Products;          // products.cuh
struct ProductsLibrary;  // products_library.cuh

// What one thread queues its work with.
class Lane {
   public:
    explicit Lane(const ProductsLibrary& library);
    ~Lane();
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    // For whatever is no launch(): all that was held back is queued by then.
    cudaStream_t stream() {
        tape_.run(stream_);
        return stream_;
    }
    // Queues a launch; in a step it is held back until stream() is asked for or the step ends.
    void launch(const Launch& launch, void** arguments, std::span<const size_t> sizes) {
        in_step_ ? tape_.add(launch, arguments, sizes) : queue(launch, arguments, stream_);
    }
    void begin_step() { in_step_ = true; }
    void end_step() {
        in_step_ = false;
        stream();
    }
    Products& products() { return *products_; }
    void wait() { check(cudaStreamSynchronize(stream()), "waiting"); }
    // At least `bytes` bytes, valid for work queued before the next call for this slot.
    void* scratch(Slot slot, size_t bytes);
    template <typename T>
    T* scratch(Slot slot, size_t count) {
        return static_cast<T*>(scratch(slot, count * sizeof(T)));
    }
    void upload(const void* host, void* to, size_t bytes);
    void download(const void* from, void* host, size_t bytes);
    // A list of the host's in device memory, valid for work queued before most_lists others are asked for. `key` stands
    // for what is listed, such as a cache: of a list that changed little since its key was last used, little is sent.
    template <typename T>
    const T* list(const void* key, const std::vector<T>& values) {
        return static_cast<const T*>(list(key, values.data(), values.size() * sizeof(T)));
    }

   private:
    static constexpr size_t staging_bytes = size_t{4} << 20;  // of each of two halves, page-locked
    static constexpr size_t most_lists = 64;
    struct Block {
        void* data = nullptr;
        size_t bytes = 0;
    };
    struct List {
        const void* key;
        Block block;
        std::vector<std::byte> sent;  // what lies there
        uint64_t used;
    };
    const void* list(const void* key, const void* host, size_t bytes);
    void grow(Block& block, size_t bytes);

    cudaStream_t stream_ = nullptr;
    Tape tape_;
    bool in_step_ = false;
    std::array<Block, size_t(Slot::count)> blocks_;
    std::vector<List> lists_;
    uint64_t lists_used_ = 0;
    std::array<void*, 2> staging_{};
    std::array<cudaEvent_t, 2> staged_{};  // when a half may be written again
    size_t half_ = 0;
    std::unique_ptr<Products> products_;
};

// A kernel as the runtime knows it.
template <typename... Parameters>
const void* address_of(void (*kernel)(Parameters...)) {
#ifdef LV_EMULATED_CUDA
    emulation::know(kernel);  // nvcc tells the runtime by itself what arguments a kernel has
#endif
    return reinterpret_cast<const void*>(kernel);
}

// lane.launch() of a kernel with its arguments.
template <typename... Parameters>
void launch_on(Lane& lane, dim3 grid, dim3 block, size_t shared_bytes, void (*kernel)(Parameters...),
               std::type_identity_t<Parameters>... arguments) {
    static_assert(sizeof...(Parameters) <= most_arguments && (std::is_trivially_copyable_v<Parameters> && ...));
    static constexpr std::array<size_t, sizeof...(Parameters)> sizes{sizeof(Parameters)...};
    void* places[] = {&arguments...};
    lane.launch({address_of(kernel), grid, block, shared_bytes}, places, sizes);
}

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
    void begin_step() override;
    void end_step() override;

    void rms_norm(ConstMatrix x, const float* weight, float eps, const ProductRows& y) override;
    void rms_norm_heads(ConstMatrix x, size_t heads, float eps, const ProductRows& y) override;
    void gated_norm_heads(ConstMatrix x, ConstMatrix gate, size_t heads, float eps, const ProductRows& y) override;
    void silu(ConstMatrix x, Matrix y) override;
    void swiglu(ConstMatrix gate, ConstMatrix up, const ProductRows& y) override;
    void add(ConstMatrix a, ConstMatrix b, Matrix y) override;
    void scale(ConstMatrix x, float factor, Matrix y) override;
    void log_decay(ConstMatrix x, const float* bias, float divisor, Matrix y) override;
    void rope_table(std::span<const double> frequencies, int64_t first_position, Matrix table) override;
    void rope(ConstMatrix x, ConstMatrix table, float factor, Matrix y) override;
    void linear(const DeviceWeight& weight, ConstMatrix x, Matrix y, bool accumulate) override;
    void linear(const DeviceWeight& weight, const ProductRows& x, Matrix y, bool accumulate) override;
    DType product_type(DType weight, size_t rows) const override;
    Picked likeliest(std::span<const float> x) override;
    Picked draw(std::span<const float> x, const DrawOptions& options, uint64_t random) override;
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
    void code_keys(const KvPiece& keys, size_t kv_heads, size_t head_dim, std::span<std::byte> to) override;
    void estimate_logits(const AttentionInput& input, std::span<const std::span<const std::byte>> codes,
                         std::span<float> estimates) override;
    DevicePieces list_pieces(const AttentionInput& input) override;
    DevicePieces choose_pieces(const AttentionInput& input, std::span<const std::span<const std::byte>> codes,
                               size_t top) override;
    std::unique_ptr<ConvEngine> make_conv(const ConvNetParts& net) override;
    void write_canvases(const CanvasShape& shape, size_t batch, const uint8_t* pictures, float* canvases) override;
    void write_canvases(const CanvasShape& shape, size_t batch, const uint8_t* pictures, Half* canvases) override;
    void best_columns(ConstMatrix x, std::span<float> values, std::span<int32_t> columns) override;
    void append_boxes(const CellMaps& cells, std::span<uint32_t> counts, std::span<FoundBox> boxes) override;
    void scale_planes(const PlanarPicture& from, const ScaledLayout& to, uint8_t* rgb) override;
    void* cuda_context() const override { return context_; }
    void wait_for_libraries() override;

    Lane& lane();  // this thread's
    size_t multiprocessors() const { return multiprocessors_; }

    // Queues kernel(arguments...); Error when the device refuses the launch. Empty grids are left out.
    template <typename... Parameters>
    void launch(dim3 grid, dim3 block, size_t shared_bytes, void (*kernel)(Parameters...),
                std::type_identity_t<Parameters>... arguments) {
        if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
        if (shared_bytes > 48 * 1024) allow_shared(address_of(kernel), shared_bytes);
        launch_on(lane(), grid, block, shared_bytes, kernel, arguments...);
    }

   private:
    void allow_shared(const void* kernel, size_t bytes);

    DeviceOptions options_;
    std::string name_;
    std::unique_ptr<const ProductsLibrary> library_;
    void* context_ = nullptr;
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

// For a product: f16 is cut off at its largest.
template <typename To>
__device__ void narrow_for_product(float value, To& to) {
    if constexpr (std::is_same_v<To, Half>) value = fminf(fmaxf(value, -65504.0f), 65504.0f);
    narrow(value, to);
}

__device__ inline float minus_infinity() { return __int_as_float(int(0xff800000u)); }

}  // namespace lv::cuda
