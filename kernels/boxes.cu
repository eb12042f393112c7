// See boxes.h. A few kilobytes: what counts is that one launch does it, and that the order is that of the cells.
#include "kernels/boxes.h"

#include "kernels/core/device.cuh"

namespace lv::cuda {
namespace {

constexpr unsigned threads = 256;
constexpr float largest_log_side = 6;

__device__ float share(float px, float side) { return fminf(fmaxf(px / side, 0.0f), 1.0f); }

// A block owns a picture, a thread a run of its cells: it counts the boxes there, adds those of the threads before it,
// and knows then where its own go.
__global__ void __launch_bounds__(threads) list_boxes(CellMaps cells, uint32_t* counts, FoundBox* boxes) {
    const unsigned picture = blockIdx.x, area = unsigned(cells.height * cells.width), width = unsigned(cells.width);
    const unsigned own_cells = (area + threads - 1) / threads;
    const unsigned first = min(threadIdx.x * own_cells, area), last = min(first + own_cells, area);
    const size_t before = size_t(picture) * area;
    unsigned own = 0;
    for (unsigned cell = first; cell < last; ++cell) own += cells.scores[before + cell] >= cells.floor;

    unsigned* sums = reinterpret_cast<unsigned*>(dynamic_shared());  // [threads], of a thread's and all before it
    sums[threadIdx.x] = own;
    __syncthreads();
    for (unsigned step = 1; step < threads; step *= 2) {
        const unsigned more = threadIdx.x >= step ? sums[threadIdx.x - step] : 0;
        __syncthreads();
        sums[threadIdx.x] += more;
        __syncthreads();
    }

    size_t at = counts[picture] + (sums[threadIdx.x] - own);
    for (unsigned cell = first; cell < last; ++cell) {
        const float logit = cells.scores[before + cell];
        if (!(logit >= cells.floor)) continue;
        float sides[4];
        for (unsigned k = 0; k < 4; ++k)
            sides[k] = cells.stride * expf(fminf(cells.sides[(before + cell) * 4 + k], largest_log_side));
        const float x = (float(cell % width) + 0.5f) * cells.stride, y = (float(cell / width) + 0.5f) * cells.stride;
        boxes[at++ * cells.pictures + picture] = {cells.kinds[before + cell],
                                                  1 / (1 + expf(-logit)),
                                                  share(x - sides[0], cells.picture_width),
                                                  share(y - sides[1], cells.picture_height),
                                                  share(x + sides[2], cells.picture_width),
                                                  share(y + sides[3], cells.picture_height)};
    }
    __syncthreads();  // all have read the count
    if (threadIdx.x == threads - 1) counts[picture] = uint32_t(at);
}

}  // namespace

void CudaDevice::append_boxes(const CellMaps& cells, std::span<uint32_t> counts, std::span<FoundBox> boxes) {
    launch(unsigned(cells.pictures), threads, threads * sizeof(unsigned), list_boxes, cells, counts.data(),
           boxes.data());
}

}  // namespace lv::cuda
