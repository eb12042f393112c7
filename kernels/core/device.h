// A processor beside the host, with memory of its own; the host when a Context has none.
//
// A kernel's function asks its Context for the device and, when there is one, hands the work to the member of the same
// name here: same formula, same shapes, same aliasing (see the function's header). All views, spans and pieces then
// point into the device's memory, unless a parameter says "host". Work is queued in the order of the calls of one
// thread and runs later; each thread has a queue of its own. Only wait(), download() and what says so wait for it. Who
// hands memory to another thread, or drops the last owner of memory that another thread may use, waits first.
// Any thread may call. Errors of the device are thrown as Error by the call that meets them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "kernels/core/dtype.h"
#include "kernels/core/error.h"
#include "kernels/core/tensor.h"

namespace lv {

struct RetentionInput;
struct AttentionInput;
struct AttentionPart;
struct DevicePieces;
struct KeyMass;
struct KvPiece;
struct KvStore;
struct ConvNetParts;
class ConvEngine;
struct CanvasShape;
struct Picked;
struct DrawOptions;
struct ProductRows;
struct CellMaps;
struct FoundBox;
struct PlanarPicture;
struct ScaledLayout;

// A weight as a device keeps it: y[row, o] = sum_i x[row, i] values[o, i] scales[o] + bias[o].
struct DeviceWeight {
    size_t in = 0, out = 0;
    DType type = DType::f32;            // f32, f16, bf16 or i8
    const std::byte* values = nullptr;  // [out, in]
    const float* scales = nullptr;      // i8 only: [out]
    const float* bias = nullptr;        // [out], at a multiple of 16 bytes; or null
};

struct DeviceOptions {
    // Every product in f32, as on the CPU: to compare with it. Otherwise many rows are multiplied on the tensor cores,
    // with inputs rounded to the weight's 16-bit type (f16 beside int8) and sums in f32.
    bool exact = false;
    // Steps (begin_step()) run as CUDA graphs from their second time on; otherwise kernel by kernel.
    bool graphs = true;
};

class Device : public std::enable_shared_from_this<Device> {
   public:
    virtual ~Device() = default;
    virtual std::string name() const = 0;  // "NVIDIA H100 80GB HBM3, 132 multiprocessors, CUDA 13.0, driver 580.95"
    virtual bool exact() const = 0;
    virtual size_t free_bytes() const = 0;

    // Memory: zero at first, at a multiple of 256 bytes. Error with the sums when there is not so much.
    virtual std::byte* allocate(size_t bytes) = 0;
    virtual void release(std::byte* data) noexcept = 0;
    virtual void upload(const void* host, void* to, size_t bytes) = 0;      // `host` is free again on return
    virtual void download(const void* from, void* host, size_t bytes) = 0;  // waits
    virtual void copy(const void* from, void* to, size_t bytes) = 0;        // within the device; no overlap
    virtual void clear(void* to, size_t bytes) = 0;                         // to zero
    virtual void wait() = 0;                                                // for this thread's queue
    // Between these, this thread queues work that comes again and again in nearly the same form. Kernels may then be
    // held back until the end, or until something else is asked for; what they do and in which order is as without.
    virtual void begin_step() = 0;
    virtual void end_step() = 0;

    // Rows.
    virtual void rms_norm(ConstMatrix x, const float* weight, float eps, const ProductRows& y) = 0;
    virtual void rms_norm_heads(ConstMatrix x, size_t heads, float eps, const ProductRows& y) = 0;
    virtual void gated_norm_heads(ConstMatrix x, ConstMatrix gate, size_t heads, float eps, const ProductRows& y) = 0;
    virtual void silu(ConstMatrix x, Matrix y) = 0;
    virtual void swiglu(ConstMatrix gate, ConstMatrix up, const ProductRows& y) = 0;
    virtual void add(ConstMatrix a, ConstMatrix b, Matrix y) = 0;
    virtual void scale(ConstMatrix x, float factor, Matrix y) = 0;
    virtual void log_decay(ConstMatrix x, const float* bias, float divisor, Matrix y) = 0;  // bias [cols] or null
    virtual void rope_table(std::span<const double> frequencies /* host */, int64_t first_position, Matrix table) = 0;
    virtual void rope(ConstMatrix x, ConstMatrix table, float factor, Matrix y) = 0;
    virtual void linear(const DeviceWeight& weight, ConstMatrix x, Matrix y, bool accumulate) = 0;
    virtual void linear(const DeviceWeight& weight, const ProductRows& x, Matrix y, bool accumulate) = 0;
    virtual DType product_type(DType weight, size_t rows) const = 0;
    virtual Picked likeliest(std::span<const float> x) = 0;                                          // waits
    virtual Picked draw(std::span<const float> x, const DrawOptions& options, uint64_t random) = 0;  // waits
    // y[row] += sum over i < picks of table[indices[row, i]]; table [.., cols], indices [rows, picks] host.
    virtual void add_picked(ConstMatrix table, std::span<const uint32_t> indices, size_t picks, Matrix y) = 0;

