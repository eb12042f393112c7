#include "app/desktop/window_textures.h"

#include <GLFW/glfw3.h>

#include <algorithm>

namespace lv {

Texture::~Texture() {
    if (name_) glDeleteTextures(1, &name_);
}

bool Texture::show(const std::shared_ptr<const Picture>& picture) {
    if (!picture || picture == picture_) return false;
    const bool fresh = name_ == 0 || picture->width != width_ || picture->height != height_;
    if (name_ == 0) glGenTextures(1, &name_);
    glBindTexture(GL_TEXTURE_2D, name_);
    glPixelStorei(GL_UNPACK_ALIGNMENT, 1);
    if (fresh) {
        glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_LINEAR);
        glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_LINEAR);
        glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_S, GL_CLAMP_TO_EDGE);
        glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_T, GL_CLAMP_TO_EDGE);
        glTexImage2D(GL_TEXTURE_2D, 0, GL_RGB, picture->width, picture->height, 0, GL_RGB, GL_UNSIGNED_BYTE,
                     picture->rgb.data());
    } else {
        glTexSubImage2D(GL_TEXTURE_2D, 0, 0, 0, width_, height_, GL_RGB, GL_UNSIGNED_BYTE, picture->rgb.data());
    }
    picture_ = picture;
    width_ = picture->width;
    height_ = picture->height;
    return true;
}

ImTextureID ThumbnailTextures::of(const std::shared_ptr<const Picture>& picture) {
    Entry& entry = entries_[picture.get()];
    if (entry.texture.show(picture)) fresh_.push_back(entry.texture.id());
    entry.used = frame_;
    return entry.texture.id();
}

void ThumbnailTextures::end_frame() {
    while (entries_.size() > most) {
        const auto oldest = std::min_element(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
            return a.second.used < b.second.used;
        });
        if (oldest->second.used == frame_) break;
        entries_.erase(oldest);
    }
    ++frame_;
    fresh_.clear();
}

}  // namespace lv
