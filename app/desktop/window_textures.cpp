#include "app/desktop/window_textures.h"

#define GL_GLEXT_PROTOTYPES
#define GLFW_INCLUDE_GLEXT
#include <GLFW/glfw3.h>

#include <algorithm>
#include <array>

namespace lv {
namespace {

void add_shader(GLuint program, GLenum kind, const char* text) {
    const GLuint made = glCreateShader(kind);
    glShaderSource(made, 1, &text, nullptr);
    glCompileShader(made);
    glAttachShader(program, made);
    glDeleteShader(made);  // once its program is
}

// Takes vertices as `other` does.
GLuint plain_program(GLuint other) {
    const GLuint made = glCreateProgram();
    add_shader(made, GL_VERTEX_SHADER,
               "#version 150\nuniform mat4 ProjMtx; in vec2 Position, UV; out vec2 place;"
               "void main() { place = UV; gl_Position = ProjMtx * vec4(Position, 0, 1); }");
    add_shader(made, GL_FRAGMENT_SHADER,
               "#version 150\nuniform sampler2D Texture; in vec2 place; out vec4 colour;"
               "void main() { colour = texture(Texture, place); }");
    for (const char* name : {"Position", "UV"})
        glBindAttribLocation(made, static_cast<GLuint>(glGetAttribLocation(other, name)), name);
    glLinkProgram(made);
    return made;
}

// Until the next reset of the state: a texture as it is, neither tinted nor blended. Where it is drawn px by px
// llvmpipe copies it: 0.5 ms, not 5, of 880x495.
void draw_plainly() {
    GLint current = 0;
    glGetIntegerv(GL_CURRENT_PROGRAM, &current);
    const auto other = static_cast<GLuint>(current);
    static const GLuint plain = plain_program(other);  // as long as the one context of this program
    std::array<GLfloat, 16> projection{};
    glGetUniformfv(other, glGetUniformLocation(other, "ProjMtx"), projection.data());
    glUseProgram(plain);
    glUniformMatrix4fv(glGetUniformLocation(plain, "ProjMtx"), 1, GL_FALSE, projection.data());
    glDisable(GL_BLEND);
}

}  // namespace

Texture::~Texture() {
    if (name_) glDeleteTextures(1, &name_);
}

bool Texture::show(const std::shared_ptr<const Picture>& picture) {
    if (!picture || picture == picture_) return false;
    const bool fresh = name_ == 0 || picture->width != width_ || picture->height != height_;
    if (name_ == 0) glGenTextures(1, &name_);
    glBindTexture(GL_TEXTURE_2D, name_);
    const bool is_bgrx = !picture->bgrx.empty();
    const uint8_t* pixels = is_bgrx ? picture->bgrx.data() : picture->rgb.data();
    const GLenum layout = is_bgrx ? GL_BGRA : GL_RGB;
    glPixelStorei(GL_UNPACK_ALIGNMENT, 1);
    if (fresh) {
        glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_LINEAR);
        glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_LINEAR);
        glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_S, GL_CLAMP_TO_EDGE);
        glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_T, GL_CLAMP_TO_EDGE);
        glTexImage2D(GL_TEXTURE_2D, 0, is_bgrx ? GL_RGBA : GL_RGB, picture->width, picture->height, 0, layout,
                     GL_UNSIGNED_BYTE, pixels);
    } else {
        glTexSubImage2D(GL_TEXTURE_2D, 0, 0, 0, width_, height_, layout, GL_UNSIGNED_BYTE, pixels);
    }
    picture_ = picture;
    width_ = picture->width;
    height_ = picture->height;
    return true;
}

void Texture::draw(ImDrawList& list, ImVec2 from, ImVec2 to) const {
    list.AddCallback([](const ImDrawList*, const ImDrawCmd*) { draw_plainly(); }, nullptr);
    list.AddImage(id(), from, to);
    list.AddCallback(ImDrawCallback_ResetRenderState, nullptr);
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