    // Retention.
    virtual void retention_step(const RetentionInput& input, std::span<float> state, Matrix out) = 0;
    virtual void retention_chunk(const RetentionInput& input, std::span<float> state, Matrix out) = 0;

    // Attention; input.pieces is a list of the host's.
    virtual void attend(const AttentionInput& input, Matrix out) = 0;
    virtual void attend_part(const AttentionInput& input, const AttentionPart& part) = 0;
    virtual void add_sink(const float* sink, const AttentionPart& part) = 0;
    virtual void finish_attention(const AttentionPart& part, Matrix out) = 0;
    virtual void attention_mass(const AttentionInput& input, ConstMatrix max, ConstMatrix sum, const KeyMass& mass) = 0;
    // scale[row, h] = factors[h] * log(max(2, visible + row * step)): scalable softmax.
    virtual void length_scale(const float* factors, uint64_t visible, uint64_t step, Matrix scale) = 0;
    virtual void store_rows(ConstMatrix rows, const KvStore& store, size_t first) = 0;
    virtual void code_keys(const KvPiece& keys, size_t kv_heads, size_t head_dim, std::span<std::byte> to) = 0;
    virtual DevicePieces list_pieces(const AttentionInput& input) = 0;
    // `codes` is a list of the host's.
    virtual DevicePieces choose_pieces(const AttentionInput& input, std::span<const std::span<const std::byte>> codes,
                                       size_t top) = 0;
    virtual void estimate_logits(const AttentionInput& input, std::span<const std::span<const std::byte>> codes,
                                 std::span<float> estimates) = 0;

    // Pictures. The weights of a net are the host's and only read here; in f16 unless exact().
    virtual std::unique_ptr<ConvEngine> make_conv(const ConvNetParts& net) = 0;
    virtual void write_canvases(const CanvasShape& shape, size_t batch, const uint8_t* pictures, float* canvases) = 0;
    virtual void write_canvases(const CanvasShape& shape, size_t batch, const uint8_t* pictures, Half* canvases) = 0;
    virtual void best_columns(ConstMatrix x, std::span<float> values, std::span<int32_t> columns) = 0;
    virtual void append_boxes(const CellMaps& cells, std::span<uint32_t> counts, std::span<FoundBox> boxes) = 0;
    virtual void scale_planes(const PlanarPicture& from, const ScaledLayout& to, uint8_t* rgb) = 0;

    // For a library that works on the same GPU: the CUcontext that all this memory belongs to, null where that cannot
    // be told; and a wait for what it queued in that context's default stream.
    virtual void* cuda_context() const = 0;
    virtual void wait_for_libraries() = 0;
};

// A step of a device's, or of none: begun here, ended by end(), or at the latest by an exception's way out.
class DeviceStep {
   public:
    explicit DeviceStep(Device* device) : device_(device) {
        if (device_) device_->begin_step();
    }
    DeviceStep(const DeviceStep&) = delete;
    DeviceStep& operator=(const DeviceStep&) = delete;
    ~DeviceStep() {
        try {
            end();
        } catch (const Error&) {  // the exception under way tells more
        }
    }
    void end() {
        if (Device* const device = std::exchange(device_, nullptr)) device->end_step();
    }

   private:
    Device* device_;
};

// The CUDA device that this process sees first. Throws Error with the reason when there is none, when cuBLAS is not
// found, or when this build has no CUDA.
std::shared_ptr<Device> open_cuda(const DeviceOptions& options = {});

// Why this process sees no CUDA device; empty when it sees one. Asked once a process.
const std::string& why_no_cuda();

}  // namespace lv
