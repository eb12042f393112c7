// How the emulated CUDA launches kernels, alone and as the nodes of a graph: see fibres.h for what a launch does.
//
// Every way to launch hands over addresses of arguments, which are copied at once, as CUDA copies them. What CUDA would
// refuse is refused here: grids and blocks beyond its limits, shared memory that was not asked for beforehand. A graph
// is free to run nodes in any order that their dependencies leave open, so it takes the last that is ready.
#pragma once

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "tests/cuda_emulation/fibres.h"

enum cudaError_t { cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorMemoryAllocation = 2, cudaErrorNoDevice = 100 };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize };
using cudaStream_t = struct EmulatedStream*;
using cudaGraph_t = struct EmulatedGraph*;
using cudaGraphNode_t = struct EmulatedNode*;
using cudaGraphExec_t = struct EmulatedExec*;
struct cudaLaunchAttribute {};
struct cudaLaunchConfig_t {
    dim3 gridDim, blockDim;
    size_t dynamicSmemBytes = 0;
    cudaStream_t stream = nullptr;
    cudaLaunchAttribute* attrs = nullptr;
    unsigned numAttrs = 0;
};
struct cudaKernelNodeParams {
    void* func;
    dim3 gridDim, blockDim;
    unsigned sharedMemBytes;
    void** kernelParams;
    void** extra;
};

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute what, int value);
cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* config, const void* kernel, void** arguments);
cudaError_t cudaGraphCreate(cudaGraph_t* to, unsigned flags);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphAddKernelNode(cudaGraphNode_t* to, cudaGraph_t graph, const cudaGraphNode_t* after, size_t count,
                                   const cudaKernelNodeParams* params);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* to, cudaGraph_t graph, unsigned long long flags);
cudaError_t cudaGraphExecKernelNodeSetParams(cudaGraphExec_t exec, cudaGraphNode_t node,
                                             const cudaKernelNodeParams* params);
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec);

namespace lv::emulation {

// Calls of the host so far, of all threads.
struct Calls {
    size_t launches = 0, graphs_made = 0, graph_launches = 0, nodes_set = 0;
    size_t bytes_down = 0;  // copied to the host
};
Calls calls();
void count_bytes_down(size_t bytes);

// What nvcc tells CUDA's runtime of a kernel: the sizes of its arguments, and how to call it with their addresses.
void remember(const void* kernel, std::vector<size_t> sizes, std::function<void(void* const*)> call);
bool is_known(const void* kernel);

template <typename... Parameters>
void know(void (*kernel)(Parameters...)) {
    const void* const address = reinterpret_cast<const void*>(kernel);
    if (is_known(address)) return;
    remember(address, {sizeof(Parameters)...}, [kernel](void* const* arguments) {
        [&]<size_t... index>(std::index_sequence<index...>) { kernel(*static_cast<Parameters*>(arguments[index])...); }
        (std::index_sequence_for<Parameters...>());
    });
}

}  // namespace lv::emulation
