#include "kernels/simd/simd.h"

namespace lv {

SimdLevels simd_levels() {
    SimdLevels levels{};
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("x86-64-v4")) levels.table[levels.count++] = &simd_v4::table;
    if (__builtin_cpu_supports("x86-64-v3")) levels.table[levels.count++] = &simd_v3::table;
#endif
    levels.table[levels.count++] = &simd_baseline::table;
    return levels;
}

const SimdTable& simd() {
    static const SimdTable& best = *simd_levels().table[0];
    return best;
}

}  // namespace lv
