// What a ConvPlan runs pictures with: oneDNN, our own gemm and loops, or a device. Internal to conv*.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "kernels/conv.h"

namespace lv {

// A net that was checked: shapes[n] is map n's shape; `outputs` are map numbers.
struct ConvNetParts {
    std::span<const ConvLayer> layers;
    std::span<const MapShape> shapes;
    std::span<const size_t> outputs;
};

class ConvEngine {
   public:
    virtual ~ConvEngine() = default;
    // As ConvPlan::run().
    virtual void run(const Context& context, size_t batch, const float* pictures,
                     std::span<float* const> outputs) const = 0;
    virtual bool reads_f16() const { return false; }
    virtual void run_f16(const Context& context, size_t batch, const Half* pictures,
                         std::span<float* const> outputs) const;
    virtual size_t bytes() const = 0;
    virtual const char* name() const = 0;
};

// Each picture by one thread of the context.
class HostConvEngine : public ConvEngine {
   public:
    void run(const Context& context, size_t batch, const float* pictures, std::span<float* const> outputs) const final;

   protected:
    explicit HostConvEngine(const ConvNetParts& net)
        : shapes_(net.shapes.begin(), net.shapes.end()), outputs_(net.outputs.begin(), net.outputs.end()) {}
    // One picture on the calling thread; several threads may do so at once.
    virtual void run_picture(const float* picture, std::span<float* const> outputs) const = 0;

    const std::vector<MapShape> shapes_;
    const std::vector<size_t> outputs_;  // numbers of maps
};

std::unique_ptr<ConvEngine> make_own_conv_engine(const ConvNetParts& net);
// Null when this build has no oneDNN, or oneDNN cannot run the net.
std::unique_ptr<ConvEngine> make_onednn_conv_engine(const ConvNetParts& net, const ConvOptions& options);

Padding padding_of(const ConvLayer& layer, const MapShape& in);

// Where each map lies in one block of floats, so that maps which are never needed together share room. Sizes are in
// floats; a map of size 0 gets no room. last_use[n]: the last layer that reads map n (the number of layers: kept).
struct MapPlaces {
    std::vector<size_t> place;
    size_t floats = 0;
};
std::vector<size_t> last_uses(const ConvNetParts& net);
MapPlaces place_maps(std::span<const size_t> sizes, std::span<const size_t> last_use);

}  // namespace lv
