// Retention on CUDA: see retention.h. Row by row for decoding, chunks on the tensor cores for prefill.
#include "kernels/retention.h"

#include <algorithm>

#include "kernels/core/mma.cuh"
#include "kernels/rope.cuh"

namespace lv::cuda {
namespace {

struct Input {
    Rows<const float> q, k, v, log_decay;
    Rows<const float> table;  // [rows, dim]; only for kernels that rotate
    float k_factor;
    size_t rows;
    bool fours;  // only for chunks: four values of the inputs and of the output lie at multiples of 16 bytes
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
        }  // the parts are written anew behind the next row's first barrier, q and k were read before the second
    }
#pragma unroll
    for (unsigned i = 0; i < keys_a_thread; ++i)
        if (first_key + i < dim && col < dim) state[(size_t(head) * dim + first_key + i) * dim + col] = own[i];
}

// Chunks. A block of four warps owns 32 columns of one head's state and goes through the rows in chunks of 64:
//   out[t] = exp(sum[t]) q_t S + sum_{s <= t} exp(sum[t] - sum[s]) (q_t . k_s) v_s
//   S      = exp(sum[last]) S + sum_s k_s^T (exp(sum[last] - sum[s]) v_s)
// with sum[t] the log decays of the chunk up to t. Inputs are rounded to bf16, whose range holds any state, and S, as
// an input, is two bf16 numbers; sums, S itself and decays are f32 (their logs are added in double, see retention.cpp).
//
// Few heads do not fill a GPU, and a chunk waits for the one before: so the rows are cut into segments that run side by
// side. What each adds to the state is found first (`whole` false: no queries, no outputs), join_segments() makes of
// these the states that they begin with.
constexpr unsigned chunk_rows = 64, slice_cols = 32, chunk_warps = 4, gap = 8;  // gap: so that no two rows share banks
constexpr unsigned chunk_blocks = 3;                                            // of a multiprocessor, by shared memory

template <unsigned dim>
struct ChunkMemory {  // shared by the block
    BFloat16 q[chunk_rows][dim + gap];
    BFloat16 k[chunk_rows][dim + gap];
    BFloat16 v[chunk_rows][slice_cols + gap];
    BFloat16 v_weighed[chunk_rows][slice_cols + gap];  // for S
    BFloat16 state_high[slice_cols][dim + gap];
    BFloat16 state_low[slice_cols][dim + gap];
    double sums[chunk_rows];
};

struct Segments {
    float* states;  // [segments, heads, dim, dim]: what each adds to the state, or what it begins with
    float* decays;  // [segments, heads]
    float* last;    // [heads, dim, dim]: where the state is left
    size_t rows;    // of a segment, a multiple of chunk_rows
};

