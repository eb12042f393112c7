#include <imgui.h>
#include <imgui_stdlib.h>

#include <algorithm>

#include "app/desktop/panels.h"
#include "app/desktop/window_draw.h"

namespace lv {
namespace {

constexpr std::array<const char*, 3> ideas{"a person appears", "more than 3 people", "every 30s: what is visible now"};

}  // namespace

void StandingPanel::draw(Desk& desk) {
    const Look& look = desk.look;
    draw_input(desk);
    ImGui::PushStyleColor(ImGuiCol_ChildBg, IM_COL32(0, 0, 0, 0));
    ImGui::BeginChild("standing");
    if (desk.view.standing().empty()) draw_start(desk);
    std::optional<size_t> unwanted;
    for (size_t i = 0; i < desk.view.standing().size(); ++i)
        if (draw_question(desk, i)) unwanted = i;
    if (unwanted) desk.view.remove_standing(*unwanted);
    if (!desk.view.told().empty()) {
        ImGui::Dummy({0, look.px(4)});
        ImGui::PushFont(look.small_text);
        ImGui::TextDisabled("TOLD");
        ImGui::PopFont();
        draw_events(desk);
    }
    ImGui::EndChild();
    ImGui::PopStyleColor();
}

void StandingPanel::draw_start(Desk& desk) {
    const Look& look = desk.look;
    ImGui::PushTextWrapPos(0);
    ImGui::PushStyleColor(ImGuiCol_Text, look.colours.dim);
    ImGui::TextUnformatted(
        "Say what you want to be told of; it is asked after every frame that is watched from now on.");
    ImGui::PopStyleColor();
    ImGui::PopTextWrapPos();
    ImGui::Dummy({0, look.px(4)});
    for (const char* idea : ideas)
        if (quiet_button(look, idea, ImGui::GetContentRegionAvail().x, look.colours.accent))
            problem_ = desk.view.add_standing(idea);
}

void StandingPanel::draw_input(Desk& desk) {
    const Look& look = desk.look;
    const float button = look.px(34), width = ImGui::GetContentRegionAvail().x - button - look.px(8);
    ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, ImVec2(look.px(12), look.px(9)));
    ImGui::PushStyleVar(ImGuiStyleVar_FrameRounding, look.px(10));
    ImGui::SetNextItemWidth(width);
    if (std::exchange(wants_focus_, false)) ImGui::SetKeyboardFocusHere();
    const std::string before = line_;
    bool add = ImGui::InputTextWithHint("##standing", "a person appears", &line_, ImGuiInputTextFlags_EnterReturnsTrue);
    ImGui::PopStyleVar(2);
    if (line_ != before) {
        problem_.clear();
        meaning_ = desk.view.standing_meaning(line_);
    }
    ImGui::SameLine();
    add |= icon_button(look, "add", Icon::add, "Tell me  Enter", !line_.empty(), 34);
    if (add && line_.find_first_not_of(' ') != std::string::npos) {
        problem_ = desk.view.add_standing(line_);
        if (problem_.empty()) {
            line_.clear();
            meaning_.clear();
        }
        wants_focus_ = true;
    }
    const std::string& words = problem_.empty() ? meaning_ : problem_;
    if (words.empty()) return;
    ImGui::PushFont(look.small_text);
    ImGui::PushTextWrapPos(0);
    ImGui::PushStyleColor(ImGuiCol_Text, problem_.empty() ? look.colours.dim : look.colours.bad);
    ImGui::TextUnformatted(words.c_str());
    ImGui::PopStyleColor();
    ImGui::PopTextWrapPos();
    ImGui::PopFont();
}

// True when the user wants it no longer.
bool StandingPanel::draw_question(Desk& desk, size_t index) {
    const Look& look = desk.look;
    const WatchItemState& state = desk.view.standing()[index];
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const ImVec2 corner = ImGui::GetCursorScreenPos();
    const float width = ImGui::GetContentRegionAvail().x - look.px(4);
    const float height = look.text->FontSize + look.small_text->FontSize + look.px(16);
    list.AddRectFilled(corner, {corner.x + width, corner.y + height}, look.colours.raised, look.px(8));
    list.AddCircleFilled({corner.x + look.px(15), corner.y + look.px(8) + look.text->FontSize / 2}, look.px(4.5f),
                         state.holds ? look.colours.good : look.colours.faint);
    const float left = corner.x + look.px(28), room = width - look.px(66);
    draw_text(list, look.text, {left, corner.y + look.px(6)}, look.colours.text, state.text, room);
    std::string words = state.answered_us < 0 ? "not asked yet" : state.last_answer;
    if (state.told > 0) words += "  ·  told " + std::to_string(state.told) + (state.told == 1 ? " time" : " times");
    if (state.left_out > 0) words += "  ·  " + std::to_string(state.left_out) + " frames left out";
    draw_text(list, look.small_text, {left, corner.y + look.px(9) + look.text->FontSize}, look.colours.dim, words,
              room);
    ImGui::PushID(static_cast<int>(index));
    ImGui::SetCursorScreenPos({corner.x + width - look.px(32), corner.y + (height - look.px(26)) / 2});
    const bool unwanted = icon_button(look, "remove", Icon::clear, "Tell me no longer", false, 26);
    ImGui::SetCursorScreenPos(corner);
    ImGui::Dummy({width - look.px(36), height});
    if (!state.meaning.empty()) hint(look, state.meaning.c_str());
    ImGui::PopID();
    return unwanted;
}

// The newest first, as many as are to be seen.
void StandingPanel::draw_events(Desk& desk) {
    const Look& look = desk.look;
    const auto& told = desk.view.told();
    const float row = look.text->FontSize + look.px(9);
    ImGuiListClipper clipper;
    clipper.Begin(static_cast<int>(told.size()), row + ImGui::GetStyle().ItemSpacing.y);
    while (clipper.Step())
        for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i) {
            const Told& event = told[told.size() - 1 - static_cast<size_t>(i)];
            const ImVec2 corner = ImGui::GetCursorScreenPos();
            const float width = ImGui::GetContentRegionAvail().x - look.px(4);
            ImGui::PushID(i);
            if (ImGui::InvisibleButton("event", {width, row})) desk.view.seek(event.since_us);
            ImGui::PopID();
            ImDrawList& list = *ImGui::GetWindowDrawList();
            if (ImGui::IsItemHovered()) {
                ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
                list.AddRectFilled(corner, {corner.x + width, corner.y + row}, look.colours.hover, look.px(6));
            }
            const std::string time = short_time(event.since_us, event.clock);
            const float wide = std::max(text_size(look.bold, time).x + look.px(12), look.px(62));
            const float y = corner.y + look.px(4);
            draw_text(list, look.bold, {corner.x + look.px(6), y}, look.colours.accent, time);
            draw_text(list, look.text, {corner.x + look.px(6) + wide, y}, look.colours.text,
                      event.regular ? event.answer : event.text, width - wide - look.px(12));
        }
}

}  // namespace lv
