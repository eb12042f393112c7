// What a warp's tensor core does, value by value, with the registers laid out as PTX says: see kernels/core/mma.cuh.
#pragma once

#include "kernels/core/dtype.h"
#include "tests/cuda_emulation/cuda_runtime.h"

namespace lv::emulation {

template <typename T>
float half_of(uint64_t pair, unsigned which) {
    return to_float(T{uint16_t(pair >> (16 * which))});
}

// c [16, 8] += a [16, 16] b [16, 8]
template <typename T>
void mma(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1, T) {
    const Words* lanes = share({{a[0] | uint64_t(a[1]) << 32, a[2] | uint64_t(a[3]) << 32, b0 | uint64_t(b1) << 32}});
    const auto value_of_a = [&](unsigned row, unsigned col) {
        const unsigned index = (row >= 8) + 2 * (col >= 8), from = row % 8 * 4 + col % 8 / 2;
        return half_of<T>(lanes[from].of[index / 2] >> (32 * (index % 2)), col % 2);
    };
    const auto value_of_b = [&](unsigned row, unsigned col) {
        return half_of<T>(lanes[col * 4 + row % 8 / 2].of[2] >> (32 * (row >= 8)), row % 2);
    };
    const unsigned g = lane() / 4, t = lane() % 4;
    for (unsigned i = 0; i < 4; ++i)
        for (unsigned k = 0; k < 16; ++k) c[i] += value_of_a(g + 8 * (i / 2), k) * value_of_b(k, 2 * t + i % 2);
}

inline void load_turned(unsigned (&to)[4], const void* row) {
    if (reinterpret_cast<uintptr_t>(row) % 16 != 0) std::abort();
    const Words* lanes = share({{reinterpret_cast<uintptr_t>(row), 0, 0}});
    const unsigned g = lane() / 4, t = lane() % 4;
    for (unsigned matrix = 0; matrix < 4; ++matrix) {
        const auto value = [&](unsigned at) {
            return unsigned(reinterpret_cast<const uint16_t*>(lanes[matrix * 8 + at].of[0])[g]);
        };
        to[matrix] = value(2 * t) | value(2 * t + 1) << 16;
    }
    warp_barrier();  // nobody overwrites the rows before all have read them
}

inline unsigned turned(unsigned two) {
    const Words* lanes = share({{two, 0, 0}});
    const unsigned g = lane() / 4, t = lane() % 4;
    const auto value = [&](unsigned row) { return unsigned(lanes[row * 4 + g / 2].of[0] >> (16 * (g % 2))) & 0xffffu; };
    return value(2 * t) | value(2 * t + 1) << 16;
}

inline uint2 halves_of(unsigned bytes) {
    const auto value = [&](unsigned i) { return unsigned(to_half(float(int8_t(bytes >> (8 * i)))).bits); };
    return {value(0) | value(1) << 16, value(2) | value(3) << 16};
}

}  // namespace lv::emulation
