#include "kernels/core/dtype.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>

#include "kernels/simd/simd.h"

namespace lv {
namespace {

struct Row {
    DType type;
    size_t bytes;
    std::string_view name;
};
constexpr std::array<Row, 10> rows{{{DType::f32, 4, "F32"},
                                    {DType::f16, 2, "F16"},
                                    {DType::bf16, 2, "BF16"},
                                    {DType::f64, 8, "F64"},
                                    {DType::i8, 1, "I8"},
                                    {DType::u8, 1, "U8"},
                                    {DType::i16, 2, "I16"},
                                    {DType::i32, 4, "I32"},
                                    {DType::i64, 8, "I64"},
                                    {DType::boolean, 1, "BOOL"}}};

}  // namespace

size_t dtype_bytes(DType type) { return rows[size_t(type)].bytes; }
std::string_view dtype_name(DType type) { return rows[size_t(type)].name; }

std::optional<DType> dtype_from_name(std::string_view name) {
    for (const Row& row : rows)
        if (row.name == name) return row.type;
    return std::nullopt;
}

float to_float(Half value) {
    uint32_t sign = uint32_t(value.bits & 0x8000) << 16;
    uint32_t rest = uint32_t(value.bits & 0x7fff) << 13;
    if (rest >= 0x0f800000)  // infinity and NaN keep all bits of the exponent set
        return std::bit_cast<float>(sign | rest | 0x7f800000);
    // The exponent's bias is moved by a multiplication, which also makes subnormal numbers right.
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(std::bit_cast<float>(rest) * 0x1p112f));
}

float to_float(BFloat16 value) { return std::bit_cast<float>(uint32_t(value.bits) << 16); }

Half to_half(float value) {
    uint32_t bits = std::bit_cast<uint32_t>(value);
    uint16_t sign = uint16_t(bits >> 16 & 0x8000);
    bits &= 0x7fffffff;
    if (bits > 0x7f800000) return {uint16_t(sign | 0x7e00)};
    if (bits >= 0x477ff000) return {uint16_t(sign | 0x7c00)};  // 65520 and more round to infinity
    if (bits < 0x38800000) {
        // Subnormal: adding 0.5 leaves the rounded number in the last bits of the sum.
        uint32_t sum = std::bit_cast<uint32_t>(std::bit_cast<float>(bits) + 0.5f);
        return {uint16_t(sign | (sum - std::bit_cast<uint32_t>(0.5f)))};
    }
    return {uint16_t(sign | (bits - 0x38000000 + 0xfff + (bits >> 13 & 1)) >> 13)};
}

BFloat16 to_bfloat16(float value) {
    uint32_t bits = std::bit_cast<uint32_t>(value);
    if ((bits & 0x7fffffff) > 0x7f800000) return {uint16_t(bits >> 16 | 0x40)};
    return {uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

void convert(std::span<const Half> from, std::span<float> to) {
    assert(from.size() == to.size());
    simd().half_to_float(from.data(), to.data(), from.size());
}

void convert(std::span<const BFloat16> from, std::span<float> to) {
    assert(from.size() == to.size());
    for (size_t i = 0; i < from.size(); ++i) to[i] = to_float(from[i]);
}

void convert(std::span<const float> from, std::span<Half> to) {
    assert(from.size() == to.size());
    simd().float_to_half(from.data(), to.data(), from.size());
}

void convert(std::span<const float> from, std::span<BFloat16> to) {
    assert(from.size() == to.size());
    for (size_t i = 0; i < from.size(); ++i) to[i] = to_bfloat16(from[i]);
}

float quantize(std::span<const float> from, std::span<int8_t> to) {
    assert(from.size() == to.size());
    float largest = 0;
    for (float value : from) largest = std::max(largest, std::fabs(value));
    float scale = largest > 1e-30f ? largest / 127 : 1;
    for (size_t i = 0; i < from.size(); ++i) to[i] = int8_t(std::lrintf(from[i] * (1 / scale)));
    return scale;
}

}  // namespace lv
