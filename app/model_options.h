// Which model to run, on what, and with how many threads.
#pragma once

#include <memory>
#include <string>

#include "kernels/core/device.h"

namespace lv {

// What every command that needs the model can be told.
struct ModelOptions {
    std::string dir;  // empty: found as app/model_path.h says
    int threads = 0;  // 0: as many as the machine has
    std::string device = "auto";

    // Where the model runs and videos are decoded: "cuda" is the GPU, or an Error; "cpu" and, so far, "auto" the host
    // (null).
    std::shared_ptr<Device> open_device() const { return device == "cuda" ? open_cuda() : nullptr; }
};

}  // namespace lv
