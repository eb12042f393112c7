// The choice of pieces on CUDA: see piece_choice.h. Estimates come from kv_rows.cu; what follows them is little beside.
#include "kernels/piece_choice.h"

#include "kernels/attention_pieces.cuh"

namespace lv::cuda {
namespace {

constexpr unsigned threads = 512, warps = threads / warp_lanes, digits = 256;

// A block takes a head: the largest of its estimates [count], and the sum of exp(estimate - largest).
__global__ void __launch_bounds__(threads)
    sum_estimates(const float* estimates, unsigned count, float* largest, float* sums) {
    float* parts = reinterpret_cast<float*>(dynamic_shared());  // [warps]
    const float* own = estimates + size_t(blockIdx.x) * count;
    float most = minus_infinity(), sum = 0;
    for (unsigned i = threadIdx.x; i < count; i += threads) most = fmaxf(most, own[i]);
    most = warp_max(most);
    if (threadIdx.x % warp_lanes == 0) parts[threadIdx.x / warp_lanes] = most;
    __syncthreads();
    for (unsigned warp = 0; warp < warps; ++warp) most = fmaxf(most, parts[warp]);
    __syncthreads();  // parts are read
    for (unsigned i = threadIdx.x; i < count; i += threads) sum += expf(own[i] - most);
    sum = warp_sum(sum);
    if (threadIdx.x % warp_lanes == 0) parts[threadIdx.x / warp_lanes] = sum;
    __syncthreads();
    if (threadIdx.x != 0) return;
    for (unsigned warp = 1; warp < warps; ++warp) sum += parts[warp];
    largest[blockIdx.x] = most;
    sums[blockIdx.x] = sum;
}

__global__ void score(const float* estimates, const float* largest, const float* sums, unsigned heads, unsigned count,
                      float* scores) {
    const unsigned piece = blockIdx.x * blockDim.x + threadIdx.x;
    if (piece >= count) return;
    float sum = 0;
    for (unsigned head = 0; head < heads; ++head)
        sum += expf(estimates[size_t(head) * count + piece] - largest[head]) / sums[head];
    scores[piece] = sum;
}

struct PickMemory {  // shared by the block
    uint64_t totals[warps];
    unsigned counts[digits];
    unsigned digit, left, ties;
};

struct Sums {
    uint64_t before, all;  // of the threads before this one, of all
};

// All threads of the block call it together.
__device__ Sums add_up(uint64_t value, PickMemory& memory) {
    const unsigned lane = threadIdx.x % warp_lanes, own = threadIdx.x / warp_lanes;
    uint64_t sum = value;
    for (unsigned behind = 1; behind < warp_lanes; behind *= 2) {
        const uint64_t other = __shfl_sync(whole_warp, sum, int(lane >= behind ? lane - behind : lane));
        if (lane >= behind) sum += other;
    }
    if (lane == warp_lanes - 1) memory.totals[own] = sum;
    __syncthreads();
    Sums out{sum - value, 0};
    for (unsigned warp = 0; warp < warps; ++warp) {
        if (warp < own) out.before += memory.totals[warp];
        out.all += memory.totals[warp];
    }
    __syncthreads();  // the totals are read
    return out;
}

// The first warp's work: the digit of the left-th largest number, with memory.counts of each digit; then how many of
// the numbers with this digit are still to be taken, and how many there are.
__device__ void find_digit(unsigned left, PickMemory& memory) {
    constexpr unsigned digits_a_lane = digits / warp_lanes;
    const unsigned lane = threadIdx.x % warp_lanes, first = digits - 1 - lane * digits_a_lane;  // from the largest on
    unsigned own = 0;
    for (unsigned i = 0; i < digits_a_lane; ++i) own += memory.counts[first - i];
    unsigned sum = own;
    for (unsigned behind = 1; behind < warp_lanes; behind *= 2) {
        const unsigned other = __shfl_sync(whole_warp, sum, int(lane >= behind ? lane - behind : lane));
        if (lane >= behind) sum += other;
    }
    if (sum < left || sum - own >= left) return;  // some other lane's
    unsigned digit = first, larger = sum - own;
    while (larger + memory.counts[digit] < left) larger += memory.counts[digit--];
    memory.digit = digit;
    memory.left = left - larger;
    memory.ties = memory.counts[digit];
}

// One block: `to` gets the `top` best of the first `choices` of `all` [count], and all behind these, in their order.
// The top-th best score is found digit by digit (scores are not negative, so their bits count as they do); of those
// that equal it the newest are taken. order [top] is scratch.
__global__ void __launch_bounds__(threads) pick(const float* scores, const PagePiece* all, unsigned choices,
                                                unsigned count, unsigned top, unsigned* order, PagePiece* to) {
    auto& memory = *reinterpret_cast<PickMemory*>(dynamic_shared());
    unsigned least = 0, left = top;
    for (int shift = 24; shift >= 0; shift -= 8) {
        for (unsigned digit = threadIdx.x; digit < digits; digit += threads) memory.counts[digit] = 0;
        __syncthreads();
        for (unsigned piece = threadIdx.x; piece < choices; piece += threads) {
            const unsigned bits = __float_as_uint(scores[piece]);
            const bool candidate = shift == 24 || (bits ^ least) >> (shift + 8) == 0;
            if (candidate) atomicAdd(&memory.counts[bits >> shift & (digits - 1)], 1u);
        }
        __syncthreads();
        if (threadIdx.x < warp_lanes) find_digit(left, memory);
        __syncthreads();
        least |= memory.digit << shift;
        left = memory.left;
    }

    const unsigned skipped = memory.ties - left;  // the oldest of the equals
    uint64_t before = 0;                          // better ones in the upper half, equals in the lower
    for (unsigned first = 0; first < choices; first += threads) {
        const unsigned piece = first + threadIdx.x;
        const unsigned bits = piece < choices ? __float_as_uint(scores[piece]) : 0;
        const bool better = piece < choices && bits > least, equal = piece < choices && bits == least;
        const Sums sums = add_up(uint64_t(better) << 32 | uint64_t(equal), memory);
        const uint64_t here = before + sums.before;
        const unsigned equals = unsigned(here);
        if (better || (equal && equals >= skipped))
            order[unsigned(here >> 32) + (equals > skipped ? equals - skipped : 0)] = piece;
        before += sums.all;
    }
    __syncthreads();

    unsigned keys = 0;
    const unsigned chosen = top + (count - choices);
    for (unsigned first = 0; first < chosen; first += threads) {
        const unsigned at = first + threadIdx.x;
        PagePiece piece{};
        if (at < chosen) piece = all[at < top ? order[at] : choices + (at - top)];
        const Sums sums = add_up(piece.rows, memory);
        piece.first = keys + unsigned(sums.before);
        if (at < chosen) to[at] = piece;
        keys += unsigned(sums.all);
    }
}

}  // namespace

DevicePieces CudaDevice::choose_pieces(const AttentionInput& input, std::span<const std::span<const std::byte>> codes,
                                       size_t top) {
    DevicePieces out = input.listed.list ? input.listed : list_pieces(input);
    const size_t choices = codes.size(), heads = input.heads;
    if (top >= choices) return out;
    float* const estimates = lane().scratch<float>(Slot::estimates, heads * choices + 2 * heads + choices + top);
    float *const largest = estimates + heads * choices, *const sums = largest + heads, *const scores = sums + heads;
    auto* const order = reinterpret_cast<unsigned*>(scores + choices);
    auto* const chosen = lane().scratch<PagePiece>(Slot::chosen, out.count - choices + top);
    estimate_logits(input, codes, {estimates, heads * choices});
    launch(unsigned(heads), threads, warps * sizeof(float), sum_estimates, estimates, unsigned(choices), largest, sums);
    launch(blocks_of(choices, 128), 128, 0, score, estimates, largest, sums, unsigned(heads), unsigned(choices),
           scores);
    launch(1, threads, sizeof(PickMemory), pick, scores, static_cast<const PagePiece*>(out.list), unsigned(choices),
           unsigned(out.count), unsigned(top), order, chosen);

    size_t rows = 0, longest = 0;  // behind the choices, of one of them
    for (size_t piece = 0; piece < input.pieces.size(); ++piece) {
        if (piece < choices)
            longest = std::max(longest, input.pieces[piece].rows);
        else
            rows += input.pieces[piece].rows;
    }
    out.most_keys = std::min(out.most_keys, top * longest + rows);
    out.list = chosen;
    out.count = out.count - choices + top;
    return out;
}

}  // namespace lv::cuda
