// What this machine can do, measured now, so that every figure can be told as a share of it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "kernels/core/context.h"

namespace lv {

// Multiplications and additions per second of a large f32 matrix product, the better of oneDNN's and our own.
// Takes about `seconds`.
double sgemm_peak(const Context& context, double seconds = 0.5);

// Bytes per second (read plus written) of copying `bytes` with all threads. Takes about `seconds`.
double copy_bandwidth(const Context& context, size_t bytes = size_t{256} << 20, double seconds = 0.3);

// Bytes per second of only reading `bytes` with all threads: the bound of decoding.
double read_bandwidth(const Context& context, size_t bytes = size_t{256} << 20, double seconds = 0.3);

// One line of `longview bench kernels`.
struct KernelFigure {
    std::string name;       // "matmul f16, 512 rows, 768 x 2048"
    double seconds = 0;     // median of one call
    double amount = 0;      // flops or bytes of one call
    bool is_bytes = false;  // amount counts bytes (bound: bandwidth) or flops (bound: sgemm)
    double share = 0;       // of the yardstick: 0..1
};

// Measures every kernel family at sizes of the small and of the 100M model. About ten seconds.
std::vector<KernelFigure> kernel_figures(const Context& context);

// The processor's name and the vector level the kernels run at: "AMD EPYC, 2 threads, vector level v4".
std::string machine_name(const Context& context);

// "longview 0.1.0, commit 3f2a91c, g++ 12.2.0, optimised". The commit is the one that CMake was run on.
std::string build_name();

}  // namespace lv
