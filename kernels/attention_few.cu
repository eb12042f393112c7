// Attention of few rows on CUDA, the plain way: any head size, alignment and type, all in f32. Split over ranges of
// keys; the ranges' results merge in attention.cu. Most caches go through attention_few_tiles.cu.
#include "kernels/attention_pieces.cuh"

namespace lv::cuda {
namespace {

constexpr unsigned warps = 4;

// A running softmax of one query over the keys seen so far; eight values of its output.
struct Running {
    float max, sum, out[8];

    __device__ void rescale(float new_max) {
        const float factor = max == new_max ? 1 : expf(max - new_max);  // not exp(-inf - -inf)
        sum *= factor;
#pragma unroll
        for (unsigned i = 0; i < 8; ++i) out[i] *= factor;
        max = new_max;
    }
    __device__ void merge(float other_max, float other_sum, const float* other_out) {
        rescale(fmaxf(max, other_max));
        const float factor = other_max == max ? 1 : expf(other_max - max);
        sum += factor * other_sum;
#pragma unroll
        for (unsigned i = 0; i < 8; ++i) out[i] += factor * other_out[i];
    }
};

// A block takes a range of keys, one kv head, and up to most_queries of the queries that read it (rows x heads of the
// group). `key_lanes` lanes share a key, eight values each, so a warp reads 32 / key_lanes keys side by side, four
// times before it looks at them; twice where registers are short (f32 for eight queries spilled 236 bytes a thread).
template <typename T, unsigned most_queries>
__global__ void __launch_bounds__(warps* warp_lanes)
    few_rows(Scene scene, Parts parts, unsigned split_keys, unsigned key_lanes) {
    constexpr unsigned keys_at_once = sizeof(T) * most_queries > 16 ? 2 : 4;
    const unsigned lane = threadIdx.x % warp_lanes, warp = threadIdx.x / warp_lanes;
    const unsigned kv_head = blockIdx.y, group = scene.group(), dim = scene.head_dim;
    const unsigned first_query = blockIdx.z * most_queries;
    const unsigned queries = min(most_queries, scene.rows * group - first_query);
    const unsigned key_groups = warp_lanes / key_lanes, own_group = lane / key_lanes, col = lane % key_lanes * 8;
    const unsigned cols = col < dim ? min(8u, dim - col) : 0;

    float q[most_queries][8];
    Running running[most_queries];
#pragma unroll
    for (unsigned i = 0; i < most_queries; ++i) {
        running[i] = {minus_infinity(), 0, {}};
        const unsigned query = first_query + min(i, queries - 1), row = query / group;
        const unsigned head = kv_head * group + query % group;
        const float factor = scene.factor(row, head);
#pragma unroll
        for (unsigned j = 0; j < 8; ++j) q[i][j] = j < cols ? scene.q.at(row)[head * dim + col + j] * factor : 0;
    }
    const unsigned first_row = first_query / group, last_row = (first_query + queries - 1) / group;
    const uint64_t seen_begin = scene.begin(first_row), seen_end = scene.end(last_row);

    const unsigned begin = blockIdx.x * split_keys, end = min(scene.keys, begin + split_keys);
    for (unsigned p = scene.piece_of(begin); p < scene.piece_count && scene.pieces[p].first < end; ++p) {
        const PagePiece piece = scene.pieces[p];
        // Rows of the piece: of this range, and seen by some query.
        unsigned first = max(begin, piece.first) - piece.first, last = min(end, piece.first + piece.rows) - piece.first;
        if (seen_begin > piece.first_row + first) first = unsigned(min(uint64_t(last), seen_begin - piece.first_row));
        if (seen_end < piece.first_row + last)
            last = seen_end > piece.first_row ? unsigned(seen_end - piece.first_row) : 0;
        for (unsigned base = first + warp * key_groups * keys_at_once; base < last;
             base += warps * key_groups * keys_at_once) {
            Eight<T> keys[keys_at_once], values[keys_at_once];
            float logits[keys_at_once][most_queries];
#pragma unroll
            for (unsigned u = 0; u < keys_at_once; ++u) {
                const unsigned row = base + u * key_groups + own_group;
                const bool there = row < last && cols > 0;
                const size_t at = size_t(there ? row : 0) * piece.stride + kv_head * dim + (there ? col : 0);
                keys[u].load(static_cast<const T*>(piece.keys) + at, there ? cols : 0, scene.vectors && there);
                values[u].load(static_cast<const T*>(piece.values) + at, there ? cols : 0, scene.vectors && there);
            }
#pragma unroll
            for (unsigned u = 0; u < keys_at_once; ++u) {
                const unsigned row = base + u * key_groups + own_group;
                const uint64_t number = piece.first_row + row;
                const float key_scale =
                    piece.key_scales && row < last ? piece.key_scales[row * scene.kv_heads + kv_head] : 1;
#pragma unroll
                for (unsigned i = 0; i < most_queries; ++i) {
                    if (i >= queries) break;
                    float dot = 0;
#pragma unroll
                    for (unsigned j = 0; j < 8; ++j) dot += q[i][j] * wide(keys[u].values[j]);
                    for (unsigned other = key_lanes / 2; other > 0; other /= 2)
                        dot += __shfl_xor_sync(whole_warp, dot, int(other));
                    const unsigned query_row = (first_query + i) / group;
                    const bool seen = row < last && number < scene.end(query_row) && number >= scene.begin(query_row);
                    logits[u][i] = seen ? dot * key_scale : minus_infinity();
                }
            }
            float value_scales[keys_at_once];
#pragma unroll
            for (unsigned u = 0; u < keys_at_once; ++u) {
                const unsigned row = base + u * key_groups + own_group;
                value_scales[u] =
                    piece.value_scales && row < last ? piece.value_scales[row * scene.kv_heads + kv_head] : 1;
            }
#pragma unroll
            for (unsigned i = 0; i < most_queries; ++i) {
                if (i >= queries) break;
                float most = running[i].max;
#pragma unroll
                for (unsigned u = 0; u < keys_at_once; ++u) most = fmaxf(most, logits[u][i]);
                if (most == minus_infinity()) continue;
                running[i].rescale(most);
#pragma unroll
                for (unsigned u = 0; u < keys_at_once; ++u) {
                    const float weight = expf(logits[u][i] - most);
                    running[i].sum += weight;
#pragma unroll
                    for (unsigned j = 0; j < 8; ++j)
                        running[i].out[j] += weight * value_scales[u] * wide(values[u].values[j]);
                }
            }
        }
    }

    // The keys side by side in a warp, then the warps.
    float* shared = reinterpret_cast<float*>(dynamic_shared());  // [warps, most_queries, dim + 2]
    const unsigned pitch = dim + 2;
#pragma unroll
    for (unsigned i = 0; i < most_queries; ++i) {
        for (unsigned other = key_lanes; other < warp_lanes; other *= 2) {
            float out[8];
            const float max = __shfl_xor_sync(whole_warp, running[i].max, int(other));
            const float sum = __shfl_xor_sync(whole_warp, running[i].sum, int(other));
#pragma unroll
            for (unsigned j = 0; j < 8; ++j) out[j] = __shfl_xor_sync(whole_warp, running[i].out[j], int(other));
            running[i].merge(max, sum, out);
        }
        float* to = shared + (warp * most_queries + i) * pitch;
        if (own_group == 0)
            for (unsigned j = 0; j < cols; ++j) to[col + j] = running[i].out[j];
        if (lane == 0) {
            to[dim] = running[i].max;
            to[dim + 1] = running[i].sum;
        }
    }
    __syncthreads();
    merge_warps(scene, parts, shared, warps, most_queries, first_query, queries, kv_head);
}

template <typename T>
Parts launch_few(CudaDevice& device, const Scene& scene) {
    const unsigned key_lanes = key_lanes_of(scene.head_dim);
    const unsigned queries = scene.rows * (scene.heads / scene.kv_heads);
    const unsigned at_once = queries == 1 ? 1 : queries <= 4 ? 4 : 8;
    const unsigned chunks = blocks_of(queries, at_once);
    const unsigned splits = splits_for(device, scene, size_t(chunks) * scene.kv_heads, 256);
    const Parts parts = parts_of(device, scene, splits);
    const auto kernel = at_once == 1 ? few_rows<T, 1> : at_once == 4 ? few_rows<T, 4> : few_rows<T, 8>;
    device.launch(dim3(splits, scene.kv_heads, chunks), warps * warp_lanes,
                  warps * at_once * (scene.head_dim + 2) * sizeof(float), kernel, scene, parts,
                  split_keys_of(scene.keys, splits), key_lanes);
    return parts;
}

}  // namespace

Parts attend_few(CudaDevice& device, const Scene& scene, DType type) {
    if (type == DType::f32) return launch_few<float>(device, scene);
    if (type == DType::f16) return launch_few<Half>(device, scene);
    return launch_few<int8_t>(device, scene);
}

}  // namespace lv::cuda
