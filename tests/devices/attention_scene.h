// A scene of attention: queries, and keys and values in pages, in the memory of any context; and what comes of them.
#pragma once

#include "kernels/attention.h"
#include "tests/devices/on_device.h"

namespace lv::test {

struct AttentionCase {
    size_t rows, keys, heads, kv_heads, dim;
    DType dtype = DType::f16;
    bool causal = true;
    size_t window = 0;
    size_t page = 50;     // keys in a piece
    bool scaled = false;  // with logit_scale
    size_t gap = 0;       // values between rows: 0 leaves heads at multiples of 16 bytes where dim does
    float size = 1;       // of the values
};

inline std::string text(const AttentionCase& c) {
    return std::to_string(c.rows) + " rows, " + std::to_string(c.keys) + " keys, " + std::to_string(c.heads) + "/" +
           std::to_string(c.kv_heads) + " heads of " + std::to_string(c.dim) + ", " + std::string(dtype_name(c.dtype)) +
           (c.causal ? ", causal" : "") + ", window " + std::to_string(c.window) + ", page " + std::to_string(c.page);
}

// A scene in a context's memory; keys and values as they are stored there, in double. The memory of a page ends right
// after its last value, and between its rows lie bytes of ones: NaN in f32 and f16.
struct AttentionScene {
    AttentionCase c;
    const Context& context;
    std::vector<float> q, logit_scale;
    reference::Doubles keys, values;
    std::vector<Placed<std::byte>> memory;
    std::vector<Placed<float>> scales;
    std::vector<KvPiece> pieces;
    Placed<float> placed_q, placed_scale;
    AttentionInput input;

    AttentionScene(const AttentionCase& c_, const Context& context_)
        : c(c_),
          context(context_),
          q(random_floats(c.rows * c.heads * c.dim, 1)),
          logit_scale(random_floats(c.rows * c.heads, 2)),
          placed_q(context, std::span<const float>(q)),
          placed_scale(context, std::span<const float>(logit_scale)) {
        const auto k = random_floats(c.keys * c.kv_heads * c.dim, 3),
                   v = random_floats(c.keys * c.kv_heads * c.dim, 4, c.size);
        for (size_t first = 0; first < c.keys; first += c.page) {
            KvPiece piece{.dtype = c.dtype, .rows = std::min(c.page, c.keys - first)};
            piece.stride = c.kv_heads * c.dim + c.gap;
            piece.first_row = first;
            piece.keys = store(k, first, piece, piece.key_scales, keys);
            piece.values = store(v, first, piece, piece.value_scales, values);
            pieces.push_back(piece);
        }
        input.heads = c.heads;
        input.kv_heads = c.kv_heads;
        input.head_dim = c.dim;
        input.q = {placed_q.span().data(), c.rows, c.heads * c.dim};
        input.pieces = pieces;
        input.scale = 1 / std::sqrt(float(c.dim));
        if (c.scaled) input.logit_scale = {placed_scale.span().data(), c.rows, c.heads};
        input.first_row = c.keys >= c.rows ? c.keys - c.rows : 0;
        input.causal = c.causal;
        input.window = c.window;
    }

    // Made by the host's own functions, so that the device's store is not trusted here.
    const void* store(const std::vector<float>& from, size_t first, const KvPiece& piece, const float*& scale,
                      reference::Doubles& dense) {
        const size_t cols = c.kv_heads * c.dim;
        const ConstMatrix part(from.data() + first * cols, piece.rows, cols);
        std::vector<std::byte> bytes(((piece.rows - 1) * piece.stride + cols) * dtype_bytes(c.dtype), std::byte{0xff});
        std::vector<float> own(piece.rows * c.kv_heads);
        for (size_t row = 0; row < piece.rows; ++row) {
            std::byte* to = bytes.data() + row * piece.stride * dtype_bytes(c.dtype);
            if (c.dtype == DType::f32) std::copy_n(part.row(row).data(), cols, reinterpret_cast<float*>(to));
            if (c.dtype == DType::f16) convert(part.row(row), std::span(reinterpret_cast<Half*>(to), cols));
        }
        if (c.dtype == DType::i8)
            quantize_heads(part, c.kv_heads, reinterpret_cast<int8_t*>(bytes.data()), piece.stride, own.data());
        for (size_t row = 0; row < piece.rows; ++row)
            for (size_t col = 0; col < cols; ++col) {
                const size_t at = row * piece.stride + col;
                if (c.dtype == DType::f32) dense.push_back(part.at(row, col));
                if (c.dtype == DType::f16) dense.push_back(to_float(reinterpret_cast<Half*>(bytes.data())[at]));
                if (c.dtype == DType::i8)
                    dense.push_back(double(reinterpret_cast<int8_t*>(bytes.data())[at]) *
                                    own[row * c.kv_heads + col / c.dim]);
            }
        scales.emplace_back(context, std::span<const float>(own));
        if (c.dtype == DType::i8) scale = scales.back().span().data();
        return memory.emplace_back(context, std::span<const std::byte>(bytes)).span().data();
    }

