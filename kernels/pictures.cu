// See pictures.h. Both are bound by moving memory, and small beside the net between them.
#include "kernels/pictures.h"

#include "kernels/conv_task.cuh"

namespace lv::cuda {
namespace {

constexpr unsigned threads = 256, rows_a_block = 4;

// A thread owns one value of a canvas row, for every row of all canvases that its block meets.
template <typename T>
__global__ void __launch_bounds__(threads)
    write_canvas_rows(CanvasShape shape, size_t rows, const uint8_t* pictures, T* canvases) {
    const size_t col = size_t(blockIdx.x) * blockDim.x + threadIdx.x;
    if (col >= shape.canvas_width * 3) return;
    for (size_t row = blockIdx.y; row < rows; row += gridDim.y) {
        const size_t picture = row / shape.canvas_height, y = row % shape.canvas_height;
        const bool inside = y < shape.height && col < shape.width * 3;
        const uint8_t byte = inside ? pictures[(picture * shape.height + y) * shape.width * 3 + col] : shape.pad;
        const float value = (float(byte) - shape.mean) / shape.std;
        narrow_within(value, canvases[row * shape.canvas_width * 3 + col]);
    }
}

// A warp owns a row.
__global__ void __launch_bounds__(rows_a_block* warp_lanes)
    best_of_rows(Rows<const float> x, unsigned rows, unsigned cols, float* values, int32_t* columns) {
    const unsigned row = blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;
    const float* line = x.at(row);
    float best = minus_infinity();
    unsigned at = UINT32_MAX;
    for (unsigned col = threadIdx.x; col < cols; col += warp_lanes)
        if (at == UINT32_MAX || line[col] > best) {
            best = line[col];
            at = col;
        }
    for (int other = 16; other > 0; other /= 2) {
        const float their_best = __shfl_xor_sync(whole_warp, best, other);
        const unsigned their_at = __shfl_xor_sync(whole_warp, at, other);
        if (their_best > best || (their_best == best && their_at < at)) {
            best = their_best;
            at = their_at;
        }
    }
    if (threadIdx.x != 0) return;
    values[row] = best;
    columns[row] = int32_t(at);
}

template <typename T>
void launch_canvases(CudaDevice& device, const CanvasShape& shape, size_t batch, const uint8_t* pictures, T* canvases) {
    const size_t rows = batch * shape.canvas_height;
    device.launch(dim3(blocks_of(shape.canvas_width * 3, threads), unsigned(std::min<size_t>(rows, 65535))), threads, 0,
                  write_canvas_rows<T>, shape, rows, pictures, canvases);
}

}  // namespace

void CudaDevice::write_canvases(const CanvasShape& shape, size_t batch, const uint8_t* pictures, float* canvases) {
    launch_canvases(*this, shape, batch, pictures, canvases);
}

void CudaDevice::write_canvases(const CanvasShape& shape, size_t batch, const uint8_t* pictures, Half* canvases) {
    launch_canvases(*this, shape, batch, pictures, canvases);
}

void CudaDevice::best_columns(ConstMatrix x, std::span<float> values, std::span<int32_t> columns) {
    launch(blocks_of(x.rows, rows_a_block), dim3(warp_lanes, rows_a_block), 0, best_of_rows, x, unsigned(x.rows),
           unsigned(x.cols), values.data(), columns.data());
}

}  // namespace lv::cuda
