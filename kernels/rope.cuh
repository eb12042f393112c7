// The rotation of one pair (see rope.h), for the kernels that turn what they read.
#pragma once

#include <cuda_runtime.h>

namespace lv::cuda {

struct Pair {
    float first, second;
};

__device__ inline Pair rotated(Pair x, Pair cos_sin, float factor) {
    return {factor * (x.first * cos_sin.first - x.second * cos_sin.second),
            factor * (x.first * cos_sin.second + x.second * cos_sin.first)};
}

}  // namespace lv::cuda
