// The conv net of a model: its layer list bound to its weights, and run for any canvas size.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "kernels/conv.h"
#include "kernels/core/weight_file.h"
#include "vision/vision_config.h"

namespace lv {

// One output of a batch: [batch, shape.height, shape.width, shape.channels] f32.
struct NetMap {
    MapShape shape;
    std::vector<float> values;
};

// Const after construction and safe to share: run() may be called from several threads at once (a lock is held only
// while the plan of a canvas size that was not met lately is made, some tens of milliseconds).
class ConvNet {
   public:
    // Reads <layer>.weight and .bias of every conv and linear layer. `outputs`: names of layers, the order of run()'s
    // results. Throws Error that names the layer or tensor that does not fit.
    ConvNet(const std::vector<NetLayer>& layers, std::vector<std::string> outputs, const WeightFile& weights,
            const ConvOptions& options = {});

    // pictures [batch, height, width, 3] f32, normalised.
    std::vector<NetMap> run(const Context& context, size_t batch, size_t height, size_t width,
                            const float* pictures) const;

    double flops(size_t height, size_t width) const;   // multiplications and additions of one picture
    std::vector<MapShape> shapes(size_t height, size_t width) const;  // of the outputs
    size_t parameters() const { return parameters_; }

   private:
    std::shared_ptr<const ConvPlan> plan(size_t height, size_t width) const;

    std::vector<std::vector<float>> values_;  // what the layers' spans look at
    std::vector<ConvLayer> layers_;
    std::vector<size_t> output_maps_;
    ConvOptions options_;
    size_t parameters_ = 0;
    mutable std::mutex mutex_;
    // A stream has one size; a few videos at once have a few.
    mutable std::vector<std::pair<MapShape, std::shared_ptr<const ConvPlan>>> plans_;  // newest last
};

}  // namespace lv
