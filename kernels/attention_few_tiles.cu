// Attention of few rows over f16 and int8 pieces on CUDA's tensor cores: bound by reading keys and values once. Split
// over ranges of keys; the ranges' results merge in attention.cu. For heads of 64 and 128 values.
//
// As exact as f32: keys and values are f16 numbers, or whole ones, as they lie; queries, and the weights of values, go
// in as the sum of two f16 numbers, each in its own product. They are stretched first to be at most 1.
//
// Nothing but the warps' results goes through shared memory. A lane's 16 bytes of a key are what it holds of a tile:
// which values of a key meet in which step does not matter, as long as those of the query are the same.
#include "kernels/attention_pieces.cuh"
#include "kernels/core/mma.cuh"

namespace lv::cuda {
namespace {

constexpr unsigned warps = 4, most_queries = mma_cols, tile_keys = mma_rows;
constexpr unsigned least_blocks = 3;  // of a multiprocessor; a fourth of 128 int8 values would spill 156 bytes a thread

// Eight values as four registers of two f16.
__device__ inline uint4 registers_of(const Eight<Half>& from) { return *reinterpret_cast<const uint4*>(from.values); }
__device__ inline uint4 registers_of(const Eight<int8_t>& from) {
    const uint2 bytes = *reinterpret_cast<const uint2*>(from.values);
    const uint2 low = halves_of(bytes.x), high = halves_of(bytes.y);
    return {low.x, low.y, high.x, high.y};
}
__device__ inline unsigned register_of(const uint4& four, unsigned i) {
    return i == 0 ? four.x : i == 1 ? four.y : i == 2 ? four.z : four.w;
}

// Two numbers as two f16 each: what the first leaves over, the second holds.
struct Split {
    unsigned high, low;
    Split() = default;
    __device__ Split(float a, float b) : high(pack(a, b, Half{})) {
        const Half top_a{uint16_t(high)}, top_b{uint16_t(high >> 16)};
        low = pack(a - wide(top_a), b - wide(top_b), Half{});
    }
};

// The largest of the lanes that hold the same columns of a tile.
__device__ inline float max_of_rows(float value) {
    for (int other = 4; other < int(warp_lanes); other *= 2)
        value = fmaxf(value, __shfl_xor_sync(whole_warp, value, other));
    return value;
}

// A block takes a range of keys, one kv head, and up to eight of the queries that read it (rows x heads of the group);
// a warp every fourth tile of 16 keys. Logits are [keys, queries] = K Q^T and outputs [values, queries] = V^T W^T, so
// that eight queries are a whole tile. Of lane l, g = l / 4 and t = l % 4:
//   keys     g and g + 8: values 8 (t + 4 c) ... of each
//   logits   of keys g and g + 8, of queries 2t and 2t + 1
//   values   8 (g + 8 h) ... of keys 2t, 2t + 1, 2t + 8, 2t + 9
//   outputs  [h][r]: values 8 (g + 8 h) + 2r and behind it, of queries 2t and 2t + 1
template <typename T, unsigned dim>
__global__ void __launch_bounds__(warps* warp_lanes, least_blocks)
    few_tiles(Scene scene, Parts parts, unsigned split_keys) {
    constexpr unsigned steps = dim / 32, halves = dim / 64;
    const unsigned lane = threadIdx.x % warp_lanes, warp = threadIdx.x / warp_lanes, g = lane / 4, t = lane % 4;
    const unsigned kv_head = blockIdx.y, group = scene.group(), first_query = blockIdx.z * most_queries;
    const unsigned queries = min(most_queries, scene.rows * group - first_query);

    Split q[steps][4];  // of query g: values 8 (t + 4 c) + 2r and behind it
    float factors[2];   // of the logits of queries 2t and 2t + 1
    {
        const unsigned query = first_query + min(g, queries - 1), head = kv_head * group + query % group;
        const float* from = scene.q.at(query / group) + head * dim + 8 * t;
        float most = 0;
#pragma unroll
        for (unsigned c = 0; c < steps; ++c)
#pragma unroll
            for (unsigned j = 0; j < 8; ++j) most = fmaxf(most, fabsf(from[32 * c + j]));
        most = fmaxf(most, __shfl_xor_sync(whole_warp, most, 1));
        most = fmaxf(most, __shfl_xor_sync(whole_warp, most, 2));
        const float inverse = most > 1e-30f ? 1 / most : 0;
#pragma unroll
        for (unsigned c = 0; c < steps; ++c)
#pragma unroll
            for (unsigned r = 0; r < 4; ++r)
                q[c][r] = Split(from[32 * c + 2 * r] * inverse, from[32 * c + 2 * r + 1] * inverse);
        const float own = most * scene.factor(query / group, head);
        for (unsigned i = 0; i < 2; ++i) factors[i] = __shfl_sync(whole_warp, own, int(4 * (2 * t + i)));
    }
    const unsigned first_row = first_query / group, last_row = (first_query + queries - 1) / group;
    unsigned rows[2];  // of queries 2t and 2t + 1
    for (unsigned i = 0; i < 2; ++i) rows[i] = (first_query + min(2 * t + i, queries - 1)) / group;

    float out[halves][4][4] = {};
    float maxes[2] = {minus_infinity(), minus_infinity()}, sums[2] = {0, 0};
    float unit = sizeof(T) == 1 ? 0 : 1;  // int8: the largest scale of values yet; outputs are in it

    const unsigned begin = blockIdx.x * split_keys, end = min(scene.keys, begin + split_keys);
    for (unsigned p = scene.piece_of(begin); p < scene.piece_count && scene.pieces[p].first < end; ++p) {
        const PagePiece piece = scene.pieces[p];
        const auto row_of = [&](uint64_t number) {  // of the piece
            return number > piece.first_row ? unsigned(min(number - piece.first_row, uint64_t(piece.rows))) : 0u;
        };
        // Rows of this range that some query sees, that every query sees, that queries 2t and 2t + 1 see.
        const unsigned first = max(max(begin, piece.first) - piece.first, row_of(scene.begin(first_row)));
        const unsigned last = min(min(end, piece.first + piece.rows) - piece.first, row_of(scene.end(last_row)));
        const unsigned all_first = row_of(scene.begin(last_row)), all_last = min(last, row_of(scene.end(first_row)));
        unsigned own_first[2], own_last[2];
        for (unsigned i = 0; i < 2; ++i) {
            own_first[i] = row_of(scene.begin(rows[i]));
            own_last[i] = min(last, row_of(scene.end(rows[i])));
        }
        for (unsigned base = first + warp * tile_keys; base < last; base += warps * tile_keys) {
            Eight<T> keys[steps][2], values[halves][4];
            float key_scales[2], value_scales[2];
#pragma unroll
            for (unsigned i = 0; i < 2; ++i) {
                const unsigned row = base + g + 8 * i;
                const bool there = row < last;
                const T* from = static_cast<const T*>(piece.keys) + size_t(row) * piece.stride + kv_head * dim + 8 * t;
#pragma unroll
                for (unsigned c = 0; c < steps; ++c) {
                    keys[c][i] = {};
                    if (there) keys[c][i].load_once(from + 32 * c);
                }
                const size_t scale = size_t(row) * scene.kv_heads + kv_head;
                key_scales[i] = sizeof(T) == 1 && there ? piece.key_scales[scale] : 1;
                value_scales[i] = sizeof(T) == 1 && there ? piece.value_scales[scale] : 0;
            }
#pragma unroll
            for (unsigned i = 0; i < 4; ++i) {
                const unsigned row = base + 2 * t + i % 2 + i / 2 * 8;
                const T* from =
                    static_cast<const T*>(piece.values) + size_t(row) * piece.stride + kv_head * dim + 8 * g;
#pragma unroll
                for (unsigned h = 0; h < halves; ++h) {
                    values[h][i] = {};
                    if (row < last) values[h][i].load_once(from + 64 * h);
                }
            }

            float logits[4] = {}, rest[4] = {};  // two sums: each waits for its own products only
#pragma unroll
            for (unsigned c = 0; c < steps; ++c) {
                const uint4 upper = registers_of(keys[c][0]), lower = registers_of(keys[c][1]);
                const unsigned front[4] = {upper.x, lower.x, upper.y, lower.y};
                const unsigned back[4] = {upper.z, lower.z, upper.w, lower.w};
                mma(logits, front, q[c][0].high, q[c][1].high, Half{});
                mma(rest, front, q[c][0].low, q[c][1].low, Half{});
                mma(logits, back, q[c][2].high, q[c][3].high, Half{});
                mma(rest, back, q[c][2].low, q[c][3].low, Half{});
            }
            const bool whole = base >= all_first && base + tile_keys <= all_last;
#pragma unroll
            for (unsigned i = 0; i < 4; ++i) {
                logits[i] = (logits[i] + rest[i]) * (factors[i % 2] * key_scales[i / 2]);
                const unsigned row = base + g + i / 2 * 8;
                if (!whole && (row < own_first[i % 2] || row >= own_last[i % 2])) logits[i] = minus_infinity();
            }
            float stretch = 1, inverse_unit = 1;
            if constexpr (sizeof(T) == 1) {
                const float largest = fmaxf(unit, max_of_rows(fmaxf(value_scales[0], value_scales[1])));
                inverse_unit = 1 / largest;
                stretch = unit * inverse_unit;
                unit = largest;
            }
            float weights[4];
#pragma unroll
            for (unsigned i = 0; i < 2; ++i) {
                const float most = fmaxf(maxes[i], max_of_rows(fmaxf(logits[i], logits[i + 2])));
                const float factor = maxes[i] == most ? 1 : expf(maxes[i] - most);  // not exp(-inf - -inf)
                maxes[i] = most;
                for (unsigned j = i; j < 4; j += 2)
                    weights[j] = logits[j] == minus_infinity() ? 0 : expf(logits[j] - most);
                sums[i] = sums[i] * factor + weights[i] + weights[i + 2];
#pragma unroll
                for (unsigned h = 0; h < halves; ++h)
#pragma unroll
                    for (unsigned r = 0; r < 4; ++r) {
                        out[h][r][i] *= factor * stretch;
                        out[h][r][i + 2] *= factor * stretch;
                    }
            }
            if constexpr (sizeof(T) == 1)
                for (unsigned i = 0; i < 4; ++i) weights[i] *= value_scales[i / 2] * inverse_unit;
            Split front(weights[0], weights[1]), back(weights[2], weights[3]);
            front.high = turned(front.high), front.low = turned(front.low);
            back.high = turned(back.high), back.low = turned(back.low);
#pragma unroll
            for (unsigned h = 0; h < halves; ++h) {
                uint4 four[4];
                for (unsigned i = 0; i < 4; ++i) four[i] = registers_of(values[h][i]);
#pragma unroll
                for (unsigned r = 0; r < 4; ++r) {
                    const unsigned a0 = register_of(four[0], r), a1 = register_of(four[1], r);
                    const unsigned b0 = register_of(four[2], r), b1 = register_of(four[3], r);
                    const unsigned both[4] = {(a0 & 0xffffu) | a1 << 16, a0 >> 16 | (a1 & 0xffff0000u),
                                              (b0 & 0xffffu) | b1 << 16, b0 >> 16 | (b1 & 0xffff0000u)};
                    mma(out[h][r], both, front.high, back.high, Half{});
                    mma(out[h][r], both, front.low, back.low, Half{});
                }
            }
        }
    }

    float* shared = reinterpret_cast<float*>(dynamic_shared());  // [warps, most_queries, dim + 2]
#pragma unroll
    for (unsigned i = 0; i < 2; ++i) {
        for (int other = 4; other < int(warp_lanes); other *= 2) sums[i] += __shfl_xor_sync(whole_warp, sums[i], other);
        float* to = shared + (warp * most_queries + 2 * t + i) * (dim + 2);
#pragma unroll
        for (unsigned h = 0; h < halves; ++h)
#pragma unroll
            for (unsigned r = 0; r < 4; ++r) {
                to[8 * (g + 8 * h) + 2 * r] = out[h][r][i] * unit;
                to[8 * (g + 8 * h) + 2 * r + 1] = out[h][r][i + 2] * unit;
            }
        if (g == 0) {
            to[dim] = maxes[i];
            to[dim + 1] = sums[i];
        }
    }
    __syncthreads();
    merge_warps(scene, parts, shared, warps, most_queries, first_query, queries, kv_head);
}

template <typename T, unsigned dim>
Parts launch_few_tiles(CudaDevice& device, const Scene& scene) {
    const unsigned chunks = blocks_of(scene.rows * (scene.heads / scene.kv_heads), most_queries);
    const unsigned splits = splits_for(device, scene, size_t(chunks) * scene.kv_heads, 4 * warps * tile_keys);
    const Parts parts = parts_of(device, scene, splits);
    device.launch(dim3(splits, scene.kv_heads, chunks), warps * warp_lanes,
                  warps * most_queries * (dim + 2) * sizeof(float), few_tiles<T, dim>, scene, parts,
                  split_keys_of(scene.keys, splits));
    return parts;
}

}  // namespace

bool can_attend_few_tiles(const Scene& scene, DType type) { return scene.vectors && can_attend_many(scene, type); }

Parts attend_few_tiles(CudaDevice& device, const Scene& scene, DType type) {
    if (type == DType::f16)
        return scene.head_dim == 64 ? launch_few_tiles<Half, 64>(device, scene)
                                    : launch_few_tiles<Half, 128>(device, scene);
    return scene.head_dim == 64 ? launch_few_tiles<int8_t, 64>(device, scene)
                                : launch_few_tiles<int8_t, 128>(device, scene);
}

}  // namespace lv::cuda
