// Pictures on the graphics card, uploaded once each.
#pragma once

#include <imgui.h>

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "vision/frame_source.h"

namespace lv {

// Only in the thread of the OpenGL context, which must live longer. What has Picture::bgrx is for draw() alone:
// llvmpipe (Mesa 22.3) is at its fastest with it, but leaves out whole tiles of it where it is blended.
class Texture {
   public:
    Texture() = default;
    ~Texture();
    Texture(const Texture&) = delete;
    Texture& operator=(const Texture&) = delete;

    // Uploads when `picture` is another one than last time, and says so; storage is kept while the size stays.
    bool show(const std::shared_ptr<const Picture>& picture);
    ImTextureID id() const { return reinterpret_cast<ImTextureID>(static_cast<uintptr_t>(name_)); }
    bool empty() const { return !picture_; }
    // Over whatever lies there: a picture hides it, so that nothing is blended.
    void draw(ImDrawList& list, ImVec2 from, ImVec2 to) const;

   private:
    std::shared_ptr<const Picture> picture_;
    unsigned name_ = 0;
    int width_ = 0, height_ = 0;
};

// Small pictures by themselves: the ones drawn last stay.
class ThumbnailTextures {
   public:
    static constexpr size_t most = 96;
    // Valid until end_frame().
    ImTextureID of(const std::shared_ptr<const Picture>& picture);
    // Those that were uploaded since the last end_frame().
    const std::vector<ImTextureID>& fresh() const { return fresh_; }
    void end_frame();

   private:
    struct Entry {
        Texture texture;
        uint64_t used = 0;
    };
    std::map<const Picture*, Entry> entries_;
    uint64_t frame_ = 0;
    std::vector<ImTextureID> fresh_;
};

}  // namespace lv
