#include "kernels/core/tape.cuh"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kernels/core/device.cuh"

namespace lv::cuda {

namespace {

constexpr size_t argument_alignment = 16;  // as operator new's
constexpr size_t least_launches = 8;       // of a graph
constexpr size_t most_graphs = 8;          // of a thread: steps that end a page or move a window are lists of their own

cudaKernelNodeParams params_of(const Launch& launch, void** arguments) {
    cudaKernelNodeParams params{};
    params.func = const_cast<void*>(launch.kernel);
    params.gridDim = launch.grid;
    params.blockDim = launch.block;
    params.sharedMemBytes = unsigned(launch.shared_bytes);
    params.kernelParams = arguments;
    return params;
}

bool same(const dim3& a, const dim3& b) { return a.x == b.x && a.y == b.y && a.z == b.z; }

}  // namespace

void queue(const Launch& launch, void** arguments, cudaStream_t stream) {
    cudaLaunchConfig_t config{};
    config.gridDim = launch.grid;
    config.blockDim = launch.block;
    config.dynamicSmemBytes = launch.shared_bytes;
    config.stream = stream;
    check(cudaLaunchKernelExC(&config, launch.kernel, arguments), "launching a kernel");
}

void Launches::add(const Launch& launch, void* const* arguments, std::span<const size_t> sizes) {
    const size_t first = values_.size();
    all_.push_back({launch, places_.size(), sizes.size(), first, 0});
    for (size_t i = 0; i < sizes.size(); ++i) {
        const size_t place = values_.size();
        places_.push_back(place);
        values_.resize(place + (sizes[i] + argument_alignment - 1) / argument_alignment * argument_alignment);
        std::memcpy(values_.data() + place, arguments[i], sizes[i]);
    }
    all_.back().bytes = values_.size() - first;
}

void Launches::clear() {
    all_.clear();
    places_.clear();
    values_.clear();
}

std::array<void*, most_arguments> Launches::arguments(size_t index) {
    std::array<void*, most_arguments> out{};
    const One& one = all_[index];
    for (size_t i = 0; i < one.arguments; ++i) out[i] = values_.data() + places_[one.first_argument + i];
    return out;
}

bool Launches::same_kernels(const Launches& other) const {
    return std::ranges::equal(all_, other.all_,
                              [](const One& a, const One& b) { return a.launch.kernel == b.launch.kernel; });
}

bool Launches::same_launch(const Launches& other, size_t index) const {
    const One &ours = all_[index], &theirs = other.all_[index];
    return same(ours.launch.grid, theirs.launch.grid) && same(ours.launch.block, theirs.launch.block) &&
           ours.launch.shared_bytes == theirs.launch.shared_bytes &&
           std::memcmp(values_.data() + ours.first_byte, other.values_.data() + theirs.first_byte, ours.bytes) == 0;
}

void Launches::take(const Launches& other, size_t index) {
    One& ours = all_[index];
    ours.launch = other.all_[index].launch;
    std::memcpy(values_.data() + ours.first_byte, other.values_.data() + other.all_[index].first_byte, ours.bytes);
}

void Tape::Graph::make(Launches& from) {
    cudaGraph_t new_graph = nullptr;
    check(cudaGraphCreate(&new_graph, 0), "making a graph");
    described.reset(new_graph);
    nodes.clear();
    nodes.reserve(from.size());
    for (size_t index = 0; index < from.size(); ++index) {
        auto arguments = from.arguments(index);
        const cudaKernelNodeParams params = params_of(from[index], arguments.data());
        cudaGraphNode_t node = nullptr;
        check(cudaGraphAddKernelNode(&node, new_graph, index ? &nodes.back() : nullptr, index ? 1 : 0, &params),
              "making a graph");
        nodes.push_back(node);
    }
    cudaGraphExec_t new_made = nullptr;
    check(cudaGraphInstantiate(&new_made, new_graph, 0), "making a graph");
    made.reset(new_made);
    launches = from;
}

void Tape::Graph::become(Launches& next) {
    for (size_t index = 0; index < launches.size(); ++index) {
        if (launches.same_launch(next, index)) continue;
        auto arguments = next.arguments(index);
        const cudaKernelNodeParams params = params_of(next[index], arguments.data());
        check(cudaGraphExecKernelNodeSetParams(made.get(), nodes[index], &params), "changing a graph");
        launches.take(next, index);
    }
}

void Tape::run(cudaStream_t stream) {
    if (empty()) return;
    // Taken out first, so that what fails half-way is not queued again.
    std::swap(held_, running_);
    held_.clear();
    if (running_.size() >= least_launches) {
        const auto known =
            std::ranges::find_if(graphs_, [&](const Graph& graph) { return graph.launches.same_kernels(running_); });
        if (known != graphs_.end()) {
            graphs_.splice(graphs_.begin(), graphs_, known);
            known->made ? known->become(running_) : known->make(running_);
            check(cudaGraphLaunch(known->made.get(), stream), "launching a graph");
            return;
        }
        if (graphs_.size() == most_graphs) graphs_.pop_back();
        graphs_.emplace_front().launches = running_;
    }
    for (size_t index = 0; index < running_.size(); ++index) {
        auto arguments = running_.arguments(index);
        queue(running_[index], arguments.data(), stream);
    }
}

}  // namespace lv::cuda
