// Attention on CUDA: see attention.h. Which kernel fills the parts, and what is made of them.
#include "kernels/attention_pieces.cuh"

namespace lv::cuda {
namespace {

constexpr size_t few_rows = 4;  // up to here reading the keys is all there is to do

constexpr unsigned merge_threads = 128, merge_warps = merge_threads / warp_lanes;

// A block puts a row's head together from its parts; `divide`: into the result, else undivided. What each part counts
// is found once, side by side: with a hundred splits, one lane's walk over them would take longer than a short cache.
__global__ void __launch_bounds__(merge_threads) merge(Parts parts, Rows<float> out, Rows<float> max, Rows<float> sum,
                                                       size_t row_heads, unsigned heads, unsigned dim, bool divide) {
    float* const counts = reinterpret_cast<float*>(dynamic_shared());  // [splits]
    float *const maxes = counts + parts.splits, *const sums = maxes + merge_warps;
    const size_t index = blockIdx.x;
    const unsigned lane = threadIdx.x % warp_lanes, warp = threadIdx.x / warp_lanes;
    float most = minus_infinity();
    for (unsigned split = threadIdx.x; split < parts.splits; split += merge_threads)
        most = fmaxf(most, parts.max[split * row_heads + index]);
    most = warp_max(most);
    if (lane == 0) maxes[warp] = most;
    __syncthreads();
    for (unsigned other = 0; other < merge_warps; ++other) most = fmaxf(most, maxes[other]);
    float total = 0;
    for (unsigned split = threadIdx.x; split < parts.splits; split += merge_threads) {
        const float own = parts.max[split * row_heads + index];
        counts[split] = own > minus_infinity() ? expf(own - most) : 0;
        total += parts.sum[split * row_heads + index] * counts[split];
    }
    total = warp_sum(total);
    if (lane == 0) sums[warp] = total;
    __syncthreads();
    total = 0;
    for (unsigned other = 0; other < merge_warps; ++other) total += sums[other];
    const float factor = !divide ? 1 : total > 0 ? 1 / total : 0;
    float* const to = out.at(index / heads) + index % heads * dim;
    for (unsigned i = threadIdx.x; i < dim; i += merge_threads) {
        float value = 0;
#pragma unroll 8
        for (unsigned split = 0; split < parts.splits; ++split)
            value += parts.out[(split * row_heads + index) * dim + i] * counts[split];
        to[i] = value * factor;
    }
    if (threadIdx.x == 0 && !divide) {
        max.at(index / heads)[index % heads] = most;
        sum.at(index / heads)[index % heads] = total;
    }
}

__global__ void meet_sink(const float* sink, Rows<float> out, Rows<float> max, Rows<float> sum, size_t row_heads,
                          unsigned heads, unsigned dim) {
    const size_t index = size_t(blockIdx.x) * blockDim.y + threadIdx.y;
    if (index >= row_heads) return;
    const size_t row = index / heads;
    const unsigned head = unsigned(index % heads);
    const float before = max.at(row)[head], logit = sink[head];
    const float most = fmaxf(before, logit), factor = before == most ? 1 : expf(before - most);
    __syncwarp();  // all have read before one writes
    for (unsigned i = threadIdx.x; i < dim; i += warp_lanes) out.at(row)[head * dim + i] *= factor;
    if (threadIdx.x == 0) {
        sum.at(row)[head] = sum.at(row)[head] * factor + expf(logit - most);
        max.at(row)[head] = most;
    }
}

__global__ void divide(Rows<const float> part, Rows<const float> sum, Rows<float> out, size_t row_heads, unsigned heads,
                       unsigned dim) {
    const size_t index = size_t(blockIdx.x) * blockDim.y + threadIdx.y;
    if (index >= row_heads) return;
    const size_t row = index / heads, col = index % heads * dim;
    const float total = sum.at(row)[index % heads], factor = total > 0 ? 1 / total : 0;
    for (unsigned i = threadIdx.x; i < dim; i += warp_lanes) out.at(row)[col + i] = part.at(row)[col + i] * factor;
}

// mass[number - first_number] += weight * sum over rows and heads of exp(s - max) / sum for each key. `key_lanes` lanes
// share a key; each key has one writer. Reads the keys once, the queries from cache, which they are as much work for as
// for the sums: 16 bytes at once where they lie so (`query_vectors`).
template <typename T>
__global__ void weigh_keys(Scene scene, Rows<const float> max, Rows<const float> sum, float weight, float* mass,
                           uint64_t first_number, unsigned key_lanes, bool query_vectors) {
    const unsigned lane = threadIdx.x % warp_lanes, keys_a_block = blockDim.x / key_lanes;
    const unsigned dim = scene.head_dim, group = scene.group(), col = lane % key_lanes * 8;
    const unsigned cols = col < dim ? min(8u, dim - col) : 0;
    const unsigned key = blockIdx.x * keys_a_block + threadIdx.x / key_lanes;
    const PagePiece piece = scene.pieces[scene.piece_of(key < scene.keys ? key : 0)];
    const bool there = key < scene.keys && key - piece.first < piece.rows;
    const unsigned piece_row = there ? key - piece.first : 0;
    const uint64_t number = piece.first_row + piece_row;
    float total = 0;
    for (unsigned kv_head = 0; kv_head < scene.kv_heads; ++kv_head) {
        Eight<T> values;
        values.load(
            static_cast<const T*>(piece.keys) + size_t(piece_row) * piece.stride + kv_head * dim + (cols ? col : 0),
            cols, scene.vectors && cols > 0);
        const float key_scale = piece.key_scales ? piece.key_scales[piece_row * scene.kv_heads + kv_head] : 1;
        for (unsigned query = 0; query < scene.rows * group; ++query) {
            const unsigned row = query / group, head = kv_head * group + query % group;
            Eight<float> own;
            own.load(scene.q.at(row) + head * dim + (cols ? col : 0), cols, query_vectors && cols > 0);
            float dot = 0;
#pragma unroll
            for (unsigned j = 0; j < 8; ++j) dot += own.values[j] * wide(values.values[j]);
            for (unsigned other = key_lanes / 2; other > 0; other /= 2)
                dot += __shfl_xor_sync(whole_warp, dot, int(other));
            const bool seen = number < scene.end(row) && number >= scene.begin(row);
            const float of_row = sum.at(row)[head];
            if (seen && of_row > 0)
                total += expf(dot * key_scale * scene.factor(row, head) - max.at(row)[head]) / of_row;
        }
    }
    if (there && lane % key_lanes == 0) mass[number - first_number] += total * weight;
}

__global__ void scale_by_length(const float* factors, uint64_t visible, uint64_t row_step, Rows<float> scale,
                                size_t rows, unsigned heads) {
    const size_t index = size_t(blockIdx.x) * blockDim.x + threadIdx.x;
    if (index >= rows * heads) return;
    const uint64_t seen = visible + index / heads * row_step;
    scale.at(index / heads)[index % heads] = factors[index % heads] * float(log(double(seen > 2 ? seen : 2)));
}

size_t merge_bytes(const Parts& parts) { return (parts.splits + 2 * merge_warps) * sizeof(float); }

constexpr unsigned warps_a_block = 4;

Parts fill_parts(CudaDevice& device, const Scene& scene, DType type) {
    if (device.exact()) return attend_few(device, scene, type);
    if (scene.rows > few_rows && can_attend_many(scene, type)) return attend_many(device, scene, type);
    if (scene.rows <= few_rows && can_attend_few_tiles(scene, type)) return attend_few_tiles(device, scene, type);
    return attend_few(device, scene, type);
}

DType type_of(const AttentionInput& input) {
    if (input.listed.list) return input.listed.dtype;
    const DType type = input.pieces.empty() ? DType::f16 : input.pieces.front().dtype;
    for (const KvPiece& piece : input.pieces)
        require(piece.dtype == type, "Attention on the GPU: pieces of ", dtype_name(type), " and ",
                dtype_name(piece.dtype), " together, expected one type.");
    return type;
}

// Whether some row sees some key of the piece.
bool is_seen(const AttentionInput& input, const KvPiece& piece) {
    const uint64_t end = input.first_row + input.q.rows;  // behind the last key that a causal row sees
    const uint64_t begin = input.window && input.first_row + 1 > input.window ? input.first_row + 1 - input.window : 0;
    return piece.rows > 0 && (!input.causal || (piece.first_row < end && piece.first_row + piece.rows > begin));
}

}  // namespace

unsigned key_lanes_of(size_t head_dim) {
    require(head_dim <= 8 * warp_lanes, "Attention on the GPU: heads of ", head_dim, " values, at most ",
            8 * warp_lanes, " are supported; use --device cpu.");
    unsigned lanes = 1;
    while (lanes * 8 < head_dim) lanes *= 2;
    return lanes;
}

DevicePieces CudaDevice::list_pieces(const AttentionInput& input) {
    thread_local std::vector<PagePiece> pieces;
    pieces.clear();
    DevicePieces out{.dtype = type_of(input), .vectors = input.head_dim % 8 == 0};
    const size_t width = dtype_bytes(out.dtype);
    for (const KvPiece& piece : input.pieces) {
        if (!is_seen(input, piece)) continue;
        pieces.push_back({piece.keys, piece.values, piece.key_scales, piece.value_scales, piece.first_row, piece.stride,
                          unsigned(out.most_keys), unsigned(piece.rows)});
        out.most_keys += piece.rows;
        out.vectors = out.vectors && piece.stride * width % 16 == 0 && lies_at_16(piece.keys) &&
                      lies_at_16(piece.values) && input.head_dim * width % 16 == 0;
    }
    require(out.most_keys < (size_t{1} << 31), "Attention on the GPU: ", out.most_keys,
            " keys at once, at most 2147483647.");
    out.count = pieces.size();
    if (out.count > 0) out.list = lane().list(pieces.front().keys, pieces);
    return out;
}

Scene scene_of(CudaDevice& device, const AttentionInput& input) {
    const DevicePieces pieces = input.listed.list ? input.listed : device.list_pieces(input);
    return {.q = input.q,
            .logit_scale = input.logit_scale,
            .pieces = static_cast<const PagePiece*>(pieces.list),
            .piece_count = unsigned(pieces.count),
            .keys = unsigned(pieces.most_keys),
            .rows = unsigned(input.q.rows),
            .heads = unsigned(input.heads),
            .kv_heads = unsigned(input.kv_heads),
            .head_dim = unsigned(input.head_dim),
            .scale = input.scale,
            .first_row = input.first_row,
            .window = input.window,
            .causal = input.causal,
            .vectors = pieces.vectors};
}

Parts parts_of(CudaDevice& device, const Scene& scene, unsigned splits) {
    const size_t row_heads = size_t(splits) * scene.rows * scene.heads;
    float* out = device.lane().scratch<float>(Slot::parts, row_heads * (scene.head_dim + 2));
    return {out, out + row_heads * scene.head_dim, out + row_heads * (scene.head_dim + 1), splits};
}

unsigned splits_for(const CudaDevice& device, const Scene& scene, size_t blocks, unsigned least_keys) {
    const size_t wanted = blocks_of(device.multiprocessors() * 8, blocks);
    const size_t most = std::max<size_t>(1, scene.keys / least_keys);
    const unsigned splits = unsigned(std::min(wanted, most));
    // Ranges are whole multiples of 64 keys: fewer of them may already reach the end.
    return std::max(1u, blocks_of(scene.keys, std::max(1u, split_keys_of(scene.keys, splits))));
}

void CudaDevice::attend(const AttentionInput& input, Matrix out) {
    if (input.q.rows == 0) return;
    const Scene scene = scene_of(*this, input);
    const size_t row_heads = input.q.rows * input.heads;
    const Parts parts = scene.keys > 0 ? fill_parts(*this, scene, type_of(input)) : Parts{};
    const Rows<float> none(nullptr, 0);
    launch(unsigned(row_heads), merge_threads, merge_bytes(parts), merge, parts, out, none, none, row_heads,
           scene.heads, scene.head_dim, true);
}

void CudaDevice::attend_part(const AttentionInput& input, const AttentionPart& part) {
    if (input.q.rows == 0) return;
    const Scene scene = scene_of(*this, input);
    const size_t row_heads = input.q.rows * input.heads;
    const Parts parts = scene.keys > 0 ? fill_parts(*this, scene, type_of(input)) : Parts{};
    launch(unsigned(row_heads), merge_threads, merge_bytes(parts), merge, parts, part.out, part.max, part.sum,
           row_heads, scene.heads, scene.head_dim, false);
}

void CudaDevice::add_sink(const float* sink, const AttentionPart& part) {
    const size_t heads = part.max.cols, row_heads = part.out.rows * heads;
    launch(blocks_of(row_heads, warps_a_block), dim3(warp_lanes, warps_a_block), 0, meet_sink, sink, part.out, part.max,
           part.sum, row_heads, unsigned(heads), unsigned(part.out.cols / heads));
}

void CudaDevice::finish_attention(const AttentionPart& part, Matrix out) {
    const size_t heads = part.max.cols, row_heads = out.rows * heads;
    launch(blocks_of(row_heads, warps_a_block), dim3(warp_lanes, warps_a_block), 0, divide, part.out, part.sum, out,
           row_heads, unsigned(heads), unsigned(out.cols / heads));
}

void CudaDevice::attention_mass(const AttentionInput& input, ConstMatrix max, ConstMatrix sum, const KeyMass& mass) {
    const Scene scene = scene_of(*this, input);
    if (scene.keys == 0 || scene.rows == 0) return;
    constexpr unsigned threads = 128;
    const unsigned key_lanes = key_lanes_of(scene.head_dim);
    const DType type = type_of(input);
    const auto kernel = type == DType::f32   ? weigh_keys<float>
                        : type == DType::f16 ? weigh_keys<Half>
                                             : weigh_keys<int8_t>;
    const bool query_vectors = scene.head_dim % 8 == 0 && rows_lie_at_16(input.q);
    launch(blocks_of(scene.keys, threads / key_lanes), threads, 0, kernel, scene, max, sum, mass.weight,
           mass.rows.data(), mass.first_key, key_lanes, query_vectors);
}

void CudaDevice::length_scale(const float* factors, uint64_t visible, uint64_t step, Matrix scale) {
    launch(blocks_of(scale.size(), 128), 128, 0, scale_by_length, factors, visible, step, scale, scale.rows,
           unsigned(scale.cols));
}

}  // namespace lv::cuda
