// A convolutional net as a list of layers, built once for one picture size and run on batches; and single convolutions.
//
// Pictures and maps are channels-last: [batch, height, width, channels] f32, dense.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/core/context.h"
#include "kernels/core/dtype.h"

namespace lv {

enum class Activation { none, relu, relu6, silu };

struct Padding {  // zeros around the picture, in pixels
    size_t top = 0, left = 0, bottom = 0, right = 0;
    bool operator==(const Padding&) const = default;
};

// TensorFlow's "same": out = ceil(in / stride), the odd pixel at the bottom and right.
Padding same_padding(size_t in_height, size_t in_width, size_t kernel, size_t stride);

struct MapShape {
    size_t height = 0, width = 0, channels = 0;
    size_t size() const { return height * width * channels; }
    bool operator==(const MapShape&) const = default;
};

// One layer. Its inputs are numbers of maps: 0 is the net's picture, n the output of layers[n - 1].
struct ConvLayer {
    enum class Kind {
        conv,                 // 1 input; any groups (1: dense, channels: depthwise)
        add,                  // 2 inputs of one shape: activation(a + b)
        concat,               // 2 or more inputs of one height and width, along channels
        upsample,             // 1 input: nearest, twice the height and width
        global_average_pool,  // 1 input: [1, 1, channels]
        max_pool,             // 1 input: kernel, stride, padding (padding never wins)
    };
    std::string name;  // for messages
    Kind kind = Kind::conv;
    std::vector<size_t> inputs;
    Activation activation = Activation::none;  // conv, add
    size_t kernel = 1, stride = 1;             // conv, max_pool; square
    Padding padding;                           // conv, max_pool
    bool same = false;                         // take same_padding() of the input instead of `padding`
    size_t out_channels = 0;                   // conv
    size_t groups = 1;                         // conv
    // conv: [out_channels, in_channels / groups, kernel, kernel], and [out_channels] or empty. Only read while a
    // ConvPlan is made, which keeps its own packed copy.
    std::span<const float> weight, bias;
};

// The shape of every map: [0] the picture, [n] the output of layers[n - 1]. Error names the layer that does not fit.
std::vector<MapShape> conv_shapes(std::span<const ConvLayer> layers, MapShape picture);

struct ConvOptions {
    bool bf16 = false;                 // compute in bf16 where the CPU has it (3 significant digits); else f32
    bool onednn = true;                // false, or a build without oneDNN: our own gemm and loops, f32
    std::shared_ptr<Device> device{};  // where it runs instead: in f16 with f32 sums, all f32 where that is exact()
};

// All layers made ready for one picture size: weights packed, maps laid out, an add fused into the convolution before
// it where oneDNN can. Const after construction; run() may be called from several threads at once.
class ConvPlan {
   public:
    // `outputs`: numbers of the maps wanted. Error names the layer that is wrong.
    ConvPlan(std::span<const ConvLayer> layers, MapShape picture, std::span<const size_t> outputs,
             const ConvOptions& options = {});
    ~ConvPlan();
    ConvPlan(ConvPlan&&) noexcept;
    ConvPlan& operator=(ConvPlan&&) noexcept;

    const MapShape& picture() const;
    const std::vector<MapShape>& output_shapes() const;  // in the order of `outputs`
    size_t bytes() const;                                // packed weights, and maps for one picture
    double flops() const;        // multiplications and additions of the convolutions, one picture
    bool reads_f16() const;      // pictures may come as f16 too
    const char* engine() const;  // "onednn f32", "onednn bf16", "own f32", "cuda f16", "cuda f32"

    // pictures [batch, picture]; outputs[i] [batch, output_shapes()[i]]. Pictures are spread over the context's
    // threads and each is worked by one thread, so the fastest use is a batch that is a multiple of the threads.
    // oneDNN's own OpenMP team is never started: primitives are made for, and run with, one OpenMP thread.
    // On a device, which must be the context's, pictures and outputs lie in its memory and the work is queued (see
    // core/device.h). There as here what a picture gives does not depend on the others of its batch.
    void run(const Context& context, size_t batch, const float* pictures, std::span<float* const> outputs) const;
    // The same without a pass that rounds the pictures; only where reads_f16().
    void run(const Context& context, size_t batch, const Half* pictures, std::span<float* const> outputs) const;

   private:
    void check(std::span<float* const> outputs) const;
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

namespace plain {
// One layer and picture by plain loops: inputs[i] of shape shapes[i], out of the shape conv_shapes() tells.
void conv_layer(const ConvLayer& layer, std::span<const MapShape> shapes, std::span<const float* const> inputs,
                float* out);
}  // namespace plain

}  // namespace lv
