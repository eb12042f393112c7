#include "kernels/sampling.h"

#include <algorithm>
#include <cassert>

#include "kernels/core/device.h"
#include "kernels/core/scratch.h"
#include "kernels/simd/simd.h"

namespace lv {

void softmax(std::span<float> x, float inverse_temperature) {
    if (x.empty()) return;
    const SimdTable& table = simd();
    float shift = table.max(x.data(), x.size()) * inverse_temperature;
    float sum = table.exp_sum(x.data(), x.size(), inverse_temperature, shift);
    table.scale_by(x.data(), nullptr, 1 / sum, x.data(), x.size());
}

size_t argmax(std::span<const float> x) {
    assert(!x.empty());
    return size_t(std::max_element(x.begin(), x.end()) - x.begin());
}

Likeliest likeliest(const Context& context, std::span<const float> x) {
    assert(!x.empty());
    if (Device* device = context.device()) return device->likeliest(x);
    const size_t best = argmax(x);
    float* const shares = thread_scratch(ScratchSlot::likeliest, x.size());
    std::ranges::copy(x, shares);
    return {uint32_t(best), 1 / simd().exp_sum(shares, x.size(), 1, x[best])};
}

size_t top_k(std::span<const float> x, std::span<uint32_t> top) {
    size_t count = std::min(top.size(), x.size());
    if (count == 0) return 0;
    // A heap of the best so far, the worst of them on top: x log k, no memory of its own.
    auto better = [&](uint32_t a, uint32_t b) { return x[a] > x[b] || (x[a] == x[b] && a < b); };
    for (size_t i = 0; i < count; ++i) top[i] = uint32_t(i);
    std::span<uint32_t> heap = top.first(count);
    std::make_heap(heap.begin(), heap.end(), better);
    for (size_t i = count; i < x.size(); ++i)
        if (better(uint32_t(i), heap.front())) {
            std::pop_heap(heap.begin(), heap.end(), better);
            heap.back() = uint32_t(i);
            std::push_heap(heap.begin(), heap.end(), better);
        }
    std::sort_heap(heap.begin(), heap.end(), better);
    return count;
}

}  // namespace lv