__device__ inline unsigned pair_at(const BFloat16* two) { return *reinterpret_cast<const unsigned*>(two); }
__device__ inline void set_four(BFloat16* to, const float4& four) {
    *reinterpret_cast<uint2*>(to) = {pack(four.x, four.y, BFloat16{}), pack(four.z, four.w, BFloat16{})};
}
__device__ inline float4 four_at(const Input& input, const float* from) {
    if (input.fours) return *reinterpret_cast<const float4*>(from);
    return {from[0], from[1], from[2], from[3]};
}
__device__ inline float4 scaled(const float4& four, float factor) {
    return {four.x * factor, four.y * factor, four.z * factor, four.w * factor};
}
template <bool rotates>
__device__ float4 turned_four(const Input& input, const float* from, const float4& cos_sin, float factor) {
    const float4 four = four_at(input, from);
    if constexpr (!rotates) return four;
    const Pair front = rotated({four.x, four.y}, {cos_sin.x, cos_sin.y}, factor);
    const Pair back = rotated({four.z, four.w}, {cos_sin.z, cos_sin.w}, factor);
    return {front.first, front.second, back.first, back.second};
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

// q, k and v of a chunk; rows that are not there are zeros.
template <unsigned dim, bool rotates, bool whole>
__device__ void load_chunk(const Input& input, size_t first, unsigned count, unsigned head, unsigned col0,
                           ChunkMemory<dim>& memory) {
    constexpr unsigned threads = chunk_warps * warp_lanes;
#pragma unroll 4
    for (unsigned index = threadIdx.x; index < chunk_rows * dim / 4; index += threads) {
        const unsigned row = index / (dim / 4), i = index % (dim / 4) * 4;
        float4 q{}, k{}, cos_sin{};
        if (row < count) {
            if constexpr (rotates) cos_sin = four_at(input, input.table.at(first + row) + i);
            if constexpr (whole) q = turned_four<rotates>(input, input.q.at(first + row) + head * dim + i, cos_sin, 1);
            k = turned_four<rotates>(input, input.k.at(first + row) + head * dim + i, cos_sin, input.k_factor);
        }
        if constexpr (whole) set_four(&memory.q[row][i], q);
        set_four(&memory.k[row][i], k);
    }
    const double last_sum = memory.sums[chunk_rows - 1];
    for (unsigned index = threadIdx.x; index < chunk_rows * slice_cols / 4; index += threads) {
        const unsigned row = index / (slice_cols / 4), col = index % (slice_cols / 4) * 4;
        float4 v{};
        if (row < count) v = four_at(input, input.v.at(first + row) + head * dim + col0 + col);
        if constexpr (whole) set_four(&memory.v[row][col], v);
        set_four(&memory.v_weighed[row][col], scaled(v, expf(float(last_sum - memory.sums[row]))));
    }
}

// The outputs of a chunk: 16 rows a warp. `pairs`: two values of out lie at a multiple of 8 bytes.
template <unsigned dim>
__device__ void leave_outputs(const ChunkMemory<dim>& memory, size_t first, unsigned count, unsigned first_col,
                              bool pairs, const Rows<float>& out) {
    const unsigned lane = threadIdx.x % warp_lanes, warp = threadIdx.x / warp_lanes, g = lane / 4, t = lane % 4;
    constexpr unsigned col_tiles = slice_cols / mma_cols;
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
        for (unsigned col = 0; col < col_tiles; col += 2) {
            unsigned values[4];
            load_turned(values, &memory.v[pair * mma_depth + lane % 16][col * mma_cols + lane / 16 * 8]);
            mma(sums[col], a, values[0], values[1], BFloat16{});
            mma(sums[col + 1], a, values[2], values[3], BFloat16{});
        }
    }
#pragma unroll
    for (unsigned col = 0; col < col_tiles; ++col)
#pragma unroll
        for (unsigned half = 0; half < 2; ++half) {
            const unsigned row = row0 + g + half * 8;
            if (row >= count) continue;
            float* to = out.at(first + row) + first_col + col * mma_cols + 2 * t;
            if (pairs)
                *reinterpret_cast<float2*>(to) = float2{sums[col][2 * half], sums[col][2 * half + 1]};
            else
                to[0] = sums[col][2 * half], to[1] = sums[col][2 * half + 1];
        }
}

template <unsigned dim, bool rotates, bool whole>
__global__ void __launch_bounds__(chunk_warps* warp_lanes) chunks(Input input, Segments segments, Rows<float> out) {
    auto& memory = *reinterpret_cast<ChunkMemory<dim>*>(dynamic_shared());
    const unsigned head = blockIdx.y, heads = gridDim.y, col0 = blockIdx.x * slice_cols, thread = threadIdx.x;
    const unsigned lane = thread % warp_lanes, warp = thread / warp_lanes, g = lane / 4, t = lane % 4;
    constexpr unsigned own_tiles = dim / mma_rows / chunk_warps, col_tiles = slice_cols / mma_cols;
    const unsigned key0 = warp * own_tiles * mma_rows;  // first row of S that this warp owns
    float* head_state = segments.states + (size_t(blockIdx.z) * heads + head) * dim * dim;
    const size_t begin = blockIdx.z * segments.rows;
    const size_t end = input.rows - begin < segments.rows ? input.rows : begin + segments.rows;

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
    for_own([&](float& value, unsigned row, unsigned col) { value = whole ? head_state[row * dim + col0 + col] : 0; });
    double decayed = 0;

    for (size_t first = begin; first < end; first += chunk_rows) {
        const unsigned count = unsigned(end - first < chunk_rows ? end - first : chunk_rows);
        __syncthreads();  // the chunk before is read
        if (warp == 0) add_decays(input, first, count, head, memory.sums);
        if constexpr (whole)
            for_own([&](float& value, unsigned row, unsigned col) {
                BFloat16& high = memory.state_high[col][row];
                narrow(value, high);
                narrow(value - wide(high), memory.state_low[col][row]);
            });
        __syncthreads();
        const double last_sum = memory.sums[chunk_rows - 1];
        decayed += last_sum;
        load_chunk<dim, rotates, whole>(input, first, count, head, col0, memory);
        __syncthreads();

        if constexpr (whole) leave_outputs(memory, first, count, head * dim + col0, input.fours, out);

        const float chunk_decay = expf(float(last_sum));
        for_own([&](float& value, unsigned, unsigned) { value *= chunk_decay; });
#pragma unroll
        for (unsigned s = 0; s < chunk_rows; s += mma_depth) {
            unsigned values[col_tiles / 2][4];
#pragma unroll
            for (unsigned two = 0; two < col_tiles / 2; ++two)
                load_turned(values[two], &memory.v_weighed[s + lane % 16][two * 2 * mma_cols + lane / 16 * 8]);
#pragma unroll
            for (unsigned tile = 0; tile < own_tiles; ++tile) {
                // Matrices: rows 0-7 of the chunk for 8 rows of S and for 8 more, then rows 8-15.
                unsigned a[4];
                load_turned(a, &memory.k[s + lane / 16 * 8 + lane % 8][key0 + tile * mma_rows + lane / 8 % 2 * 8]);
#pragma unroll
                for (unsigned col = 0; col < col_tiles; ++col)
                    mma(own[tile][col], a, values[col / 2][col % 2 * 2], values[col / 2][col % 2 * 2 + 1], BFloat16{});
            }
        }
    }
    if (whole && end < input.rows) return;  // the last segment leaves the state
    float* to = whole ? segments.last + size_t(head) * dim * dim : head_state;
    for_own([&](float& value, unsigned row, unsigned col) { to[row * dim + col0 + col] = value; });
    if (!whole && thread == 0 && blockIdx.x == 0) segments.decays[blockIdx.z * heads + head] = expf(float(decayed));
}

