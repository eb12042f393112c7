#include "kernels/sampling.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "kernels/core/device.h"
#include "kernels/core/scratch.h"
#include "kernels/simd/simd.h"

namespace lv {

size_t argmax(std::span<const float> x) {
    assert(!x.empty());
    return size_t(std::max_element(x.begin(), x.end()) - x.begin());
}

Picked likeliest(const Context& context, std::span<const float> x) {
    assert(!x.empty());
    if (Device* device = context.device()) return device->likeliest(x);
    const size_t best = argmax(x);
    float* const shares = thread_scratch(ScratchSlot::sampling, x.size());
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

namespace {

uint64_t weight_of(float share) { return uint64_t(share * 0x1p40f); }

// floor(random / 2^64 * sum)
uint64_t ticket_of(uint64_t random, uint64_t sum) {
    __extension__ using Twice = unsigned __int128;
    return uint64_t(Twice(random) * sum >> 64);
}

}  // namespace

Picked draw(const Context& context, std::span<const float> x, const DrawOptions& options, uint64_t random) {
    assert(!x.empty() && x.size() < size_t{1} << 23 && options.temperature > 0);
    if (Device* device = context.device()) return device->draw(x, options, random);
    const size_t count = x.size();
    ScratchCursor scratch(thread_scratch(ScratchSlot::sampling, 3 * ScratchCursor::room(count)));
    const std::span<float> behind(scratch.take(count), count);  // -d
    const std::span<float> shares(scratch.take(count), count);
    const std::span<uint32_t> order(reinterpret_cast<uint32_t*>(scratch.take(count)), count);
    const float largest = x[argmax(x)];
    std::ranges::transform(x, behind.begin(), [&](float value) { return value - largest; });
    const auto share_out = [&](float inverse_temperature) {
        std::ranges::copy(behind, shares.begin());
        return simd().exp_sum(shares.data(), count, inverse_temperature, 0);
    };
    share_out(std::min(1 / options.temperature, std::numeric_limits<float>::max()));
    uint64_t sum = 0;
    for (const float share : shares) sum += weight_of(share);
    if (sum == 0) return {uint32_t(argmax(x)), 0};  // of a damaged model: no number among them is one

    std::span<uint32_t> allowed = order;
    if (options.top_k > 0 || options.top_p < 1) {
        const uint64_t enough = std::min(uint64_t(std::ceil(double(options.top_p) * double(sum))), sum);
        const size_t most = options.top_k > 0 ? std::min(options.top_k, count) : count;
        top_k(behind, order.first(most));
        sum = 0;
        size_t taken = 0;
        while (taken < most && sum < enough) sum += weight_of(shares[order[taken++]]);
        allowed = order.first(taken);
        std::ranges::sort(allowed);
    } else {
        for (size_t i = 0; i < count; ++i) order[i] = uint32_t(i);
    }
    uint64_t ticket = ticket_of(random, sum);
    size_t at = 0;
    for (uint64_t weight; ticket >= (weight = weight_of(shares[allowed[at]])); ++at) ticket -= weight;
    const uint32_t index = allowed[at];
    const float all = share_out(1);
    return {index, shares[index] / all};
}

}  // namespace lv
