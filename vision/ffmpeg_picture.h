// Decoded libav pictures made into upright RGB Pictures of the size that is wanted (private to the FFmpeg source).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <utility>

#include "kernels/core/context.h"
#include "kernels/core/memory.h"
#include "kernels/picture_planes.h"
#include "vision/frame_source.h"

struct AVFrame;
struct SwsContext;

namespace lv {

// How the stored picture is laid out on screen.
struct Placement {
    // Display matrix rounded to quarter turns: screen x = xx * x + xy * y, screen y = yx * x + yy * y.
    int xx = 1, xy = 0, yx = 0, yy = 1;
    int aspect_num = 1, aspect_den = 1;  // width : height of one stored pixel
    bool turns() const { return xy != 0; }
};

struct Size {
    int width = 0, height = 0;
};

// The size on screen in square pixels: pixel aspect applied to the width, then the quarter turn.
Size upright_size(int stored_width, int stored_height, const Placement& placement);
// `size` scaled so that its long side is at most max_side (0: as it is); sides round half to even, at least 1.
Size limited_size(Size size, int max_side);

// Keeps its scaler between pictures of one format. One thread at a time.
class PictureMaker {
   public:
    // to_draw: as SourceOptions says.
    // device: pictures to look at that lose rows are scaled there where a kernel reads their format, and stay there too
    // (Picture::on_device). All others, and with null all, by libswscale.
    PictureMaker(int max_side, bool to_draw, std::shared_ptr<Device> device = nullptr)
        : max_side_(max_side), to_draw_(to_draw), context_(1, std::move(device)) {}
    ~PictureMaker();
    PictureMaker(const PictureMaker&) = delete;
    PictureMaker& operator=(const PictureMaker&) = delete;

    void set_max_side(int px) { max_side_ = px; }

    // Scales with an area filter straight to the wanted size, to be drawn bilinearly. Interlaced pictures that shrink
    // to half or less lend one field; transparency is laid over white. Fills picture, width and height of the result.
    // `decoded` lies on the host, or is one that reads_on_gpu().
    Frame make(const AVFrame& decoded, const Placement& placement);
    // Whether it lies on the GPU and need not come down.
    bool reads_on_gpu(const AVFrame& decoded, const Placement& placement) const;

   private:
    struct Task;
    Task task_of(const AVFrame& decoded, const Placement& placement) const;
    std::shared_ptr<const Picture> made_on_device(PlanarPicture planes, bool there, Size stored,
                                                  const Placement& placement);
    void upload(PlanarPicture& planes);

    int max_side_;
    bool to_draw_;
    const Context context_;
    Buffer planes_;                 // of the picture that is scaled now, on the device
    SwsContext* scaler_ = nullptr;  // swscale reuses or replaces it for each picture; freed by the destructor
    std::vector<uint8_t> scratch_;
};

}  // namespace lv