// From what the segments but the last add to the state, to what each of all begins with. A thread a value of the state.
__global__ void join_segments(Segments segments, const float* state, unsigned count, unsigned heads, unsigned area) {
    const unsigned index = blockIdx.x * blockDim.x + threadIdx.x, size = heads * area;
    if (index >= size) return;
    float now = state[index];
    for (unsigned segment = 0; segment < count; ++segment) {
        float& place = segments.states[size_t(segment) * size + index];
        const float begin = now;
        if (segment + 1 < count) now = segments.decays[segment * heads + index / area] * now + place;
        place = begin;
    }
}

Input input_of(const RetentionInput& input, const Matrix& out) {
    return {input.q,
            input.k,
            input.v,
            input.log_decay,
            input.table,
            input.k_factor,
            input.q.rows,
            rows_lie_at_16(input.q) && rows_lie_at_16(input.k) && rows_lie_at_16(input.v) &&
                rows_lie_at_16(input.table) && rows_lie_at_16(out)};
}

template <unsigned dim>
void launch_chunks(CudaDevice& device, const RetentionInput& input, std::span<float> state, Matrix out) {
    const size_t heads = input.heads, rows = input.q.rows, chunk_count = (rows + chunk_rows - 1) / chunk_rows;
    const size_t blocks = dim / slice_cols * heads;
    const size_t wanted =
        std::clamp<size_t>(device.multiprocessors() * chunk_blocks / blocks, 1, std::max<size_t>(1, chunk_count / 2));
    Segments segments{state.data(), nullptr, state.data(), (chunk_count + wanted - 1) / wanted * chunk_rows};
    const unsigned count = blocks_of(rows, segments.rows);
    const dim3 grid(dim / slice_cols, unsigned(heads), count);
    const Input own = input_of(input, out);
    if (count > 1) {
        segments.states = device.lane().scratch<float>(Slot::states, count * (state.size() + heads));
        segments.decays = segments.states + count * state.size();
        device.launch(dim3(grid.x, grid.y, count - 1), chunk_warps * warp_lanes, sizeof(ChunkMemory<dim>),
                      input.table.data ? chunks<dim, true, false> : chunks<dim, false, false>, own, segments, out);
        device.launch(blocks_of(state.size(), 256), 256, 0, join_segments, segments, state.data(), count,
                      unsigned(heads), dim * dim);
    }
    device.launch(grid, chunk_warps * warp_lanes, sizeof(ChunkMemory<dim>),
                  input.table.data ? chunks<dim, true, true> : chunks<dim, false, true>, own, segments, out);
}

}  // namespace

void CudaDevice::retention_step(const RetentionInput& input, std::span<float> state, Matrix out) {
    const size_t dim = input.q.cols / input.heads, warps = (dim + keys_a_thread - 1) / keys_a_thread;
    require(dim <= most_step_dim, "Retention on the GPU: heads of ", dim, " values, at most ", most_step_dim,
            " are supported; use --device cpu.");
    if (input.q.rows == 0) return;
    launch(dim3(blocks_of(dim, warp_lanes), unsigned(input.heads)), dim3(warp_lanes, unsigned(warps)),
           (2 * dim + warps * warp_lanes) * sizeof(float), input.table.data ? step<true> : step<false>,
           input_of(input, out), state.data(), out, unsigned(dim));
}

void CudaDevice::retention_chunk(const RetentionInput& input, std::span<float> state, Matrix out) {
    const size_t dim = input.q.cols / input.heads;
    if (input.q.rows == 0) return;
    if (options_.exact || (dim != 64 && dim != 128)) return retention_step(input, state, out);
    return dim == 64 ? launch_chunks<64>(*this, input, state, out) : launch_chunks<128>(*this, input, state, out);
}

}  // namespace lv::cuda
