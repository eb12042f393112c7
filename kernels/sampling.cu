// The next token on CUDA: see sampling.h. Bound by latency: a row of logits is read from the L2 cache that the output
// product left it in, and a few bytes go down.
#include "kernels/sampling.h"

#include <limits>

#include "kernels/core/device.cuh"

namespace lv::cuda {
namespace {

// The largest of some values, the first of equals, and the sum of exp(x - largest) over all of them.
struct Best {
    float value;
    unsigned index;
    float sum;
    __device__ void meet(const Best& other) {
        const bool behind = other.value > value || (other.value == value && other.index < index);
        const Best &top = behind ? other : *this, &low = behind ? *this : other;
        *this = {top.value, top.index,
                 top.sum + (low.value == top.value ? low.sum : low.sum * expf(low.value - top.value))};
    }
};

constexpr unsigned best_threads = 256, most_best_blocks = 256, best_values = 4 * best_threads;  // of a block at least

// Each block leaves the best of what its threads have met.
__device__ void leave_best(Best best, Best* to) {
    Best* bests = reinterpret_cast<Best*>(dynamic_shared());
    bests[threadIdx.x] = best;
    for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) bests[threadIdx.x].meet(bests[threadIdx.x + half]);
    }
    if (threadIdx.x == 0) *to = bests[0];
}

// Bests [gridDim.x], a piece of x each.
__global__ void find_bests(const float* x, unsigned count, Best* bests) {
    Best best{minus_infinity(), count, 0};
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x)
        best.meet({x[i], i, 1});
    leave_best(best, bests + blockIdx.x);
}

// One block: bests[0] becomes the best of all.
__global__ void join_bests(Best* bests, unsigned count, unsigned none) {
    Best best{minus_infinity(), none, 0};
    if (threadIdx.x < count) best = bests[threadIdx.x];
    leave_best(best, bests);
}

// The draw. One block goes over the row a few times; where no top_k or top_p cuts it, once and a bit.
constexpr unsigned draw_threads = 512, draw_warps = draw_threads / warp_lanes;
constexpr unsigned digit_bits = 4, digits = 1u << digit_bits;
static_assert(draw_warps == digits, "a warp adds up one digit's sums");

struct Drawing {
    float inverse_temperature;  // finite
    unsigned top_k;             // at most all
    float top_p;
    uint64_t random;
};

// Of each sixteenth of something: the weight, and how many.
struct Sixteenths {
    uint64_t weight[draw_warps];
    unsigned count[draw_warps];
};
// By digit and thread: nobody waits for anybody to add.
struct DigitSums {
    uint64_t weight[digits][draw_threads];
    unsigned count[digits][draw_threads];
};

// A distance from the largest is 0 or more: its bits are in its order.
struct Logits {
    const float* x;
    unsigned count;
    float largest, inverse_temperature;
    __device__ float distance(unsigned i) const { return largest - x[i]; }
    __device__ unsigned key(unsigned i) const { return __float_as_uint(distance(i)); }
    __device__ uint64_t weight(unsigned i) const {
        return uint64_t(expf(-distance(i) * inverse_temperature) * 0x1p40f);
    }
};

// Allowed are keys whose bits from `shift` on are below `prefix`, and of those where they equal it the first `ties` by
// index, each of weight `tie_weight`.
struct Cut {
    unsigned shift = 0, prefix = 0xffffffffu, ties = 0;
    uint64_t tie_weight = 0;
};

template <typename T>
__device__ T sum_of_warp(T value) {
    for (int other = 16; other > 0; other /= 2) value += __shfl_xor_sync(whole_warp, value, other);
    return value;
}

// Each warp leaves what its lanes hold together, for all to read; they meet again before the next call.
__device__ void leave_sixteenth(uint64_t weight, unsigned count, Sixteenths& sums) {
    weight = sum_of_warp(weight);
    count = sum_of_warp(count);
    if (threadIdx.x % warp_lanes == 0) {
        sums.weight[threadIdx.x / warp_lanes] = weight;
        sums.count[threadIdx.x / warp_lanes] = count;
    }
    __syncthreads();
}

// Digit by digit from the highest, as a radix sort would: the key at which top_k or top_p is reached.
__device__ Cut find_cut(const Logits& logits, const Drawing& how, Sixteenths& sums, DigitSums& own) {
    const unsigned thread = threadIdx.x, lane = thread % warp_lanes, warp = thread / warp_lanes;
    Cut cut{32, 0, 0, 0};
    uint64_t reached = 0, enough = 0;  // weights
    unsigned taken = 0;
    do {
        for (unsigned digit = 0; digit < digits; ++digit) own.weight[digit][thread] = own.count[digit][thread] = 0;
        for (unsigned i = thread; i < logits.count; i += draw_threads) {
            const unsigned key = logits.key(i);
            if (cut.shift < 32 && key >> cut.shift != cut.prefix) continue;
            const unsigned digit = key >> (cut.shift - digit_bits) & (digits - 1);
            own.weight[digit][thread] += logits.weight(i);
            ++own.count[digit][thread];
        }
        __syncthreads();
        uint64_t weight = 0;
        unsigned count = 0;
        for (unsigned i = lane; i < draw_threads; i += warp_lanes) {
            weight += own.weight[warp][i];
            count += own.count[warp][i];
        }
        leave_sixteenth(weight, count, sums);
        if (cut.shift == 32) {
            uint64_t all = 0;
            for (unsigned digit = 0; digit < digits; ++digit) all += sums.weight[digit];
            enough = min(uint64_t(ceil(double(how.top_p) * double(all))), all);
        }
        unsigned digit = 0;
        while (digit + 1 < digits && taken + sums.count[digit] < how.top_k && reached + sums.weight[digit] < enough) {
            taken += sums.count[digit];
            reached += sums.weight[digit++];
        }
        cut.shift -= digit_bits;
        cut.prefix = cut.prefix << digit_bits | digit;
        cut.ties = sums.count[digit];
        cut.tie_weight = sums.weight[digit];
    } while (cut.shift > 0 && cut.ties > 1);
    // Equal keys weigh the same.
    cut.tie_weight /= max(cut.ties, 1u);
    cut.ties = min(cut.ties, how.top_k - taken);
    if (cut.tie_weight > 0)
        cut.ties = unsigned(min(uint64_t(cut.ties), (enough - reached + cut.tie_weight - 1) / cut.tie_weight));
    return cut;
}

