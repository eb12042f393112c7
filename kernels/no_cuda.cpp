// What a build without the CUDA toolkit answers to who asks for a GPU.
#include "kernels/core/device.h"
#include "kernels/core/error.h"

namespace lv {

const std::string& why_no_cuda() {
    static const std::string reason =
        "this longview was built without CUDA; build it where nvcc is found (cmake -DLV_CUDA=ON says what is missing)";
    return reason;
}

std::shared_ptr<Device> open_cuda(const DeviceOptions&) {
    fail("Opening the GPU: ", why_no_cuda(), ", or use --device cpu.");
}

}  // namespace lv
