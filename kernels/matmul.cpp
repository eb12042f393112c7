#include "kernels/matmul.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/core/device.h"
#include "kernels/core/error.h"
#include "kernels/core/scratch.h"
#include "kernels/gemm.h"
#include "kernels/simd/simd.h"

namespace lv {
namespace {

size_t panels_of(size_t out) { return (out + panel_cols - 1) / panel_cols; }

// Rows of the source as f32, whatever its type and alignment.
class SourceRows {
   public:
    explicit SourceRows(const TensorView& weight) : weight_(weight), cols_(weight.shape[1]), line_(cols_) {
        raw_.resize(cols_ * dtype_bytes(weight.dtype));
    }
    std::span<const float> row(size_t index) {
        std::memcpy(raw_.data(), weight_.bytes.data() + index * raw_.size(), raw_.size());
        switch (weight_.dtype) {
            case DType::f32:
                std::memcpy(line_.data(), raw_.data(), raw_.size());
                break;
            case DType::f16:
                convert(typed<Half>(), std::span<float>(line_));
                break;
            case DType::bf16:
                convert(typed<BFloat16>(), std::span<float>(line_));
                break;
            case DType::i8:
                std::copy_n(typed<int8_t>().data(), cols_, line_.data());
                break;
            default:
                assert(false);
        }
        return line_;
    }

   private:
    template <typename T>
    std::span<const T> typed() const {
        return {reinterpret_cast<const T*>(raw_.data()), cols_};
    }
    const TensorView& weight_;
    size_t cols_;
    std::vector<float> line_;
    std::vector<std::byte> raw_;
};

struct Store {
    DType type;
    std::byte* panels;
    size_t in;

