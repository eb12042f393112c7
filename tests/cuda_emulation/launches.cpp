#include "tests/cuda_emulation/launches.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>

#include "tests/cuda_emulation/cuda_runtime.h"

namespace {

constexpr size_t shared_unasked = 48 * 1024;  // bytes that a launch may have without asking beforehand

struct Kernel {
    std::vector<size_t> sizes;
    std::function<void(void* const*)> call;
    size_t shared_asked = shared_unasked;
};

struct Kernels {
    std::mutex mutex;
    std::map<const void*, Kernel> all;
    lv::emulation::Calls calls;
};
Kernels& kernels() {
    static Kernels own;
    return own;
}

// A launch with its own copies of the arguments.
struct Work {
    dim3 grid, block;
    size_t shared_bytes = 0;
    Kernel* kernel = nullptr;
    std::vector<std::vector<uint64_t>> arguments;

    cudaError_t set(const void* of, dim3 grid_, dim3 block_, size_t shared_bytes_, void** from) {
        const std::lock_guard lock(kernels().mutex);
        const auto found = kernels().all.find(of);
        if (found == kernels().all.end()) return cudaErrorInvalidValue;
        const size_t threads = size_t(block_.x) * block_.y * block_.z;
        if (grid_.x == 0 || grid_.x > 0x7fffffffu || grid_.y == 0 || grid_.y > 65535 || grid_.z == 0 ||
            grid_.z > 65535 || threads == 0 || threads > 1024 || block_.z > 64 ||
            shared_bytes_ > found->second.shared_asked)
            return cudaErrorInvalidValue;
        grid = grid_;
        block = block_;
        shared_bytes = shared_bytes_;
        kernel = &found->second;
        arguments.clear();
        for (size_t i = 0; i < kernel->sizes.size(); ++i) {
            arguments.emplace_back((kernel->sizes[i] + 15) / 16 * 2);
            std::memcpy(arguments.back().data(), from[i], kernel->sizes[i]);
        }
        return cudaSuccess;
    }
    void run() {
        const lv::emulation::DeviceMemoryOpen open;
        std::vector<void*> addresses;
        for (auto& argument : arguments) addresses.push_back(argument.data());
        lv::emulation::run_grid(grid, block, shared_bytes, [&] { kernel->call(addresses.data()); });
    }
};

void count(size_t lv::emulation::Calls::*what) {
    const std::lock_guard lock(kernels().mutex);
    ++(kernels().calls.*what);
}

}  // namespace

struct EmulatedNode {
    Work work;
    std::vector<EmulatedNode*> after;
};
struct EmulatedGraph {
    std::vector<std::unique_ptr<EmulatedNode>> nodes;
};
struct EmulatedExec {
    struct Node {
        const EmulatedNode* of;
        Work work;
    };
    std::vector<Node> nodes;
};

namespace lv::emulation {

Calls calls() {
    const std::lock_guard lock(kernels().mutex);
    return kernels().calls;
}

void count_bytes_down(size_t bytes) {
    const std::lock_guard lock(kernels().mutex);
    kernels().calls.bytes_down += bytes;
}

bool is_known(const void* kernel) {
    const std::lock_guard lock(kernels().mutex);
    return kernels().all.contains(kernel);
}

void remember(const void* kernel, std::vector<size_t> sizes, std::function<void(void* const*)> call) {
    const std::lock_guard lock(kernels().mutex);
    kernels().all.try_emplace(kernel, Kernel{std::move(sizes), std::move(call)});
}

}  // namespace lv::emulation

using lv::emulation::Calls;

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute, int value) {
    const std::lock_guard lock(kernels().mutex);
    const auto found = kernels().all.find(kernel);
    if (found == kernels().all.end() || size_t(value) > lv::emulation::most_shared_bytes) return cudaErrorInvalidValue;
    found->second.shared_asked = size_t(value);
    return cudaSuccess;
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* config, const void* kernel, void** arguments) {
    Work work;
    const cudaError_t result = work.set(kernel, config->gridDim, config->blockDim, config->dynamicSmemBytes, arguments);
    if (result != cudaSuccess) return result;
    count(&Calls::launches);
    return work.run(), cudaSuccess;
}

cudaError_t cudaGraphCreate(cudaGraph_t* to, unsigned) { return *to = new EmulatedGraph, cudaSuccess; }
cudaError_t cudaGraphDestroy(cudaGraph_t graph) { return delete graph, cudaSuccess; }

cudaError_t cudaGraphAddKernelNode(cudaGraphNode_t* to, cudaGraph_t graph, const cudaGraphNode_t* after,
                                   size_t after_count, const cudaKernelNodeParams* p) {
    auto node = std::make_unique<EmulatedNode>();
    const cudaError_t result = node->work.set(p->func, p->gridDim, p->blockDim, p->sharedMemBytes, p->kernelParams);
    if (result != cudaSuccess) return result;
    for (size_t i = 0; i < after_count; ++i) node->after.push_back(after[i]);
    *to = graph->nodes.emplace_back(std::move(node)).get();
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* to, cudaGraph_t graph, unsigned long long) {
    auto exec = std::make_unique<EmulatedExec>();
    for (const auto& node : graph->nodes) exec->nodes.push_back({node.get(), node->work});
    count(&Calls::graphs_made);
    return *to = exec.release(), cudaSuccess;
}

cudaError_t cudaGraphExecKernelNodeSetParams(cudaGraphExec_t exec, cudaGraphNode_t node,
                                             const cudaKernelNodeParams* p) {
    const auto found = std::ranges::find(exec->nodes, node, &EmulatedExec::Node::of);
    if (found == exec->nodes.end()) return cudaErrorInvalidValue;
    count(&Calls::nodes_set);
    return found->work.set(p->func, p->gridDim, p->blockDim, p->sharedMemBytes, p->kernelParams);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t) {
    std::vector<EmulatedExec::Node*> left;
    for (EmulatedExec::Node& node : exec->nodes) left.push_back(&node);
    while (!left.empty()) {
        const auto is_left = [&](const EmulatedNode* of) {
            return std::ranges::find(left, of, [](const auto* node) { return node->of; }) != left.end();
        };
        const auto ready = std::find_if(left.rbegin(), left.rend(), [&](const EmulatedExec::Node* node) {
            return std::ranges::none_of(node->of->after, is_left);
        });
        if (ready == left.rend()) return cudaErrorInvalidValue;  // they wait for each other
        (*ready)->work.run();
        left.erase(std::next(ready).base());
    }
    count(&Calls::graph_launches);
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) { return delete exec, cudaSuccess; }
