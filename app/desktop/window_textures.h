// Pictures on the graphics card, uploaded once each.
#pragma once

#include <imgui.h>

#include <cstdint>
#include <map>
#include <memory>

#include "vision/frame_source.h"

namespace lv {

// Only in the thread of the OpenGL context, which must live longer.
class Texture {
   public:
    Texture() = default;
    ~Texture();
    Texture(const Texture&) = delete;
    Texture& operator=(const Texture&) = delete;

    // Uploads when `picture` is another one than last time; storage is kept while the size stays.
    void show(const std::shared_ptr<const Picture>& picture);
    ImTextureID id() const { return reinterpret_cast<ImTextureID>(static_cast<uintptr_t>(name_)); }
    bool empty() const { return !picture_; }

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
    void end_frame();

   private:
    struct Entry {
        Texture texture;
        uint64_t used = 0;
    };
    std::map<const Picture*, Entry> entries_;
    uint64_t frame_ = 0;
};

}  // namespace lv
