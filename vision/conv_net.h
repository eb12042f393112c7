// The conv net of a model: its layer list bound to its weights, and run for any canvas size.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "kernels/conv.h"
#include "kernels/core/weight_file.h"
#include "vision/vision_config.h"

namespace lv {

// Const after construction and safe to share by threads (a lock is held only while the plan of a canvas size that was
// not met lately is made, some tens of milliseconds). A plan packs the weights for itself, 19 MB; beside it they lie in
// the file alone and are read again for the next one.
class ConvNet {
   public:
    // Reads <layer>.weight and .bias of every conv and linear layer. `outputs`: names of layers, the order of a
    // plan's outputs. Throws Error that names the layer or tensor that does not fit.
    ConvNet(const std::vector<NetLayer>& layers, std::vector<std::string> outputs,
            std::shared_ptr<const WeightFile> weights, const ConvOptions& options = {});

    // Made ready for normalised pictures [height, width, 3] f32, on the context's device or else on the host; kept for
    // the next call. Who ran it on a device waits for that before letting go.
    std::shared_ptr<const ConvPlan> plan(const Context& context, size_t height, size_t width) const {
        return plan(context.shared_device(), height, width);
    }

    double flops(size_t height, size_t width) const;                  // multiplications and additions of one picture
    std::vector<MapShape> shapes(size_t height, size_t width) const;  // of the outputs
    size_t parameters() const { return parameters_; }

   private:
    std::shared_ptr<const ConvPlan> plan(const std::shared_ptr<Device>& device, size_t height, size_t width) const;

    struct Layers {
        std::vector<ConvLayer> list;
        std::vector<std::vector<float>> values;  // what the layers' spans look at
    };
    std::shared_ptr<const Layers> read() const;
    std::shared_ptr<const Layers> layers() const;

    const std::vector<NetLayer> net_;
    const std::shared_ptr<const WeightFile> weights_;
    std::vector<size_t> output_maps_;
    ConvOptions options_;
    size_t parameters_ = 0;
    mutable std::mutex mutex_;
    mutable std::shared_ptr<const Layers> layers_;  // until a plan is made of them
    struct Made {
        std::shared_ptr<Device> device;  // null: the host
        std::shared_ptr<const ConvPlan> plan;
    };
    // A stream has one size; a few videos at once have a few.
    mutable std::vector<Made> plans_;  // newest last
};

}  // namespace lv