    reference::Doubles expected(reference::Doubles* mass = nullptr) const {
        reference::Attention a{c.heads, c.kv_heads, c.dim, input.scale, {}, input.first_row, c.causal, c.window};
        if (c.scaled) a.logit_scale = doubles(logit_scale);
        return reference::attention(a, doubles(q), keys, values, c.rows, c.keys, mass);
    }
    // A logit's rounding error enters every weight; values are averaged. `eps`: of the queries and the weights.
    double tolerance(double eps = epsilon_f32) const {
        double most_value = 0, most_key = 0;
        for (double value : values) most_value = std::max(most_value, std::fabs(value));
        for (double key : keys) most_key = std::max(most_key, std::fabs(key));
        const double logit = sum_tolerance(c.dim, largest(q), most_key, eps) * input.scale * (c.scaled ? 4 : 1);
        return (logit + eps * std::sqrt(double(c.keys))) * most_value;
    }
};

// The cases that every form of attention meets, and more of them where they cost little.
inline std::vector<AttentionCase> attention_cases(bool more) {
    std::vector<AttentionCase> cases;
    const auto masked = [&](std::initializer_list<size_t> all_rows, std::initializer_list<size_t> all_keys,
                            size_t gap) {
        for (size_t rows : all_rows)
            for (size_t keys : all_keys)
                for (size_t window : {0u, 1u, 32u})
                    cases.push_back({rows, std::max(rows, keys), 6, 2, 64, DType::f16, true, window, 50, false, gap});
    };
    const auto typed = [&](size_t causal_keys, std::initializer_list<size_t> dims, size_t gap, size_t other_gap) {
        for (DType dtype : {DType::f32, DType::f16, DType::i8})
            for (size_t dim : dims)
                for (size_t rows : {1u, 2u, 9u}) {
                    cases.push_back({rows, causal_keys, 4, 2, dim, dtype, true, 0, 30, true, gap});
                    cases.push_back({rows, 77, 3, 3, dim, dtype, false, 0, 200, true, other_gap});
                    cases.push_back({rows, causal_keys, 8, 1, dim, dtype, true, 20, 33, false, gap});
                }
    };
    masked({1, 3, 5, 17}, {1, 50, 65, 129}, 0);
    typed(47, {1, 16, 48, 64, 80, 128, 256}, 0, 3);
    cases.push_back({2, 1500, 6, 2, 64, DType::f16, true, 0, 256});   // splits
    cases.push_back({1, 12000, 1, 1, 16, DType::f16, true, 0, 999});  // more splits than a warp has lanes
    cases.push_back({70, 600, 3, 1, 64, DType::f16, true, 0, 256});   // tiles of queries
    cases.push_back({9, 1300, 2, 1, 64, DType::i8, false, 0, 100});
    for (size_t rows : {2u, 9u}) {
        cases.push_back(
            {rows, 300, 2, 1, 64, DType::i8, false, 0, 100, false, 0, 1e-4f});  // scales below what f16 holds
        cases.push_back({rows, 90, 2, 1, 128, DType::i8, false, 0, 100, false, 0, 100});
    }
    if (!more) return cases;
    masked({1, 3, 4, 5, 17, 40}, {1, 49, 50, 51, 127, 128, 129, 333}, 2);
    typed(77, {1, 16, 48, 64, 80, 128}, 2, 2);
    cases.push_back({2, 5000, 6, 2, 64, DType::f16, true, 0, 256, false, 2});
    cases.push_back({130, 700, 6, 2, 64, DType::f16, true, 0, 256, false, 2});
    cases.push_back({1, 5000, 6, 2, 64, DType::i8, true, 0, 256, true, 2});
    return cases;
}

}  // namespace lv::test
