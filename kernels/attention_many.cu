// Attention of many rows on CUDA: flash attention (arXiv 2205.14135) on the tensor cores, over f16 and int8 pieces.
//
// Queries are rounded to f16. Int8 keys become f16 as they are and meet their scales in f32; int8 values meet theirs
// before they are rounded, for a weight times a scale may be less than f16 can hold. Logits, softmax and sums are f32.
// Heads of 64 and 128 values; others go through attention_few.cu.
#include "kernels/attention_pieces.cuh"
#include "kernels/core/mma.cuh"

namespace lv::cuda {
namespace {

constexpr unsigned warps = 4, tile_queries = warps * mma_rows, tile_keys = 64, gap = 8;

template <unsigned dim>
struct TileMemory {  // shared by the block
    Half keys[tile_keys][dim + gap];
    Half values[tile_keys][dim + gap];
    float key_scales[tile_keys];
    uint64_t numbers[tile_keys];  // of the keys; none: beyond all rows
};

__device__ inline unsigned pair_at(const Half* two) { return *reinterpret_cast<const unsigned*>(two); }

// Sixteen bytes' worth of f16 from eight stored values; int8 ones times `scale`, cut off at the largest f16.
__device__ inline uint4 eight_halves(const Eight<Half>& from, float) {
    return *reinterpret_cast<const uint4*>(from.values);
}
__device__ inline uint4 eight_halves(const Eight<int8_t>& from, float scale) {
    const auto one = [&](unsigned i) { return fminf(fmaxf(float(from.values[i]) * scale, -65504.0f), 65504.0f); };
    const auto two = [&](unsigned i) { return pack(one(i), one(i + 1), Half{}); };
    return {two(0), two(2), two(4), two(6)};
}

// Keys [first, last) of the list, at most tile_keys of them; zeros behind the last.
template <typename T, unsigned dim>
__device__ void load_tile(const Scene& scene, unsigned kv_head, unsigned first, unsigned last,
                          TileMemory<dim>& memory) {
    constexpr unsigned eights = dim / 8;
    const unsigned first_piece = scene.piece_of(first);
    for (unsigned index = threadIdx.x; index < tile_keys * eights; index += blockDim.x) {
        const unsigned at = index / eights, col = index % eights * 8, key = first + at;
        const bool there = key < last;
        Eight<T> keys{}, values{};
        float value_scale = 0;
        if (there) {
            unsigned p = first_piece;
            while (key >= scene.pieces[p].first + scene.pieces[p].rows) ++p;
            const PagePiece& piece = scene.pieces[p];
            const unsigned row = key - piece.first;
            const size_t from = size_t(row) * piece.stride + kv_head * dim + col;
            keys.load(static_cast<const T*>(piece.keys) + from, 8, scene.vectors);
            values.load(static_cast<const T*>(piece.values) + from, 8, scene.vectors);
            const size_t scale = size_t(row) * scene.kv_heads + kv_head;
            if constexpr (sizeof(T) == 1) value_scale = piece.value_scales[scale];
            if (col == 0) {
                memory.key_scales[at] = piece.key_scales ? piece.key_scales[scale] : 1;
                memory.numbers[at] = piece.first_row + row;
            }
        } else if (col == 0) {
            memory.key_scales[at] = 0;
            memory.numbers[at] = UINT64_MAX;
        }
        *reinterpret_cast<uint4*>(&memory.keys[at][col]) = eight_halves(keys, 1);
        *reinterpret_cast<uint4*>(&memory.values[at][col]) = eight_halves(values, value_scale);
    }
}

// A block takes 64 of the queries (rows x heads of the group) that read one kv head, a warp 16 of these, over a range
// of keys in tiles of 64. A lane holds, of the tiles' rows g = lane / 4 and g + 8, what mma.cuh says.
template <typename T, unsigned dim>
__global__ void __launch_bounds__(warps* warp_lanes) many_rows(Scene scene, Parts parts, unsigned split_keys) {
    auto& memory = *reinterpret_cast<TileMemory<dim>*>(dynamic_shared());
    const unsigned lane = threadIdx.x % warp_lanes, warp = threadIdx.x / warp_lanes, g = lane / 4, t = lane % 4;
    const unsigned kv_head = blockIdx.y, group = scene.group(), queries = scene.rows * group;
    const unsigned tile_first = blockIdx.x * tile_queries, tile_last = min(queries, tile_first + tile_queries) - 1;
    unsigned rows[2], heads[2];
    bool own[2];
#pragma unroll
    for (unsigned half = 0; half < 2; ++half) {
        const unsigned query = tile_first + warp * mma_rows + g + half * 8;
        own[half] = query < queries;
        rows[half] = min(query, queries - 1) / group;
        heads[half] = kv_head * group + min(query, queries - 1) % group;
    }

    unsigned q[dim / mma_depth][4];
#pragma unroll
    for (unsigned i = 0; i < dim / mma_depth; ++i)
#pragma unroll
        for (unsigned r = 0; r < 4; ++r) {
            const unsigned half = r % 2, col = i * mma_depth + r / 2 * 8 + 2 * t;
            const float* from = scene.q.at(rows[half]) + heads[half] * dim + col;
            const float factor = own[half] ? scene.factor(rows[half], heads[half]) : 0;
            q[i][r] = pack(from[0] * factor, from[1] * factor, Half{});
        }

    float out[dim / mma_cols][4] = {};
    float max[2] = {minus_infinity(), minus_infinity()}, sum[2] = {0, 0};
    const uint64_t seen_begin[2] = {scene.begin(rows[0]), scene.begin(rows[1])};
    const uint64_t seen_end[2] = {scene.end(rows[0]), scene.end(rows[1])};
    const uint64_t block_begin = scene.begin(tile_first / group), block_end = scene.end(tile_last / group);

    const unsigned range_end = min(scene.keys, (blockIdx.z + 1) * split_keys);
    for (unsigned first = blockIdx.z * split_keys; first < range_end; first += tile_keys) {
        const unsigned last = min(range_end, first + tile_keys);
        // Tiles that no row of the block sees; numbers rise from key to key.
        const PagePiece& front = scene.pieces[scene.piece_of(first)];
        if (front.first_row + (first - front.first) >= block_end) break;
        const PagePiece& back = scene.pieces[scene.piece_of(last - 1)];
        if (back.first_row + (last - 1 - back.first) < block_begin) continue;
        __syncthreads();  // the tile before is read
        load_tile<T, dim>(scene, kv_head, first, last, memory);
        __syncthreads();

        float logits[tile_keys / mma_cols][4] = {};
#pragma unroll
        for (unsigned i = 0; i < dim / mma_depth; ++i)
#pragma unroll
            for (unsigned tile = 0; tile < tile_keys / mma_cols; ++tile) {
                const Half* key = &memory.keys[tile * mma_cols + g][i * mma_depth + 2 * t];
                mma(logits[tile], q[i], pair_at(key), pair_at(key + 8), Half{});
            }
        float most[2] = {max[0], max[1]};
#pragma unroll
        for (unsigned tile = 0; tile < tile_keys / mma_cols; ++tile)
#pragma unroll
            for (unsigned r = 0; r < 4; ++r) {
                const unsigned key = tile * mma_cols + 2 * t + r % 2, half = r / 2;
                const uint64_t number = memory.numbers[key];
                const bool seen = first + key < last && number < seen_end[half] && number >= seen_begin[half];
                if constexpr (sizeof(T) == 1) logits[tile][r] *= memory.key_scales[key];
                if (!seen) logits[tile][r] = minus_infinity();
                most[half] = fmaxf(most[half], logits[tile][r]);
            }
        float factor[2];
#pragma unroll
        for (unsigned half = 0; half < 2; ++half) {  // the four lanes of a row
            most[half] = fmaxf(most[half], __shfl_xor_sync(whole_warp, most[half], 1));
            most[half] = fmaxf(most[half], __shfl_xor_sync(whole_warp, most[half], 2));
            factor[half] = max[half] == most[half] ? 1 : expf(max[half] - most[half]);
            max[half] = most[half];
            sum[half] *= factor[half];
        }
#pragma unroll
        for (unsigned col = 0; col < dim / mma_cols; ++col)
#pragma unroll
            for (unsigned r = 0; r < 4; ++r) out[col][r] *= factor[r / 2];
#pragma unroll
        for (unsigned tile = 0; tile < tile_keys / mma_cols; ++tile)
#pragma unroll
            for (unsigned r = 0; r < 4; ++r) {
                const unsigned half = r / 2;
                const float weight = logits[tile][r] == minus_infinity() ? 0 : expf(logits[tile][r] - max[half]);
                sum[half] += weight;
                logits[tile][r] = weight;
            }
#pragma unroll
        for (unsigned pair = 0; pair < tile_keys / mma_depth; ++pair) {
            const float *left = logits[2 * pair], *right = logits[2 * pair + 1];
            const unsigned weights[4] = {pack(left[0], left[1], Half{}), pack(left[2], left[3], Half{}),
                                         pack(right[0], right[1], Half{}), pack(right[2], right[3], Half{})};
#pragma unroll
            for (unsigned col = 0; col < dim / mma_cols; col += 2) {
                // Matrices: keys 0-7 and 8-15 of these sixteen, for columns 0-7, then for columns 8-15.
                unsigned values[4];
                load_turned(values, &memory.values[pair * mma_depth + lane % 16][col * mma_cols + lane / 16 * 8]);
                mma(out[col], weights, values[0], values[1], Half{});
                mma(out[col + 1], weights, values[2], values[3], Half{});
            }
        }
    }

#pragma unroll
    for (unsigned half = 0; half < 2; ++half) {
        sum[half] += __shfl_xor_sync(whole_warp, sum[half], 1);
        sum[half] += __shfl_xor_sync(whole_warp, sum[half], 2);
        if (!own[half]) continue;
        const size_t place = (size_t(blockIdx.z) * scene.rows + rows[half]) * scene.heads + heads[half];
        if (t == 0) {
            parts.max[place] = max[half];
            parts.sum[place] = sum[half];
        }
#pragma unroll
        for (unsigned col = 0; col < dim / mma_cols; ++col)
            for (unsigned i = 0; i < 2; ++i)
                parts.out[place * dim + col * mma_cols + 2 * t + i] = out[col][half * 2 + i];
    }
}

template <typename T, unsigned dim>
Parts launch_many(CudaDevice& device, const Scene& scene) {
    const unsigned tiles = blocks_of(size_t(scene.rows) * (scene.heads / scene.kv_heads), tile_queries);
    const unsigned splits = splits_for(device, scene, size_t(tiles) * scene.kv_heads * 4, 4 * tile_keys);
    const Parts parts = parts_of(device, scene, splits);
    device.launch(dim3(tiles, scene.kv_heads, splits), warps * warp_lanes, sizeof(TileMemory<dim>), many_rows<T, dim>,
                  scene, parts, split_keys_of(scene.keys, splits));
    return parts;
}

}  // namespace

bool can_attend_many(const Scene& scene, DType type) {
    return (type == DType::f16 || type == DType::i8) && (scene.head_dim == 64 || scene.head_dim == 128);
}

Parts attend_many(CudaDevice& device, const Scene& scene, DType type) {
    if (type == DType::f16)
        return scene.head_dim == 64 ? launch_many<Half, 64>(device, scene) : launch_many<Half, 128>(device, scene);
    return scene.head_dim == 64 ? launch_many<int8_t, 64>(device, scene) : launch_many<int8_t, 128>(device, scene);
}

}  // namespace lv::cuda
