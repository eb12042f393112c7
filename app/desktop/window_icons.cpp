#include <array>
#include <cmath>

#include "app/desktop/window_draw.h"

namespace lv {
namespace {

// Draws in a square from -1 to 1.
struct Pen {
    ImDrawList& list;
    ImVec2 centre;
    float half;
    ImU32 colour;
    float width;

    ImVec2 at(float x, float y) const { return {centre.x + x * half, centre.y + y * half}; }
    void line(float x0, float y0, float x1, float y1) const { list.AddLine(at(x0, y0), at(x1, y1), colour, width); }
    void box(float x0, float y0, float x1, float y1, float round = 0.2f) const {
        list.AddRect(at(x0, y0), at(x1, y1), colour, round * half, 0, width);
    }
    void block(float x0, float y0, float x1, float y1, float round = 0.1f) const {
        list.AddRectFilled(at(x0, y0), at(x1, y1), colour, round * half);
    }
    void triangle(float x0, float y0, float x1, float y1, float x2, float y2) const {
        list.AddTriangleFilled(at(x0, y0), at(x1, y1), at(x2, y2), colour);
    }
    void ring(float x, float y, float radius) const { list.AddCircle(at(x, y), radius * half, colour, 0, width); }
    void disc(float x, float y, float radius) const { list.AddCircleFilled(at(x, y), radius * half, colour); }
    template <size_t N>
    void path(const std::array<ImVec2, N>& points, bool closed = false) const {
        for (const ImVec2& point : points) list.PathLineTo(at(point.x, point.y));
        list.PathStroke(colour, closed ? ImDrawFlags_Closed : 0, width);
    }
};

void rays(const Pen& pen, float from, float to) {
    for (int i = 0; i < 8; ++i) {
        const float angle = static_cast<float>(i) * 0.785398f, x = std::cos(angle), y = std::sin(angle);
        pen.line(x * from, y * from, x * to, y * to);
    }
}

// A disc of which another, up and to the right, has taken a bite: the two arcs meet at their crossings.
void draw_moon(const Pen& pen) {
    constexpr float radius = 0.85f, bite = 0.7f, away = 0.42f;  // of the disc, the bite, and how far its centre is
    const float far_x = std::sqrt(2.0f) * away;
    const float along = (far_x * far_x + radius * radius - bite * bite) / (2 * far_x);
    const float half = std::acos(along / radius), half_bite = std::acos((far_x - along) / bite);
    constexpr float turn = -0.785398f, pi = 3.141593f;
    pen.list.PathArcTo(pen.at(0, 0), pen.half * radius, turn + half, turn + 2 * pi - half, 32);
    pen.list.PathArcTo(pen.at(away, -away), pen.half * bite, turn + pi + half_bite, turn + pi - half_bite, 24);
    pen.list.PathStroke(pen.colour, ImDrawFlags_Closed, pen.width);
}

void draw_sliders(const Pen& pen) {
    for (const auto& [y, x] : {std::pair{-0.6f, 0.35f}, {0.0f, -0.35f}, {0.6f, 0.2f}}) {
        pen.line(-0.9f, y, 0.9f, y);
        pen.disc(x, y, 0.26f);
    }
}

void draw_question(const Pen& pen) {
    pen.ring(0, 0, 0.95f);
    pen.list.PathArcTo(pen.at(0, -0.2f), pen.half * 0.33f, 3.3f, 7.2f, 16);
    pen.list.PathLineTo(pen.at(0, 0.25f));
    pen.list.PathStroke(pen.colour, 0, pen.width);
    pen.disc(0, 0.55f, 0.11f);
}

}  // namespace

void draw_icon(ImDrawList& list, Icon icon, ImVec2 centre, float size, ImU32 colour) {
    const Pen pen{list, centre, size / 2, colour, std::max(size * 0.095f, 1.0f)};
    switch (icon) {
        case Icon::play:
            return pen.triangle(-0.6f, -0.85f, 0.9f, 0, -0.6f, 0.85f);
        case Icon::pause:
            pen.block(-0.65f, -0.8f, -0.18f, 0.8f);
            return pen.block(0.18f, -0.8f, 0.65f, 0.8f);
        case Icon::back:
            pen.triangle(0.8f, -0.75f, -0.35f, 0, 0.8f, 0.75f);
            return pen.block(-0.7f, -0.75f, -0.42f, 0.75f);
        case Icon::forward:
            pen.triangle(-0.8f, -0.75f, 0.35f, 0, -0.8f, 0.75f);
            return pen.block(0.42f, -0.75f, 0.7f, 0.75f);
        case Icon::open:
        case Icon::folder:
            return pen.path(
                std::array<ImVec2, 6>{
                    {{-0.9f, 0.7f}, {-0.9f, -0.7f}, {-0.25f, -0.7f}, {0.0f, -0.4f}, {0.9f, -0.4f}, {0.9f, 0.7f}}},
                true);
        case Icon::settings:
            return draw_sliders(pen);
        case Icon::sun:
            pen.ring(0, 0, 0.42f);
            return rays(pen, 0.68f, 0.98f);
        case Icon::moon:
            return draw_moon(pen);
        case Icon::boxes:
            pen.box(-0.9f, -0.9f, 0.35f, 0.35f);
            return pen.box(-0.3f, -0.3f, 0.9f, 0.9f);
        case Icon::names:
            pen.line(-0.7f, -0.75f, 0.7f, -0.75f);
            return pen.line(0, -0.75f, 0, 0.85f);
        case Icon::send:
            pen.line(0, 0.85f, 0, -0.75f);
            return pen.path(std::array<ImVec2, 3>{{{-0.65f, -0.15f}, {0, -0.82f}, {0.65f, -0.15f}}});
        case Icon::stop:
            return pen.block(-0.65f, -0.65f, 0.65f, 0.65f, 0.2f);
        case Icon::copy:
            pen.box(-0.35f, -0.35f, 0.85f, 0.85f);
            return pen.path(std::array<ImVec2, 4>{{{-0.6f, 0.4f}, {-0.85f, 0.4f}, {-0.85f, -0.85f}, {0.4f, -0.85f}}});
        case Icon::clear:
            pen.line(-0.65f, -0.65f, 0.65f, 0.65f);
            return pen.line(-0.65f, 0.65f, 0.65f, -0.65f);
        case Icon::save:
            pen.line(0, -0.9f, 0, 0.3f);
            pen.path(std::array<ImVec2, 3>{{{-0.5f, -0.15f}, {0, 0.38f}, {0.5f, -0.15f}}});
            return pen.path(std::array<ImVec2, 4>{{{-0.85f, 0.35f}, {-0.85f, 0.85f}, {0.85f, 0.85f}, {0.85f, 0.35f}}});
        case Icon::help:
            return draw_question(pen);
        case Icon::meters:
            pen.block(-0.85f, 0.1f, -0.4f, 0.85f);
            pen.block(-0.22f, -0.4f, 0.22f, 0.85f);
            return pen.block(0.4f, -0.85f, 0.85f, 0.85f);
        case Icon::film:
            pen.box(-0.9f, -0.7f, 0.9f, 0.7f);
            return pen.triangle(-0.25f, -0.35f, 0.4f, 0, -0.25f, 0.35f);
        case Icon::memory:
            pen.box(-0.65f, -0.65f, 0.65f, 0.65f);
            pen.box(-0.2f, -0.2f, 0.2f, 0.2f);
            for (const float x : {-0.35f, 0.35f}) {
                pen.line(x, -0.95f, x, -0.65f);
                pen.line(x, 0.65f, x, 0.95f);
            }
            return;
        case Icon::add:
            pen.line(0, -0.8f, 0, 0.8f);
            return pen.line(-0.8f, 0, 0.8f, 0);
        case Icon::up:
            pen.line(0, 0.8f, 0, -0.7f);
            return pen.path(std::array<ImVec2, 3>{{{-0.6f, -0.15f}, {0, -0.8f}, {0.6f, -0.15f}}});
    }
}

}  // namespace lv
