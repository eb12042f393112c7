// How the window looks: colours of the two themes, fonts at the screen's scale, and Dear ImGui's style made of them.
#pragma once

#include <imgui.h>

#include <filesystem>

#include "app/desktop/settings.h"

namespace lv {

struct Palette {
    ImU32 back, panel, raised, hover, line;  // from the window's ground upwards; line: between panels
    ImU32 text, dim, faint;                  // text; second and third rank
    ImU32 accent, accent_text, accent_soft;  // what can be pressed; text on it; its ground
    ImU32 evidence, good, bad;
    ImU32 kinds[8];  // of lanes and boxes
};

struct Look {
    Palette colours{};
    float scale = 1;  // px of the screen a px of the design
    ImFont* text = nullptr;
    ImFont* bold = nullptr;
    ImFont* small_text = nullptr;
    ImFont* title = nullptr;

    float px(float design) const { return design * scale; }
    ImU32 kind(int kind) const { return colours.kinds[colour_of(kind)]; }
    // Kinds that are often seen together are apart: people, vehicles, pets.
    static unsigned colour_of(int kind) { return static_cast<unsigned>(kind + kind / 8 * 3) % 8; }
    // Over a picture, in both themes: bright.
    static ImU32 kind_over_picture(int kind);
};

// The folder of Inter's two files: beside an installed program, or in the source tree. Empty: not found, and the
// window makes do with Dear ImGui's own font.
std::filesystem::path fonts_folder();

// Sets the style and colours of the running ImGui context and fills its font atlas anew; the caller uploads that.
// `screen_scale`: what the screen asks for, used when the settings name no scale.
Look make_look(const Settings& settings, float screen_scale);

ImU32 with_alpha(ImU32 colour, float alpha);
ImVec4 as_vector(ImU32 colour);

}  // namespace lv