// One block. Each warp takes a sixteenth of the row, then of the sixteenth in which the draw falls, until one index is
// left. `of` is bests[0].
template <bool cuts>
__global__ void __launch_bounds__(draw_threads)
    draw_one(const float* x, unsigned count, Drawing how, const Best* of, Picked* to) {
    auto& sums = *reinterpret_cast<Sixteenths*>(dynamic_shared());
    const unsigned lane = threadIdx.x % warp_lanes, warp = threadIdx.x / warp_lanes;
    const Best best = *of;
    const Logits logits{x, count, best.value, how.inverse_temperature};
    Cut cut;
    if constexpr (cuts) {
        cut = find_cut(logits, how, sums, *reinterpret_cast<DigitSums*>(dynamic_shared() + sizeof(Sixteenths)));
        __syncthreads();
    }
    uint64_t ticket = 0;
    unsigned first = 0, last = count;
    do {
        const unsigned length = (last - first + draw_warps - 1) / draw_warps;
        const unsigned from = min(first + warp * length, last), end = min(from + length, last);
        uint64_t weight = 0;
        unsigned ties = 0;
        for (unsigned i = from + lane; i < end; i += warp_lanes) {
            const unsigned prefix = cuts ? logits.key(i) >> cut.shift : 0;
            if (prefix < cut.prefix) weight += logits.weight(i);
            if (cuts && prefix == cut.prefix) ++ties;
        }
        leave_sixteenth(weight, ties, sums);
        if (last - first == count) {
            uint64_t all = cut.ties * cut.tie_weight;
            for (unsigned part = 0; part < draw_warps; ++part) all += sums.weight[part];
            ticket = __umul64hi(how.random, all);
        }
        unsigned part = 0;
        for (; part + 1 < draw_warps; ++part) {
            const unsigned allowed = min(sums.count[part], cut.ties);
            const uint64_t all = sums.weight[part] + allowed * cut.tie_weight;
            if (ticket < all) break;
            ticket -= all;
            cut.ties -= allowed;
        }
        first = min(first + part * length, last - 1);
        last = min(first + length, last);
        __syncthreads();
    } while (last - first > 1);
    if (threadIdx.x == 0) *to = {first, expf(x[first] - best.value) / best.sum};
}

// Queues bests[0], of the lane's working memory, behind which there is room for one result more.
Best* queue_best(CudaDevice& device, std::span<const float> x) {
    const unsigned blocks = std::min(blocks_of(x.size(), best_values), most_best_blocks);
    Best* const bests = device.lane().scratch<Best>(Slot::result, most_best_blocks + 1);
    const size_t shared = best_threads * sizeof(Best);
    device.launch(blocks, best_threads, shared, find_bests, x.data(), unsigned(x.size()), bests);
    device.launch(1, best_threads, shared, join_bests, bests, blocks, unsigned(x.size()));
    return bests;
}

}  // namespace

Picked CudaDevice::likeliest(std::span<const float> x) {
    Best best{};
    download(queue_best(*this, x), &best, sizeof best);
    return {best.index, 1 / best.sum};
}

Picked CudaDevice::draw(std::span<const float> x, const DrawOptions& options, uint64_t random) {
    const bool cuts = options.top_k > 0 || options.top_p < 1;
    const Drawing how{.inverse_temperature = std::min(1 / options.temperature, std::numeric_limits<float>::max()),
                      .top_k = unsigned(options.top_k > 0 ? std::min(options.top_k, x.size()) : x.size()),
                      .top_p = options.top_p,
                      .random = random};
    Best* const bests = queue_best(*this, x);
    static_assert(sizeof(Picked) <= sizeof(Best) && alignof(Picked) <= alignof(Best));
    Picked* const picked = reinterpret_cast<Picked*>(bests + most_best_blocks);
    launch(1, draw_threads, sizeof(Sixteenths) + (cuts ? sizeof(DigitSums) : 0),
           cuts ? draw_one<true> : draw_one<false>, x.data(), unsigned(x.size()), how, bests, picked);
    Picked out;
    download(picked, &out, sizeof out);
    return out;
}

}  // namespace lv::cuda
