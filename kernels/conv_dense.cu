// Dense and grouped convolutions on CUDA, pointwise ones too: products of gathered pixels and weights that are formed
// tile by tile and never stored.
//
// A block of four warps owns 64 pixels x 64 output channels and walks through the depth (taps x input channels), 128
// bytes of each row at a time; the next piece is on its way while the tensor cores work on the last. Each output is
// summed in the order of its depth alone, so it does not depend on what else is in the batch.
#include "kernels/conv_task.cuh"
#include "kernels/core/mma.cuh"

namespace lv::cuda {
namespace {

constexpr unsigned threads = 128, tile = 64;  // tile: pixels, and output channels
constexpr unsigned row_pieces = 8;            // of 16 bytes, of a tile's row
constexpr unsigned rows_at_once = threads / row_pieces, passes = tile / rows_at_once;
constexpr int nowhere = -(1 << 30);  // a row or column outside of every map

template <typename T>
struct Tiles {  // shared by the block
    static constexpr unsigned depth = row_pieces * values_at_once<T>;
    // Rows are 144 bytes apart: eight rows' first words lie in different banks.
    T pixels[tile][depth + values_at_once<T>];
    T weights[tile][depth + values_at_once<T>];
};

struct Sums {  // shared by the block, in the room of the tiles
    float values[tile][tile + 4];
};

// Where the taps of one output pixel begin: y, x may lie outside of the map.
template <typename T>
struct Origin {
    const T* map;
    int y, x;
};

template <typename T>
__device__ Origin<T> origin_of(const ConvTask<T>& task, unsigned pixel, unsigned group) {
    const unsigned area = task.out_height * task.out_width;
    if (pixel >= task.pictures * area) return {task.in, nowhere, nowhere};
    const unsigned picture = pixel / area, y = pixel % area / task.out_width, x = pixel % task.out_width;
    const size_t in_size = size_t(task.in_height) * task.in_width * task.in_channels;
    return {task.in + picture * in_size + group * (task.in_channels / task.groups), int(y * task.stride) - task.top,
            int(x * task.stride) - task.left};
}

// The values at `at` and behind it in the depth of one pixel; zeros outside of the map and behind the last.
template <bool vectors, typename T>
__device__ uint4 gather(const ConvTask<T>& task, const Origin<T>& origin, unsigned at, unsigned ins, unsigned depth) {
    Sixteen<T> piece;
    piece.whole = {};
    constexpr unsigned step = vectors ? values_at_once<T> : 1;
#pragma unroll
    for (unsigned v = 0; v < values_at_once<T>; v += step) {
        if (at + v >= depth) break;
        const unsigned tap = (at + v) / ins, channel = (at + v) % ins;
        const int y = origin.y + int(tap / task.kernel), x = origin.x + int(tap % task.kernel);
        if (unsigned(y) >= task.in_height || unsigned(x) >= task.in_width) continue;
        const T* from = origin.map + (size_t(y) * task.in_width + unsigned(x)) * task.in_channels + channel;
        if constexpr (vectors)
            piece.whole = *reinterpret_cast<const uint4*>(from);
        else
            piece.values[v] = *from;
    }
    return piece.whole;
}

__device__ inline unsigned pair_at(const Half* two) { return *reinterpret_cast<const unsigned*>(two); }

// A warp's 32 x 32 sums in the layout of mma.cuh: sums[i][j] of rows 16 i and columns 8 j; `depth` values of the tiles.
__device__ inline void multiply(float (&sums)[2][4][4], const Tiles<Half>& tiles, unsigned row, unsigned col,
                                unsigned depth) {
    const unsigned lane = threadIdx.x % warp_lanes, g = lane / 4, t = lane % 4;
    for (unsigned first = 0; first < depth; first += mma_depth) {
        const unsigned at = first + 2 * t;
        unsigned a[2][4];
#pragma unroll
        for (unsigned i = 0; i < 2; ++i) {
            const auto &upper = tiles.pixels[row + 16 * i + g], &lower = tiles.pixels[row + 16 * i + g + 8];
            a[i][0] = pair_at(upper + at);
            a[i][1] = pair_at(lower + at);
            a[i][2] = pair_at(upper + at + 8);
            a[i][3] = pair_at(lower + at + 8);
        }
#pragma unroll
        for (unsigned j = 0; j < 4; ++j) {
            const auto& weights = tiles.weights[col + 8 * j + g];
            const unsigned b0 = pair_at(weights + at), b1 = pair_at(weights + at + 8);
#pragma unroll
            for (unsigned i = 0; i < 2; ++i) mma(sums[i][j], a[i], b0, b1, Half{});
        }
    }
}

__device__ inline void multiply(float (&sums)[2][4][4], const Tiles<float>& tiles, unsigned row, unsigned col,
                                unsigned depth) {
    const unsigned lane = threadIdx.x % warp_lanes, g = lane / 4, t = lane % 4;
    for (unsigned at = 0; at < depth; ++at)
#pragma unroll
        for (unsigned i = 0; i < 2; ++i)
#pragma unroll
            for (unsigned j = 0; j < 4; ++j)
#pragma unroll
                for (unsigned k = 0; k < 4; ++k)
                    sums[i][j][k] += tiles.pixels[row + 16 * i + g + 8 * (k / 2)][at] *
                                     tiles.weights[col + 8 * j + 2 * t + k % 2][at];
}

template <typename T, bool vectors_in, bool vectors_out>
__global__ void __launch_bounds__(threads) dense(ConvTask<T> task) {
    constexpr unsigned at_once = values_at_once<T>;
    Tiles<T>& tiles = *reinterpret_cast<Tiles<T>*>(dynamic_shared());
    const unsigned ins = task.in_channels / task.groups, outs = task.out_channels / task.groups;
    const unsigned depth = task.kernel * task.kernel * ins, padded = (depth + at_once - 1) / at_once * at_once;
    // Blocks that read the same pixels follow each other.
    const unsigned col_tiles = (outs + tile - 1) / tile;
    const unsigned first_col = blockIdx.x % col_tiles * tile, group = blockIdx.x / col_tiles % task.groups;
    const unsigned first_pixel = blockIdx.x / (col_tiles * task.groups) * tile;

    const unsigned own_row = threadIdx.x / row_pieces, own_col = threadIdx.x % row_pieces * at_once;
    Origin<T> origins[passes];
#pragma unroll
    for (unsigned pass = 0; pass < passes; ++pass)
        origins[pass] = origin_of(task, first_pixel + own_row + pass * rows_at_once, group);
    const T* weights = task.weight + size_t(group * outs + first_col) * padded;

    uint4 next_pixels[passes], next_weights[passes];
    const auto load = [&](unsigned first) {
        const unsigned at = first + own_col;
#pragma unroll
        for (unsigned pass = 0; pass < passes; ++pass) {
            const unsigned row = own_row + pass * rows_at_once;
            next_pixels[pass] = gather<vectors_in>(task, origins[pass], at, ins, depth);
            next_weights[pass] = {};
            if (at < padded && first_col + row < outs)
                next_weights[pass] = *reinterpret_cast<const uint4*>(weights + size_t(row) * padded + at);
        }
    };

    const unsigned warp = threadIdx.x / warp_lanes, warp_row = warp / 2 * 32, warp_col = warp % 2 * 32;
    float sums[2][4][4] = {};
    load(0);
    for (unsigned first = 0; first < depth; first += Tiles<T>::depth) {
#pragma unroll
        for (unsigned pass = 0; pass < passes; ++pass) {
            const unsigned row = own_row + pass * rows_at_once;
            *reinterpret_cast<uint4*>(&tiles.pixels[row][own_col]) = next_pixels[pass];
            *reinterpret_cast<uint4*>(&tiles.weights[row][own_col]) = next_weights[pass];
        }
        __syncthreads();
        if (first + Tiles<T>::depth < depth) load(first + Tiles<T>::depth);
        multiply(sums, tiles, warp_row, warp_col, min(depth - first, Tiles<T>::depth));
        __syncthreads();
    }

    // Through shared memory once more: neighbouring threads write neighbouring channels.
    Sums& out = *reinterpret_cast<Sums*>(dynamic_shared());
    const unsigned lane = threadIdx.x % warp_lanes;
#pragma unroll
    for (unsigned i = 0; i < 2; ++i)
#pragma unroll
        for (unsigned j = 0; j < 4; ++j)
#pragma unroll
            for (unsigned k = 0; k < 4; ++k)
                out.values[warp_row + 16 * i + lane / 4 + 8 * (k / 2)][warp_col + 8 * j + lane % 4 * 2 + k % 2] =
                    sums[i][j][k];
    __syncthreads();
    constexpr unsigned count = vectors_out ? at_once : 1, pieces = tile / count;
    const unsigned pixels = task.pictures * task.out_height * task.out_width;
    for (unsigned index = threadIdx.x; index < tile * pieces; index += threads) {
        const unsigned row = index / pieces, col = index % pieces * count;
        if (first_pixel + row >= pixels || first_col + col >= outs) continue;
        float own[count];
#pragma unroll
        for (unsigned v = 0; v < count; ++v) own[v] = out.values[row][col + v];
        finish<count>(task, first_pixel + row, group * outs + first_col + col, own);
    }
}

}  // namespace

template <typename T>
void launch_dense(CudaDevice& device, const ConvTask<T>& task) {
    const size_t ins = task.in_channels / task.groups, outs = task.out_channels / task.groups;
    const size_t pixels = size_t(task.pictures) * task.out_height * task.out_width;
    const size_t blocks = (pixels + tile - 1) / tile * ((outs + tile - 1) / tile) * task.groups;
    const bool vectors_in = ins % values_at_once<T> == 0 && lies_at_16(task.in);
    const bool vectors_out = writes_vectors(task, outs);
    const auto aligned = vectors_out ? dense<T, true, true> : dense<T, true, false>;
    const auto any = vectors_out ? dense<T, false, true> : dense<T, false, false>;
    device.launch(unsigned(blocks), threads, std::max(sizeof(Tiles<T>), sizeof(Sums)), vectors_in ? aligned : any,
                  task);
}

template void launch_dense(CudaDevice&, const ConvTask<Half>&);
template void launch_dense(CudaDevice&, const ConvTask<float>&);

}  // namespace lv::cuda
