// Which part of the window ImGui's next frame changes: without a graphics card each pixel costs, and most frames change
// a picture or a figure alone.
#pragma once

#include <imgui.h>

#include <span>
#include <vector>

namespace lv {

// In px of ImGui; empty when nothing is in it.
struct DrawRect {
    ImVec2 from{1e9f, 1e9f}, to{-1e9f, -1e9f};
    bool empty() const { return from.x >= to.x || from.y >= to.y; }
    void add(ImVec2 point);
    void add(const DrawRect& other);
    DrawRect inside(const ImVec4& clip) const;
};

class DrawDamage {
   public:
    // What this frame changes against the one given before: everything the first time, and when the window's size is
    // another. `fresh`: textures whose picture has changed.
    DrawRect of(const ImDrawData& data, std::span<const ImTextureID> fresh);
    // The next frame changes everything.
    void forget() { lists_.clear(); }

   private:
    struct List {
        std::vector<ImDrawVert> vertices;
        std::vector<ImDrawIdx> indices;
        std::vector<ImDrawCmd> commands;
    };
    static List copy_of(const ImDrawList& list);
    static DrawRect extent(const List& list);
    static DrawRect extent(const List& list, const ImDrawCmd& command, size_t first, size_t end);
    static DrawRect between(const List& before, const List& after);
    static DrawRect between(const List& before, const ImDrawCmd& old_command, const List& after,
                            const ImDrawCmd& command);

    ImVec2 size_{0, 0};
    std::vector<List> lists_;
};

// Leaves of the frame only what lies in `part`.
void clip_to(ImDrawData& data, const DrawRect& part);

}  // namespace lv
