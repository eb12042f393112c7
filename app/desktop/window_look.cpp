#include "app/desktop/window_look.h"

#include <cmath>
#include <string>
#include <system_error>

#include "app/model_path.h"

namespace lv {
namespace fs = std::filesystem;
namespace {

constexpr ImU32 rgb(unsigned hex) { return IM_COL32((hex >> 16) & 255, (hex >> 8) & 255, hex & 255, 255); }

constexpr Palette dark{rgb(0x0f1115),
                       rgb(0x171a20),
                       rgb(0x21252d),
                       rgb(0x2c313b),
                       rgb(0x2a2f38),
                       rgb(0xe8eaee),
                       rgb(0xa3acba),
                       rgb(0x717b8a),
                       rgb(0x6ea8fe),
                       rgb(0x0b1220),
                       rgb(0x1d2b43),
                       rgb(0xf4b740),
                       rgb(0x4cc38a),
                       rgb(0xff7b72),
                       {rgb(0x5bc0eb), rgb(0xf4a261), rgb(0x9bc53d), rgb(0xc77dff), rgb(0xff8fa3), rgb(0x2ec4b6),
                        rgb(0xffd166), rgb(0x8ea8ff)}};

constexpr Palette light{rgb(0xe9ecf1),
                        rgb(0xffffff),
                        rgb(0xf1f3f7),
                        rgb(0xe2e7ef),
                        rgb(0xd5dae3),
                        rgb(0x1a1e25),
                        rgb(0x525c6b),
                        rgb(0x7a8494),
                        rgb(0x1f5fd6),
                        rgb(0xffffff),
                        rgb(0xdde8fd),
                        rgb(0xb86e00),
                        rgb(0x197a4b),
                        rgb(0xc0342b),
                        {rgb(0x1787b8), rgb(0xc8641b), rgb(0x5a8a00), rgb(0x8a3fd1), rgb(0xd0456a), rgb(0x0d8f84),
                         rgb(0xa97a00), rgb(0x4a63d8)}};

// Latin, Greek, Cyrillic, punctuation, arrows and signs of mathematics: what Inter has.
constexpr ImWchar letters[] = {0x0020, 0x024f, 0x0370, 0x052f, 0x1e00, 0x1eff, 0x2000, 0x206f,
                               0x20a0, 0x20bf, 0x2190, 0x21ff, 0x2200, 0x22ff, 0};

ImFont* add_font(const fs::path& file, float px) {
    ImFontAtlas& atlas = *ImGui::GetIO().Fonts;
    ImFontConfig config;
    config.OversampleH = 2;
    config.OversampleV = 1;
    config.PixelSnapH = false;
    if (file.empty()) {
        config.SizePixels = px;
        return atlas.AddFontDefault(&config);
    }
    return atlas.AddFontFromFileTTF(file.string().c_str(), px, &config, letters);
}

void set_colours(const Palette& palette) {
    ImVec4* colours = ImGui::GetStyle().Colors;
    const auto set = [&](ImGuiCol index, ImU32 colour) { colours[index] = as_vector(colour); };
    set(ImGuiCol_Text, palette.text);
    set(ImGuiCol_TextDisabled, palette.faint);
    set(ImGuiCol_WindowBg, palette.back);
    set(ImGuiCol_ChildBg, palette.panel);
    set(ImGuiCol_PopupBg, palette.panel);
    set(ImGuiCol_Border, palette.line);
    set(ImGuiCol_FrameBg, palette.raised);
    set(ImGuiCol_FrameBgHovered, palette.hover);
    set(ImGuiCol_FrameBgActive, palette.hover);
    set(ImGuiCol_TitleBg, palette.panel);
    set(ImGuiCol_TitleBgActive, palette.panel);
    set(ImGuiCol_Button, palette.raised);
    set(ImGuiCol_ButtonHovered, palette.hover);
    set(ImGuiCol_ButtonActive, palette.accent_soft);
    set(ImGuiCol_Header, palette.accent_soft);
    set(ImGuiCol_HeaderHovered, palette.hover);
    set(ImGuiCol_HeaderActive, palette.accent_soft);
    set(ImGuiCol_CheckMark, palette.accent);
    set(ImGuiCol_SliderGrab, with_alpha(palette.accent, 0.55f));  // the figure stays readable behind it
    set(ImGuiCol_SliderGrabActive, with_alpha(palette.accent, 0.7f));
    set(ImGuiCol_Separator, palette.line);
    set(ImGuiCol_ScrollbarBg, with_alpha(palette.panel, 0));
    set(ImGuiCol_ScrollbarGrab, palette.hover);
    set(ImGuiCol_ScrollbarGrabHovered, palette.faint);
    set(ImGuiCol_ScrollbarGrabActive, palette.faint);
    set(ImGuiCol_TextSelectedBg, with_alpha(palette.accent, 0.35f));
    set(ImGuiCol_NavHighlight, palette.accent);
    set(ImGuiCol_ModalWindowDimBg, IM_COL32(0, 0, 0, 150));
    set(ImGuiCol_TableHeaderBg, palette.panel);
    set(ImGuiCol_TableBorderLight, palette.line);
    set(ImGuiCol_TableBorderStrong, palette.line);
}

void set_spacing(const Look& look) {
    ImGuiStyle& style = ImGui::GetStyle();
    style = ImGuiStyle();
    style.WindowPadding = {look.px(14), look.px(12)};
    style.FramePadding = {look.px(10), look.px(6)};
    style.ItemSpacing = {look.px(8), look.px(7)};
    style.ItemInnerSpacing = {look.px(7), look.px(6)};
    style.ScrollbarSize = look.px(10);
    style.GrabMinSize = look.px(10);
    style.WindowBorderSize = 0;
    style.ChildBorderSize = 0;
    style.PopupBorderSize = 1;
    style.FrameBorderSize = 0;
    style.WindowRounding = 0;
    style.ChildRounding = look.px(8);
    style.FrameRounding = look.px(6);
    style.PopupRounding = look.px(10);
    style.ScrollbarRounding = look.px(6);
    style.GrabRounding = look.px(6);
    style.TabRounding = look.px(6);
    style.AntiAliasedLinesUseTex = true;
    style.CircleTessellationMaxError = 0.2f;
}

}  // namespace

fs::path fonts_folder() {
    for (const fs::path& place :
         {program_folder() / "../share/longview/fonts", fs::path(LV_SOURCE_DIR) / "assets/fonts"}) {
        std::error_code ignored;
        if (fs::exists(place / "Inter-Regular.otf", ignored) && fs::exists(place / "Inter-SemiBold.otf", ignored))
            return place;
    }
    return {};
}

Look make_look(const Settings& settings, float screen_scale) {
    Look look;
    look.scale = settings.scale > 0 ? settings.scale : screen_scale;
    look.colours = settings.theme == Theme::light ? light : dark;
    set_spacing(look);
    set_colours(look.colours);
    const fs::path folder = fonts_folder();
    const fs::path regular = folder.empty() ? folder : folder / "Inter-Regular.otf";
    const fs::path bold = folder.empty() ? folder : folder / "Inter-SemiBold.otf";
    const float size = std::round(settings.font_px * look.scale);
    ImGui::GetIO().Fonts->Clear();
    look.text = add_font(regular, size);
    look.bold = add_font(bold, size);
    look.small_text = add_font(regular, std::round(size * 0.84f));
    look.title = add_font(bold, std::round(size * 1.25f));
    return look;
}

ImU32 Look::kind_over_picture(int kind) { return dark.kinds[colour_of(kind)]; }

ImU32 with_alpha(ImU32 colour, float alpha) {
    const auto shade = static_cast<ImU32>(static_cast<float>(colour >> IM_COL32_A_SHIFT) * alpha + 0.5f);
    return (colour & ~IM_COL32_A_MASK) | (shade << IM_COL32_A_SHIFT);
}

ImVec4 as_vector(ImU32 colour) { return ImGui::ColorConvertU32ToFloat4(colour); }

}  // namespace lv
