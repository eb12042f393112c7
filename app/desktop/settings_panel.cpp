#include <imgui.h>
#include <imgui_stdlib.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "app/desktop/panels.h"
#include "app/desktop/window_draw.h"

namespace lv {
namespace {

constexpr const char* popup = "##settings";
constexpr const char* keys_popup = "##keys";

void heading(const Look& look, const char* text) {
    ImGui::Dummy({1, look.px(6)});
    ImGui::PushFont(look.small_text);
    ImGui::TextDisabled("%s", text);
    ImGui::PopFont();
}

// A name on the left, the control that follows on the right.
void begin_row(const Look& look, const char* name) {
    const float y = ImGui::GetCursorPosY();
    ImGui::SetCursorPosY(y + ImGui::GetStyle().FramePadding.y);
    ImGui::TextUnformatted(name);
    ImGui::SameLine();
    ImGui::SetCursorPos({look.px(240), y});
    ImGui::SetNextItemWidth(ImGui::GetContentRegionAvail().x);
}

std::string short_number(double number) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%g", number);
    return text.data();
}

void draw_choice(std::string& value, const std::vector<std::string>& choices) {
    ImGui::PushStyleVar(ImGuiStyleVar_FrameBorderSize, 1);
    for (size_t i = 0; i < choices.size(); ++i) {
        if (i > 0) ImGui::SameLine();
        ImGui::PushID(&value);
        if (ImGui::RadioButton(choices[i].c_str(), value == choices[i])) value = choices[i];
        ImGui::PopID();
    }
    ImGui::PopStyleVar();
}

bool begin_dialog(const Desk& desk, const char* name, const char* title, float width, bool opens) {
    const Look& look = desk.look;
    if (opens) ImGui::OpenPopup(name);
    const ImVec2 screen = ImGui::GetIO().DisplaySize;
    ImGui::SetNextWindowPos({screen.x / 2, screen.y / 2}, ImGuiCond_Always, {0.5f, 0.5f});
    ImGui::SetNextWindowSize({std::min(look.px(width), screen.x - look.px(40)), 0});
    ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(look.px(22), look.px(18)));
    ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, look.px(12));
    const bool visible = ImGui::BeginPopupModal(name, nullptr, ImGuiWindowFlags_NoTitleBar | ImGuiWindowFlags_NoResize);
    ImGui::PopStyleVar(2);
    if (!visible) return false;
    ImGui::PushFont(look.title);
    ImGui::TextUnformatted(title);
    ImGui::PopFont();
    return true;
}

void end_dialog(const Look& look) {
    ImGui::Dummy({1, look.px(8)});
    ImGui::SetCursorPosX(ImGui::GetCursorPosX() + ImGui::GetContentRegionAvail().x - look.px(90));
    const bool escape = ImGui::IsKeyPressed(ImGui::GetKeyIndex(ImGuiKey_Escape)) && !ImGui::IsAnyItemActive();
    if (main_button(look, "Done", {look.px(90), 0}) || escape) ImGui::CloseCurrentPopup();
    ImGui::EndPopup();
}

}  // namespace

bool SettingsPanel::draw(Desk& desk) {
    visible_ = begin_dialog(desk, popup, "Settings", 560, std::exchange(opening_, false));
    if (!visible_) return false;
    const bool changed = draw_look(desk);
    draw_watching(desk);
    end_dialog(desk.look);
    return changed;
}

bool SettingsPanel::draw_look(Desk& desk) {
    Settings& settings = desk.settings;
    bool changed = false;
    heading(desk.look, "LOOK");
    begin_row(desk.look, "Theme");
    std::string theme = settings.theme == Theme::light ? "light" : "dark";
    draw_choice(theme, {"dark", "light"});
    const Theme chosen = theme == "light" ? Theme::light : Theme::dark;
    changed |= std::exchange(settings.theme, chosen) != chosen;
    begin_row(desk.look, "Size of text");
    ImGui::SliderFloat("##font", &settings.font_px, 11, 28, "%.0f px", ImGuiSliderFlags_AlwaysClamp);
    changed |= ImGui::IsItemDeactivatedAfterEdit();
    begin_row(desk.look, "Scale of everything");
    int scale = settings.scale == 0 ? 0 : static_cast<int>(settings.scale * 4 + 0.5f);
    const std::string written = scale == 0 ? "as the screen says" : short_number(std::max(scale * 0.25, 0.5)) + "×";
    if (ImGui::SliderInt("##scale", &scale, 0, 12, written.c_str())) {
        settings.scale = scale == 0 ? 0 : std::max(static_cast<float>(scale) / 4, 0.5f);
    }
    changed |= ImGui::IsItemDeactivatedAfterEdit();
    return changed;
}

