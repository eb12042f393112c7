// Number types of tensors in files and caches, and the conversion of whole rows between them and f32.
//
// Conversions from f32 round to nearest even; NaN stays NaN, what is too large for f16 becomes infinity.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace lv {

enum class DType : uint8_t { f32, f16, bf16, f64, i8, u8, i16, i32, i64, boolean };

size_t dtype_bytes(DType type);
// The name in a safetensors header: "F32", "F16", "BF16", "I8", ...
std::string_view dtype_name(DType type);
std::optional<DType> dtype_from_name(std::string_view name);

struct Half {  // IEEE binary16
    uint16_t bits;
};
struct BFloat16 {  // the upper half of a binary32
    uint16_t bits;
};

template <typename T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
    static constexpr DType value = DType::f32;
};
template <>
struct DTypeOf<double> {
    static constexpr DType value = DType::f64;
};
template <>
struct DTypeOf<Half> {
    static constexpr DType value = DType::f16;
};
template <>
struct DTypeOf<BFloat16> {
    static constexpr DType value = DType::bf16;
};
template <>
struct DTypeOf<int8_t> {
    static constexpr DType value = DType::i8;
};
template <>
struct DTypeOf<uint8_t> {
    static constexpr DType value = DType::u8;
};
template <>
struct DTypeOf<int32_t> {
    static constexpr DType value = DType::i32;
};
template <>
struct DTypeOf<int64_t> {
    static constexpr DType value = DType::i64;
};

float to_float(Half value);
float to_float(BFloat16 value);
Half to_half(float value);
BFloat16 to_bfloat16(float value);

// Element by element; spans of equal length; may not overlap.
void convert(std::span<const Half> from, std::span<float> to);
void convert(std::span<const BFloat16> from, std::span<float> to);
void convert(std::span<const float> from, std::span<Half> to);
void convert(std::span<const float> from, std::span<BFloat16> to);

// to[i] = from[i] / scale rounded to [-127, 127], scale = max|from| / 127 (1 where all are 0). Returns the scale.
// Values must be finite.
float quantize(std::span<const float> from, std::span<int8_t> to);

}  // namespace lv