    void operator()(size_t i, size_t o, float value, float scale) const {
        size_t at = (o / panel_cols * in + i) * panel_cols + o % panel_cols;
        switch (type) {
            case DType::f32:
                reinterpret_cast<float*>(panels)[at] = value;
                break;
            case DType::f16:
                reinterpret_cast<Half*>(panels)[at] = to_half(value);
                break;
            case DType::bf16:
                reinterpret_cast<BFloat16*>(panels)[at] = to_bfloat16(value);
                break;
            default:
                reinterpret_cast<int8_t*>(panels)[at] = int8_t(std::lrintf(value / scale));
                break;
        }
    }
};

}  // namespace

Linear::Linear(const TensorView& weight, DType stored, std::span<const float> bias, WeightLayout layout)
    : stored_(stored) {
    require(weight.dtype == DType::f32 || weight.dtype == DType::f16 || weight.dtype == DType::bf16,
            "packing a weight: ", weight.describe(), " has a type that is not F32, F16 or BF16; convert it");
    pack(weight, {}, bias, layout);
}

Linear::Linear(ConstMatrix weight, DType stored, std::span<const float> bias, WeightLayout layout) : stored_(stored) {
    std::vector<float> dense;
    TensorView view{"(in memory)", DType::f32, {weight.rows, weight.cols}, {}};
    if (weight.stride == weight.cols) {
        view.bytes = std::as_bytes(std::span(weight.data, weight.size()));
    } else {
        for (size_t row = 0; row < weight.rows; ++row)
            dense.insert(dense.end(), weight.row(row).begin(), weight.row(row).end());
        view.bytes = std::as_bytes(std::span(dense));
    }
    pack(view, {}, bias, layout);
}

Linear Linear::from_int8(const TensorView& weight, std::span<const float> scales, std::span<const float> bias,
                         WeightLayout layout) {
    require(weight.dtype == DType::i8, "packing an int8 weight: found ", weight.describe(), ", expected I8");
    Linear linear;
    linear.stored_ = DType::i8;
    linear.pack(weight, scales, bias, layout);
    return linear;
}

void Linear::pack(const TensorView& weight, std::span<const float> scales, std::span<const float> bias,
                  WeightLayout layout) {
    require(stored_ == DType::f32 || stored_ == DType::f16 || stored_ == DType::bf16 || stored_ == DType::i8,
            "packing ", weight.describe(), ": weights rest as F32, F16, BF16 or I8, not as ", dtype_name(stored_));
    require(weight.shape.size() == 2, "packing a weight: ", weight.describe(), " is not a matrix");
    bool transposed = layout == WeightLayout::out_in;
    in_ = weight.shape[transposed];
    out_ = weight.shape[!transposed];
    require(bias.empty() || bias.size() == out_, "packing ", weight.describe(), ": the bias has ", bias.size(),
            " values, expected ", out_);
    require(weight.dtype != DType::i8 || scales.size() == out_, "packing ", weight.describe(), ": found ",
            scales.size(), " scales, expected ", out_);
    size_t padded = panels_of(out_) * panel_cols;
    panels_ = Buffer(padded * in_ * dtype_bytes(stored_));
    bias_ = Buffer::of<float>(padded);
    has_bias_ = !bias.empty();
    std::copy(bias.begin(), bias.end(), bias_.as<float>().begin());

    SourceRows source(weight);
    std::span<float> scale;
    if (stored_ == DType::i8) {
        scales_ = Buffer::of<float>(padded);
        scale = scales_.as<float>();
        std::copy(scales.begin(), scales.end(), scale.begin());
        if (scales.empty()) {
            for (size_t row = 0; row < weight.shape[0]; ++row) {
                std::span<const float> line = source.row(row);
                for (size_t col = 0; col < line.size(); ++col) {
                    float& largest = scale[transposed ? row : col];
                    largest = std::max(largest, std::fabs(line[col]));
                }
            }
            for (float& value : scale) value = value > 1e-30f ? value / 127 : 1;
        }
    }
    bool whole = weight.dtype == DType::i8;  // already divided by the scale
    Store store{stored_, panels_.data(), in_};
    for (size_t row = 0; row < weight.shape[0]; ++row) {
        std::span<const float> line = source.row(row);
        for (size_t col = 0; col < line.size(); ++col) {
            size_t i = transposed ? col : row, o = transposed ? row : col;
            store(i, o, line[col], whole || scale.empty() ? 1 : scale[o]);
        }
    }
}

size_t Linear::bytes() const { return panels_.bytes() + placed_.bytes() + scales_.bytes() + bias_.bytes(); }

void Linear::place(const std::shared_ptr<Device>& device) {
    if (!device || out_ == 0) return;
    // A device reads an output's weights as one row. Turned in blocks of panels, so that little lies twice in memory.
    const size_t width = dtype_bytes(stored_), block = panel_cols * 32;
    placed_ = Buffer(out_ * in_ * width, device);
    std::vector<std::byte> rows(std::min(block, out_) * in_ * width);
    for (size_t first = 0; first < out_; first += block) {
        const size_t count = std::min(block, out_ - first);
        for (size_t o = 0; o < count; ++o)
            for (size_t i = 0; i < in_; ++i) {
                const size_t from = ((first + o) / panel_cols * in_ + i) * panel_cols + (first + o) % panel_cols;
                std::memcpy(rows.data() + (o * in_ + i) * width, panels_.data() + from * width, width);
            }
        device->upload(rows.data(), placed_.data() + first * in_ * width, count * in_ * width);
    }
    const auto move = [&](Buffer& values) {
        if (values.bytes() == 0) return;
        Buffer there(values.bytes(), device);
        device->upload(values.data(), there.data(), values.bytes());
        values = std::move(there);
    };
    move(scales_);
    move(bias_);
    panels_ = {};
}

float Linear::weight_at(size_t in, size_t out) const {
    assert(in < in_ && out < out_ && panels_.bytes() > 0);
    size_t at = (out / panel_cols * in_ + in) * panel_cols + out % panel_cols;
    switch (stored_) {
        case DType::f32:
            return panels_.as<float>()[at];
        case DType::f16:
            return to_float(panels_.as<Half>()[at]);
        case DType::bf16:
            return to_float(panels_.as<BFloat16>()[at]);
        default:
            return float(panels_.as<int8_t>()[at]) * scales_.as<float>()[out];
    }
}

DeviceWeight Linear::placed() const {
    return {.in = in_,
            .out = out_,
            .type = stored_,
            .values = placed_.data(),
            .scales = stored_ == DType::i8 ? scales_.as<float>().data() : nullptr,
            .bias = has_bias_ ? bias_.as<float>().data() : nullptr};
}

DType Linear::product_type(const Context& context, size_t rows) const {
    return context.device() ? context.device()->product_type(stored_, rows) : DType::f32;
}

void Linear::apply(const Context& context, const ProductRows& x, Matrix y, bool accumulate) const {
    if (x.type == DType::f32) return apply(context, x.plain(), y, accumulate);
    assert(x.cols == in_ && y.cols == out_ && x.rows == y.rows && x.type == product_type(context, x.rows));
    assert(placed_.device().get() == context.device());
    if (x.rows > 0 && out_ > 0) context.device()->linear(placed(), x, y, accumulate);
}

void Linear::apply(const Context& context, ConstMatrix x, Matrix y, bool accumulate) const {
    assert(x.cols == in_ && y.cols == out_ && x.rows == y.rows);
    if (x.rows == 0 || out_ == 0) return;
    if (Device* device = context.device()) {
        assert(placed_.device().get() == device);
        return device->linear(placed(), x, y, accumulate);
    }
    const SimdTable& table = simd();
    auto tile_product = stored_ == DType::f32    ? table.gemm_f32
                        : stored_ == DType::f16  ? table.gemm_f16
                        : stored_ == DType::bf16 ? table.gemm_bf16
                                                 : table.gemm_i8;
    // Blocks as in gemm(): rows x k of x stays in the second-level cache while panels of the weight pass by.
    size_t strip = table.tile_rows;
    size_t row_blocks = (x.rows + 111) / 112;
    size_t block = (x.rows + row_blocks - 1) / row_blocks;
    block = (block + strip - 1) / strip * strip;
    row_blocks = (x.rows + block - 1) / block;
    size_t k_blocks = std::max<size_t>(1, (in_ + 511) / 512);
    size_t k_block = (in_ + k_blocks - 1) / k_blocks;

    // Tasks are row blocks x groups of panels: enough to share out, none under about 30 us.
    size_t panels = panels_of(out_);
    size_t panel_work = std::max(std::min(block, x.rows) * in_ * panel_cols / 50,  // multiply-adds at 50 G/s, in ns
                                 in_ * panel_cols * dtype_bytes(stored_) / 12);    // bytes at 12 GB/s
    size_t least = std::max<size_t>(1, 30000 / std::max<size_t>(1, panel_work));
    size_t groups = std::clamp<size_t>((context.threads() * 4 + row_blocks - 1) / row_blocks, 1,
                                       std::max<size_t>(1, panels / least));
    size_t group = (panels + groups - 1) / groups;
    groups = (panels + group - 1) / group;

    auto task = [&](size_t first, size_t last) {
        for (size_t index = first; index < last; ++index) {
            size_t row0 = index / groups * block, rows = std::min(block, x.rows - row0);
            size_t panel0 = index % groups * group, panel1 = std::min(panels, panel0 + group);
            float* packed = thread_scratch(ScratchSlot::linear, rows * k_block);
            for (size_t k0 = 0; k0 < in_ || k0 == 0; k0 += k_block) {
                size_t k = std::min(k_block, in_ - k0);
                if (x.rows > 1)
                    for (size_t row = 0; row < rows; row += strip)
                        table.pack_a(x.data + (row0 + row) * x.stride + k0, x.stride, 1, std::min(strip, rows - row), k,
                                     packed + row * k);
                for (size_t panel = panel0; panel < panel1; ++panel) {
                    size_t col = panel * panel_cols;
                    GemmTile tile;
                    tile.n = std::min(panel_cols, out_ - col);
                    tile.k = k;
                    tile.b = panels_.data() + (panel * in_ + k0) * panel_cols * dtype_bytes(stored_);
                    tile.b_stride = panel_cols;
                    tile.c_stride = y.stride;
                    tile.accumulate = accumulate || k0 > 0;
                    if (stored_ == DType::i8) tile.scales = scales_.as<float>().data() + col;
                    if (has_bias_ && k0 == 0) tile.bias = bias_.as<float>().data() + col;
                    for (size_t row = 0; row < rows; row += strip) {
                        tile.a = x.rows > 1 ? packed + row * k : x.data + k0;
                        tile.m = std::min(strip, rows - row);
                        tile.c = y.data + (row0 + row) * y.stride + col;
                        tile_product(tile);
                    }
                }
            }
        }
    };
    context.parallel_for(0, row_blocks * groups, 1, task);
}

void matmul(const Context& context, ConstMatrix a, ConstMatrix b, Matrix c, bool accumulate) {
    assert(a.cols == b.rows && a.rows == c.rows && b.cols == c.cols);
    size_t row_work = std::max<size_t>(1, a.cols * b.cols / 50);  // ns
    size_t grain = std::max<size_t>(14, 30000 / row_work);
    context.parallel_for(0, a.rows, grain, [&](size_t first, size_t last) {
        gemm({.m = last - first,
              .n = b.cols,
              .k = a.cols,
              .a = a.data + first * a.stride,
              .a_row = a.stride,
              .b = b.data,
              .b_stride = b.stride,
              .c = c.data + first * c.stride,
              .c_stride = c.stride,
              .accumulate = accumulate});
    });
}

namespace plain {

void matmul(ConstMatrix a, ConstMatrix b, Matrix c, bool accumulate) {
    for (size_t row = 0; row < c.rows; ++row)
        for (size_t col = 0; col < c.cols; ++col) {
            float sum = accumulate ? c.at(row, col) : 0;
            for (size_t k = 0; k < a.cols; ++k) sum += a.at(row, k) * b.at(k, col);
            c.at(row, col) = sum;
        }
}

void linear(const Linear& linear, ConstMatrix x, Matrix y, bool accumulate) {
    for (size_t row = 0; row < y.rows; ++row)
        for (size_t o = 0; o < y.cols; ++o) {
            float sum = linear.bias().empty() ? 0 : linear.bias()[o];
            if (accumulate) sum += y.at(row, o);
            for (size_t i = 0; i < x.cols; ++i) sum += x.at(row, i) * linear.weight_at(i, o);
            y.at(row, o) = sum;
        }
}

}  // namespace plain
}  // namespace lv
