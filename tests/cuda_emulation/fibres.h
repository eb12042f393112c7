// Runs the blocks of a CUDA kernel on one thread of the host: every CUDA thread is a fibre, barriers switch between
// them.
//
// The kernel sources under kernels/*.cu are compiled a second time, by the host's compiler, with this folder in front
// of CUDA's headers. So their results, their barriers and their memory accesses are proved where there is no GPU;
// speed, memory ordering inside a warp, and what the hardware really does are not. A barrier that not all threads
// reach, or a shuffle that part of a warp leaves out, aborts with a message. Shared memory is filled with NaN before
// every block. Threads and blocks run forwards, backwards or mixed, by turns (LV_EMULATED_ORDER chooses one): where a
// barrier is missing, or blocks rely on each other, some order gives other results.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

struct uint3 {
    unsigned x, y, z;
};
struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

// Of the fibre that runs.
extern thread_local uint3 threadIdx, blockIdx;
extern thread_local dim3 blockDim, gridDim;

namespace lv::emulation {

constexpr unsigned warp_lanes = 32;
constexpr size_t most_shared_bytes = 227 * 1024;  // of a block, as on Hopper

// All blocks of a grid, one after another.
void run_grid(dim3 grid, dim3 block, size_t shared_bytes, const std::function<void()>& kernel);

unsigned char* dynamic_shared();
void block_barrier();
void warp_barrier();
// Leaves a few words for the others of the warp and returns all lanes' words, in order of the lanes, valid until the
// next but one call. All 32 lanes call it together.
struct Words {
    uint64_t of[3];
};
const Words* share(const Words& own);
unsigned lane();

}  // namespace lv::emulation
