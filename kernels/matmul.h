// Matrix products with packed weights: y = x W + b, for many rows (prefill) and for one to four (decode).
//
// Many rows are bound by arithmetic, few rows by reading the weights once; Linear keeps one packed copy that serves
// both. Weights rest as f32, f16, bf16 or int8 (a scale per output) and become f32 in registers; sums are f32.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/core/context.h"
#include "kernels/core/memory.h"
#include "kernels/core/tensor.h"
#include "kernels/core/weight_file.h"
#include "kernels/product_rows.h"

namespace lv {

struct DeviceWeight;

enum class WeightLayout {
    in_out,  // [in, out] row-major, as in our files: y = x W
    out_in,  // [out, in] row-major: y = x W^T, e.g. logits from a tied embedding [vocab, dim]
};

// y[row, o] = sum_i x[row, i] W[i, o] + bias[o]. Const after construction; any number of threads may apply it.
class Linear {
   public:
    Linear() = default;

    // Packs a copy of `weight` (2-d, f32, f16 or bf16) to rest as `stored` (f32, f16, bf16 or i8; i8 quantises with
    // scale_o = max_i |W[i, o]| / 127). `bias` is empty or [out]. Error for other types or shapes.
    Linear(const TensorView& weight, DType stored, std::span<const float> bias = {},
           WeightLayout layout = WeightLayout::in_out);
    // As above from f32 [in, out] (or [out, in] with that layout).
    Linear(ConstMatrix weight, DType stored = DType::f32, std::span<const float> bias = {},
           WeightLayout layout = WeightLayout::in_out);
    // int8 values from a file with their scales [out]: W[i, o] = weight[i, o] * scales[o].
    static Linear from_int8(const TensorView& weight, std::span<const float> scales, std::span<const float> bias = {},
                            WeightLayout layout = WeightLayout::in_out);

    // Moves the weight into the memory of a device: apply() wants a context with that device then, and weight_at() and
    // bias() have nothing left to read. Not while others use it.
    void place(const std::shared_ptr<Device>& device);

    size_t in() const { return in_; }
    size_t out() const { return out_; }
    DType stored() const { return stored_; }
    size_t bytes() const;  // of the packed weight, scales and bias
    bool empty() const { return out_ == 0; }

    // x [rows, in], y [rows, out] f32, not overlapping; strides are free. accumulate: y += instead of y =.
    // Any number of rows, zero too. Allocates nothing once each thread's scratch has grown to the largest shape seen.
    void apply(const Context& context, ConstMatrix x, Matrix y, bool accumulate = false) const;
    // The same with x left in product_type(): what `rows` rows are rounded to before they are multiplied; f32: not.
    void apply(const Context& context, const ProductRows& x, Matrix y, bool accumulate = false) const;
    DType product_type(const Context& context, size_t rows) const;

    // The f32 value that apply() multiplies with (after rounding to the stored type).
    float weight_at(size_t in, size_t out) const;
    std::span<const float> bias() const { return bias_.as<float>().first(has_bias_ ? out_ : 0); }

   private:
    DeviceWeight placed() const;
    void pack(const TensorView& weight, std::span<const float> scales, std::span<const float> bias,
              WeightLayout layout);
    size_t in_ = 0, out_ = 0;
    DType stored_ = DType::f32;
    bool has_bias_ = false;
    Buffer panels_;  // [ceil(out / 32)][in][32] of the stored type, last panel padded with zeros
    Buffer scales_;  // i8: [ceil(out / 32) * 32] f32
    Buffer bias_;    // [ceil(out / 32) * 32] f32
    Buffer placed_;  // on a device instead: [out, in] of the stored type, bias and scales where they were
};

// c = a b (+ c), all f32 and known only now: a [m, k], b [k, n], c [m, n]. Spread over the context's threads.
void matmul(const Context& context, ConstMatrix a, ConstMatrix b, Matrix c, bool accumulate = false);

namespace plain {
// The same by three loops, f32 sums in order of k.
void matmul(ConstMatrix a, ConstMatrix b, Matrix c, bool accumulate = false);
void linear(const Linear& linear, ConstMatrix x, Matrix y, bool accumulate = false);
}  // namespace plain

}  // namespace lv
