// Kernel launches that are held back and queued together: what a decode step repeats, as a CUDA graph.
//
// A graph costs the host one call in place of one a kernel, and the GPU goes from kernel to kernel sooner. Ours is a
// chain of kernel nodes, built one by one: so every node is known, and what another step has different (positions,
// lengths, grids that grow with the cache) is set in those nodes alone. A captured stream would not say which node is
// which, and other calls in between could spoil the capture.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

namespace lv::cuda {

struct Launch {
    const void* kernel = nullptr;
    dim3 grid, block;
    size_t shared_bytes = 0;
};
constexpr size_t most_arguments = 16;  // of a kernel

// Queues one launch at once. arguments[i] points to the kernel's i-th, as CUDA wants them.
void queue(const Launch& launch, void** arguments, cudaStream_t stream);

// Launches with copies of their arguments.
class Launches {
   public:
    void add(const Launch& launch, void* const* arguments, std::span<const size_t> sizes);
    void clear();
    size_t size() const { return all_.size(); }
    const Launch& operator[](size_t index) const { return all_[index].launch; }
    // Pointers to the arguments of one; they point into this.
    std::array<void*, most_arguments> arguments(size_t index);
    // Whether both call the same kernels in the same order; arguments and grids may differ.
    bool same_kernels(const Launches& other) const;
    // Whether launch `index` is the same in both, which call the same kernels.
    bool same_launch(const Launches& other, size_t index) const;
    // Makes launch `index` that of `other`, which calls the same kernels.
    void take(const Launches& other, size_t index);

   private:
    struct One {
        Launch launch;
        size_t first_argument, arguments;
        size_t first_byte, bytes;
    };
    std::vector<One> all_;
    std::vector<size_t> places_;     // of all arguments, in values_
    std::vector<std::byte> values_;  // each argument at a multiple of 16 bytes
};

// One thread's. Allocates nothing once the lists that come again have come twice.
class Tape {
   public:
    Tape() = default;
    Tape(const Tape&) = delete;
    Tape& operator=(const Tape&) = delete;

    void add(const Launch& launch, void* const* arguments, std::span<const size_t> sizes) {
        held_.add(launch, arguments, sizes);
    }
    bool empty() const { return held_.size() == 0; }
    // Queues all that was added, in that order; then it is empty again. Kernels that come in the same order a second
    // time become a graph, which is used from then on; a few launches are queued one by one.
    void run(cudaStream_t stream);

   private:
    struct Destroy {
        void operator()(cudaGraph_t graph) const { cudaGraphDestroy(graph); }
        void operator()(cudaGraphExec_t graph) const { cudaGraphExecDestroy(graph); }
    };
    struct Graph {
        Launches launches;  // as they are set in `made`
        std::unique_ptr<std::remove_pointer_t<cudaGraph_t>, Destroy> described;
        std::unique_ptr<std::remove_pointer_t<cudaGraphExec_t>, Destroy> made;  // none while it came only once
        std::vector<cudaGraphNode_t> nodes;                                     // of `described`

        void make(Launches& from);
        void become(Launches& next);
    };
    Launches held_, running_;
    std::list<Graph> graphs_;  // last used first; those that came once are not made yet
};

}  // namespace lv::cuda