void SettingsPanel::draw_watching(Desk& desk) {
    Settings& settings = desk.settings;
    heading(desk.look, "WATCHING, FROM THE NEXT VIDEO ON");
    begin_row(desk.look, "Frames a second");
    constexpr double least = 0.01, most = 60;
    ImGui::SliderScalar("##fps", ImGuiDataType_Double, &settings.fps, &least, &most, "%.2f",
                        ImGuiSliderFlags_Logarithmic | ImGuiSliderFlags_AlwaysClamp);
    begin_row(desk.look, "Key frames only");
    ImGui::PushStyleVar(ImGuiStyleVar_FrameBorderSize, 1);
    ImGui::Checkbox("faster, times less exact", &settings.keyframes);
    ImGui::PopStyleVar();
    begin_row(desk.look, "Threads");
    ImGui::SliderInt("##threads", &settings.threads, 0, 64, settings.threads == 0 ? "all cores" : "%d",
                     ImGuiSliderFlags_AlwaysClamp);
    begin_row(desk.look, "Device");
    draw_choice(settings.device, device_names());
    begin_row(desk.look, "Model folder");
    ImGui::InputTextWithHint("##model", "the one that came with it", &settings.model_dir);
    begin_row(desk.look, "Budget of the memory");
    constexpr uint64_t no_budget = 0, most_budget = 16384;
    ImGui::SliderScalar("##budget", ImGuiDataType_U64, &settings.budget_mib, &no_budget, &most_budget,
                        settings.budget_mib == 0 ? "none" : "%llu MiB", ImGuiSliderFlags_AlwaysClamp);
    begin_row(desk.look, "Precision of the memory");
    draw_choice(settings.cache, {"f16", "int8", "f32"});
    begin_row(desk.look, "Temperature");
    ImGui::SliderFloat("##temperature", &settings.temperature, 0, 2,
                       settings.temperature == 0 ? "0, always the likeliest word" : "%.2f",
                       ImGuiSliderFlags_AlwaysClamp);
    if (!desk.view.settings_wait()) return;
    ImGui::PushStyleColor(ImGuiCol_Text, desk.look.colours.evidence);
    ImGui::TextUnformatted("What is open stays as it was opened; this holds from the next one on.");
    ImGui::PopStyleColor();
}

void HelpPanel::draw(const Desk& desk) {
    visible_ = begin_dialog(desk, keys_popup, "Keys", 620, std::exchange(opening_, false));
    if (!visible_) return;
    const Look& look = desk.look;
    constexpr const char* keys[][2] = {{"Space or K", "play, pause"},
                                       {"J, L", "backwards, forwards; again: faster"},
                                       {"Left, Right", "5 seconds"},
                                       {"Shift + Left, Right", "30 seconds"},
                                       {", and .", "one picture back, on"},
                                       {"Home, End", "start, end"},
                                       {"[ and ]", "moments of the evidence, one after the other"},
                                       {"PageUp, PageDown", "the video before, the next"},
                                       {"B, N", "boxes, names"},
                                       {"/ or Tab", "to the question; Esc back"},
                                       {"Enter, Shift + Enter", "ask; new line"},
                                       {"Up, Down", "questions asked before"},
                                       {"Esc", "stop the answer"},
                                       {"O", "open"},
                                       {"E", "save the memory, export conversation or captions"},
                                       {"Shift + S", "stop watching; watch on"},
                                       {"W", "to what you want to be told of"},
                                       {"M", "meters"},
                                       {"T", "light or dark"},
                                       {"Ctrl + and −", "size of text"},
                                       {"F2", "settings"},
                                       {"F11", "full screen"},
                                       {"Ctrl + Q", "quit"}};
    for (const auto& [key, what] : keys) {
        ImGui::PushFont(look.bold);
        ImGui::TextUnformatted(key);
        ImGui::PopFont();
        ImGui::SameLine(look.px(220));
        ImGui::TextUnformatted(what);
    }
    ImGui::PushFont(look.small_text);
    ImGui::TextDisabled("On the timeline: wheel moves, Ctrl and wheel looks closer.");
    ImGui::PopFont();
    end_dialog(look);
}

}  // namespace lv
