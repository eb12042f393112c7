#include "kernels/conv_engine.h"
#include "kernels/onednn.h"

namespace lv {

std::unique_ptr<ConvEngine> make_onednn_conv_engine(const ConvNetParts&, const ConvOptions&) { return nullptr; }
bool onednn_sgemm(size_t, size_t, const float*, const float*, float*) { return false; }

}  // namespace lv
