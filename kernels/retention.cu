// Retention on CUDA: see retention.h. Row by row for decoding, chunks on the tensor cores for prefill.
#include "kernels/retention.h"

#include "kernels/core/mma.cuh"
#include "kernels/rope.cuh"

namespace lv::cuda {
namespace {

struct Input {
    Rows<const float> q, k, v, log_decay;
    Rows<const float> table;  // [rows, dim]; only for kernels that rotate
    float k_factor;
    size_t rows;
};

// x[i], x[i + 1] of a head, rotated.
__device__ inline Pair rotated_pair(const Input& input, const float* x, size_t row, unsigned i, float factor) {
    const float* table = input.table.at(row) + i;
    return rotated({x[i], x[i + 1]}, {table[0], table[1]}, factor);
}

constexpr unsigned keys_a_thread = 32, most_step_dim = 512;
constexpr unsigned most_step_threads = most_step_dim / keys_a_thread * warp_lanes;

// A block owns 32 columns of one head's state, a warp 32 rows of these, a thread one column of that, in registers from
// the first row to the last: the state is read and written once, however many rows there are.
// Bound by the state for one row, by its own chain of additions for many. Left alone the compiler takes 165 registers a
// thread, and heads beyond 384 cannot be launched.
template <bool rotates>
__global__ void __launch_bounds__(most_step_threads) step(Input input, float* state, Rows<float> out, unsigned dim) {
    const unsigned head = blockIdx.y, lane = threadIdx.x, warp = threadIdx.y, warps = blockDim.y;
    const unsigned col = blockIdx.x * warp_lanes + lane, thread = warp * warp_lanes + lane;
    const unsigned first_key = warp * keys_a_thread;
    float* q = reinterpret_cast<float*>(dynamic_shared());  // [dim]
    float* k = q + dim;                                     // [dim]
    float* parts = k + dim;                                 // [warps, 32]
    float own[keys_a_thread];
#pragma unroll
    for (unsigned i = 0; i < keys_a_thread; ++i)
        own[i] = first_key + i < dim && col < dim ? state[(size_t(head) * dim + first_key + i) * dim + col] : 0;
    for (size_t row = 0; row < input.rows; ++row) {
        const float *row_q = input.q.at(row) + head * dim, *row_k = input.k.at(row) + head * dim;
        if constexpr (rotates) {
            if (const unsigned i = 2 * thread; i < dim) {
                const Pair two_q = rotated_pair(input, row_q, row, i, 1);
                const Pair two_k = rotated_pair(input, row_k, row, i, input.k_factor);
                q[i] = two_q.first, q[i + 1] = two_q.second;
                k[i] = two_k.first, k[i + 1] = two_k.second;
            }
        } else {
            if (thread < dim) {
                q[thread] = row_q[thread];
                k[thread] = row_k[thread];
            }
        }
        const float value = col < dim ? input.v.at(row)[head * dim + col] : 0;
        const float decay = expf(input.log_decay.at(row)[head]);
        __syncthreads();
        float sum = 0;
#pragma unroll
        for (unsigned i = 0; i < keys_a_thread; ++i) {
            if (first_key + i >= dim) break;
            own[i] = decay * own[i] + k[first_key + i] * value;
            sum += q[first_key + i] * own[i];
        }
        parts[thread] = sum;
        __syncthreads();
        if (warp == 0 && col < dim) {
            for (unsigned other = 1; other < warps; ++other) sum += parts[other * warp_lanes + lane];
            out.at(row)[head * dim + col] = sum;
        }
        __syncthreads();
    }
#pragma unroll
    for (unsigned i = 0; i < keys_a_thread; ++i)
        if (first_key + i < dim && col < dim) state[(size_t(head) * dim + first_key + i) * dim + col] = own[i];
}

// Chunks. A block of four warps owns 32 columns of one head's state and goes through the rows in chunks of 64:
//   out[t] = exp(sum[t]) q_t S + sum_{s <= t} exp(sum[t] - sum[s]) (q_t . k_s) v_s
//   S      = exp(sum[last]) S + sum_s exp(sum[last] - sum[s]) k_s^T v_s
// with sum[t] the log decays of the chunk up to t. Inputs are rounded to bf16, whose range holds any state, and S, as
// an input, is two bf16 numbers; sums, S itself and decays are f32 (their logs are added in double, see retention.cpp).
constexpr unsigned chunk_rows = 64, slice_cols = 32, chunk_warps = 4, gap = 8;  // gap: so that no two rows share banks

template <unsigned dim>
struct ChunkMemory {  // shared by the block
    BFloat16 q[chunk_rows][dim + gap];
    BFloat16 k[chunk_rows][dim + gap];
    BFloat16 k_turned[dim][chunk_rows + gap];  // weighed for S
    BFloat16 v_turned[slice_cols][chunk_rows + gap];
    BFloat16 state_high[slice_cols][dim + gap];
    BFloat16 state_low[slice_cols][dim + gap];
    double sums[chunk_rows];
};

__device__ inline unsigned pair_at(const BFloat16* two) { return *reinterpret_cast<const unsigned*>(two); }
__device__ inline void set_pair(BFloat16* row, unsigned at, float first, float second) {
    *reinterpret_cast<unsigned*>(row + at) = pack(first, second, BFloat16{});
}

// sums[t] = sum of log_decay over rows 0..t; rows that are not there decay by nothing. The first warp's work.
__device__ void add_decays(const Input& input, size_t first, unsigned count, unsigned head, double* sums) {
    const unsigned lane = threadIdx.x % warp_lanes;
    double two[2];
    for (unsigned i = 0; i < 2; ++i) {
        const unsigned row = 2 * lane + i;
        // e^-10000 is 0 in every type, and sums of it stay finite.
        two[i] = row < count ? double(fmaxf(input.log_decay.at(first + row)[head], -1e4f)) : 0;
    }
    double sum = two[0] + two[1];
    for (unsigned behind = 1; behind < warp_lanes; behind *= 2) {
        const double other = __shfl_sync(whole_warp, sum, int(lane - behind));
        if (lane >= behind) sum += other;
    }
    sums[2 * lane] = sum - two[1];
    sums[2 * lane + 1] = sum;
}

// q, k and the weighed k of a chunk, two rows and two columns a thread: shared memory takes two values at once.
template <unsigned dim, bool rotates>
__device__ void load_queries_and_keys(const Input& input, size_t first, unsigned count, unsigned head,
                                      ChunkMemory<dim>& memory) {
    constexpr unsigned threads = chunk_warps * warp_lanes;
    const double last_sum = memory.sums[chunk_rows - 1];
    for (unsigned index = threadIdx.x; index < chunk_rows * dim / 4; index += threads) {
        const unsigned row0 = index / (dim / 2) * 2, i = index % (dim / 2) * 2;
        float weighed[2][2];
        for (unsigned next = 0; next < 2; ++next) {
            const unsigned row = row0 + next;
            Pair q{0, 0}, k{0, 0};
            if (row < count) {
                const float *row_q = input.q.at(first + row) + head * dim,
                            *row_k = input.k.at(first + row) + head * dim;
                if constexpr (rotates) {
                    q = rotated_pair(input, row_q, first + row, i, 1);
                    k = rotated_pair(input, row_k, first + row, i, input.k_factor);
                } else {
                    q = {row_q[i], row_q[i + 1]};
                    k = {row_k[i], row_k[i + 1]};
                }
            }
            set_pair(memory.q[row], i, q.first, q.second);
            set_pair(memory.k[row], i, k.first, k.second);
            const float weight = expf(float(last_sum - memory.sums[row]));
            weighed[next][0] = k.first * weight;
            weighed[next][1] = k.second * weight;
        }
        set_pair(memory.k_turned[i], row0, weighed[0][0], weighed[1][0]);
        set_pair(memory.k_turned[i + 1], row0, weighed[0][1], weighed[1][1]);
    }
}

template <unsigned dim, bool rotates>
__global__ void __launch_bounds__(chunk_warps* warp_lanes) chunks(Input input, float* state, Rows<float> out) {
    auto& memory = *reinterpret_cast<ChunkMemory<dim>*>(dynamic_shared());
    const unsigned head = blockIdx.y, col0 = blockIdx.x * slice_cols, thread = threadIdx.x;
    const unsigned lane = thread % warp_lanes, warp = thread / warp_lanes, g = lane / 4, t = lane % 4;
    constexpr unsigned threads = chunk_warps * warp_lanes;
    constexpr unsigned own_tiles = dim / mma_rows / chunk_warps, col_tiles = slice_cols / mma_cols;
    const unsigned key0 = warp * own_tiles * mma_rows;  // first row of S that this warp owns
    float* head_state = state + size_t(head) * dim * dim;

    float own[own_tiles][col_tiles][4];
    const auto for_own = [&](auto fn) {  // fn(value, row of S, column of the slice)
#pragma unroll
        for (unsigned tile = 0; tile < own_tiles; ++tile)
#pragma unroll
            for (unsigned col = 0; col < col_tiles; ++col)
#pragma unroll
                for (unsigned i = 0; i < 4; ++i)
                    fn(own[tile][col][i], key0 + tile * mma_rows + g + i / 2 * 8, col * mma_cols + 2 * t + i % 2);
    };
    for_own([&](float& value, unsigned row, unsigned col) { value = head_state[row * dim + col0 + col]; });

    for (size_t first = 0; first < input.rows; first += chunk_rows) {
        const unsigned count = unsigned(input.rows - first < chunk_rows ? input.rows - first : chunk_rows);
        __syncthreads();  // the chunk before is read
        if (warp == 0) add_decays(input, first, count, head, memory.sums);
        for_own([&](float& value, unsigned row, unsigned col) {
            BFloat16& high = memory.state_high[col][row];
            narrow(value, high);
            narrow(value - wide(high), memory.state_low[col][row]);
        });
        __syncthreads();
        const double last_sum = memory.sums[chunk_rows - 1];
        load_queries_and_keys<dim, rotates>(input, first, count, head, memory);
        for (unsigned index = thread; index < chunk_rows * slice_cols; index += threads) {
            const unsigned row = index / slice_cols, col = index % slice_cols;
            narrow(row < count ? input.v.at(first + row)[head * dim + col0 + col] : 0, memory.v_turned[col][row]);
        }
        __syncthreads();

        // This warp's 16 rows: sums of q S first.
        const unsigned row0 = warp * mma_rows;
        float sums[col_tiles][4] = {};
        float scores[chunk_rows / mma_cols][4] = {};
#pragma unroll
        for (unsigned i = 0; i < dim; i += mma_depth) {
            const unsigned a[4] = {pair_at(&memory.q[row0 + g][i + 2 * t]), pair_at(&memory.q[row0 + g + 8][i + 2 * t]),
                                   pair_at(&memory.q[row0 + g][i + 2 * t + 8]),
                                   pair_at(&memory.q[row0 + g + 8][i + 2 * t + 8])};
#pragma unroll
            for (unsigned col = 0; col < col_tiles; ++col) {
                const BFloat16* high = &memory.state_high[col * mma_cols + g][i + 2 * t];
                const BFloat16* low = &memory.state_low[col * mma_cols + g][i + 2 * t];
                mma(sums[col], a, pair_at(high), pair_at(high + 8), BFloat16{});
                mma(sums[col], a, pair_at(low), pair_at(low + 8), BFloat16{});
            }
#pragma unroll
            for (unsigned tile = 0; tile < chunk_rows / mma_cols; ++tile) {
                if (tile * mma_cols >= row0 + mma_rows) break;  // later than all of these rows
                const BFloat16* key = &memory.k[tile * mma_cols + g][i + 2 * t];
                mma(scores[tile], a, pair_at(key), pair_at(key + 8), BFloat16{});
            }
        }
        const double row_sums[2] = {memory.sums[row0 + g], memory.sums[row0 + g + 8]};
#pragma unroll
        for (unsigned i = 0; i < 4; ++i) {
            const float decay = expf(float(row_sums[i / 2]));
            for (unsigned col = 0; col < col_tiles; ++col) sums[col][i] *= decay;
#pragma unroll
            for (unsigned tile = 0; tile < chunk_rows / mma_cols; ++tile) {
                const unsigned row = row0 + g + i / 2 * 8, s = tile * mma_cols + 2 * t + i % 2;
                scores[tile][i] = s > row ? 0 : scores[tile][i] * expf(float(row_sums[i / 2] - memory.sums[s]));
            }
        }
#pragma unroll
        for (unsigned pair = 0; pair < chunk_rows / mma_depth; ++pair) {
            if (pair > warp) break;  // later than all of these rows
            const float *left = scores[2 * pair], *right = scores[2 * pair + 1];
            const unsigned a[4] = {pack(left[0], left[1], BFloat16{}), pack(left[2], left[3], BFloat16{}),
                                   pack(right[0], right[1], BFloat16{}), pack(right[2], right[3], BFloat16{})};
#pragma unroll
            for (unsigned col = 0; col < col_tiles; ++col) {
                const BFloat16* value = &memory.v_turned[col * mma_cols + g][pair * mma_depth + 2 * t];
                mma(sums[col], a, pair_at(value), pair_at(value + 8), BFloat16{});
            }
        }
#pragma unroll
        for (unsigned col = 0; col < col_tiles; ++col)
#pragma unroll
            for (unsigned i = 0; i < 4; ++i) {
                const unsigned row = row0 + g + i / 2 * 8;
                if (row < count) out.at(first + row)[head * dim + col0 + col * mma_cols + 2 * t + i % 2] = sums[col][i];
            }

        const float chunk_decay = expf(float(last_sum));
        for_own([&](float& value, unsigned, unsigned) { value *= chunk_decay; });
#pragma unroll
        for (unsigned s = 0; s < chunk_rows; s += mma_depth)
#pragma unroll
            for (unsigned tile = 0; tile < own_tiles; ++tile) {
                const unsigned row = key0 + tile * mma_rows + g;
                const unsigned a[4] = {
                    pair_at(&memory.k_turned[row][s + 2 * t]), pair_at(&memory.k_turned[row + 8][s + 2 * t]),
                    pair_at(&memory.k_turned[row][s + 2 * t + 8]), pair_at(&memory.k_turned[row + 8][s + 2 * t + 8])};
#pragma unroll
                for (unsigned col = 0; col < col_tiles; ++col) {
                    const BFloat16* value = &memory.v_turned[col * mma_cols + g][s + 2 * t];
                    mma(own[tile][col], a, pair_at(value), pair_at(value + 8), BFloat16{});
                }
            }
    }
    for_own([&](float& value, unsigned row, unsigned col) { head_state[row * dim + col0 + col] = value; });
}

Input input_of(const RetentionInput& input) {
    return {input.q, input.k, input.v, input.log_decay, input.table, input.k_factor, input.q.rows};
}

template <unsigned dim>
void launch_chunks(CudaDevice& device, const RetentionInput& input, std::span<float> state, Matrix out) {
    device.launch(dim3(dim / slice_cols, unsigned(input.heads)), chunk_warps * warp_lanes, sizeof(ChunkMemory<dim>),
                  input.table.data ? chunks<dim, true> : chunks<dim, false>, input_of(input), state.data(), out);
}

}  // namespace

void CudaDevice::retention_step(const RetentionInput& input, std::span<float> state, Matrix out) {
    const size_t dim = input.q.cols / input.heads, warps = (dim + keys_a_thread - 1) / keys_a_thread;
    require(dim <= most_step_dim, "Retention on the GPU: heads of ", dim, " values, at most ", most_step_dim,
            " are supported; use --device cpu.");
    if (input.q.rows == 0) return;
    launch(dim3(blocks_of(dim, warp_lanes), unsigned(input.heads)), dim3(warp_lanes, unsigned(warps)),
           (2 * dim + warps * warp_lanes) * sizeof(float), input.table.data ? step<true> : step<false>, input_of(input),
           state.data(), out, unsigned(dim));
}

void CudaDevice::retention_chunk(const RetentionInput& input, std::span<float> state, Matrix out) {
    const size_t dim = input.q.cols / input.heads;
    if (input.q.rows == 0) return;
    if (options_.exact || (dim != 64 && dim != 128)) return retention_step(input, state, out);
    return dim == 64 ? launch_chunks<64>(*this, input, state, out) : launch_chunks<128>(*this, input, state, out);
}

}  // namespace lv::cuda
