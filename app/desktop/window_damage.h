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
    bool holds(const DrawRect& other) const {
        return from.x <= other.from.x && from.y <= other.from.y && to.x >= other.to.x && to.y >= other.to.y;
    }
    DrawRect inside(const ImVec4& clip) const;
    float area() const { return empty() ? 0 : (to.x - from.x) * (to.y - from.y); }
};

// Parts of the window that do not overlap, few of them: what lies between two changes is not drawn.
class DrawRegion {
   public:
    static constexpr size_t most_parts = 6;
    // Whole px around `rect` and `more` on each side, where a line is drawn softly; joined with parts that touch it or
    // are near.
    void add(const DrawRect& rect, float more = 1);
    // Leaves what is inside.
    void clip(const DrawRect& rect);
    bool empty() const { return parts_.empty(); }
    const std::vector<DrawRect>& parts() const { return parts_; }

   private:
    void place(DrawRect rect);
    std::vector<DrawRect> parts_;
};

class DrawDamage {
   public:
    // What this frame changes against the one given before: everything the first time, and when the window's size is
    // another. `fresh`: textures whose picture has changed.
    DrawRegion of(const ImDrawData& data, std::span<const ImTextureID> fresh);
    // The next frame changes everything.
    void forget() { lists_.clear(); }

   private:
    struct List {
        std::vector<ImDrawVert> vertices;
        std::vector<ImDrawIdx> indices;
        std::vector<ImDrawCmd> commands;
    };
    static List copy_of(const ImDrawList& list);
    static bool same(const List& before, const ImDrawList& now);
    static DrawRect extent(const List& list);
    static DrawRect extent(const List& list, const ImDrawCmd& command, size_t first, size_t end);
    static void between(const List& before, const List& after, DrawRegion& changed);
    static void between(const List& before, const ImDrawCmd& old_command, const List& after, const ImDrawCmd& command,
                        DrawRegion& changed);

    ImVec2 size_{0, 0};
    std::vector<List> lists_;
};

// Leaves of the frame only what lies in `region`; changes of the state stay.
void clip_to(ImDrawData& data, const DrawRegion& region);

}  // namespace lv
