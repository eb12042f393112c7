#include <imgui.h>
#include <imgui_stdlib.h>

#include <algorithm>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "app/desktop/cost.h"
#include "app/desktop/panels.h"
#include "app/desktop/window_draw.h"

namespace lv {
namespace fs = std::filesystem;
namespace {

constexpr const char* popup = "##files";

bool pressed(ImGuiKey key) { return ImGui::IsKeyPressed(ImGui::GetKeyIndex(key)); }

fs::path home_folder() {
    const char* home = std::getenv("HOME");
    return home && *home ? fs::path(home) : fs::path("/");
}

}  // namespace

void OpenPanel::show_open() {
    opening_ = true;
    saving_ = false;
    title_ = "Open";
}

void OpenPanel::show_save(std::string title, std::string name, std::vector<std::string> extensions) {
    opening_ = saving_ = true;
    title_ = std::move(title);
    name_ = std::move(name);
    extensions_ = std::move(extensions);
}

std::optional<fs::path> OpenPanel::take_saved() { return std::exchange(saved_, std::nullopt); }

void OpenPanel::enter(const fs::path& folder, Desk& desk) {
    list_ = list_folder(folder);
    marked_ = 0;
    problem_ = list_.error;
    if (list_.error.empty()) desk.settings.folder = list_.folder.string();
    path_line_ = list_.folder.string();
}

void OpenPanel::draw(Desk& desk) {
    if (std::exchange(opening_, false)) {
        std::error_code ignored;
        const fs::path last = desk.settings.folder;
        const fs::path opened =
            desk.settings.recent.empty() ? "" : fs::path(desk.settings.recent.front()).parent_path();
        enter(!last.empty() && fs::is_directory(last, ignored)       ? last
              : !opened.empty() && fs::is_directory(opened, ignored) ? fs::absolute(opened)
                                                                     : home_folder(),
              desk);
        ImGui::OpenPopup(popup);
        just_shown_ = true;
    }
    const Look& look = desk.look;
    const ImVec2 screen = ImGui::GetIO().DisplaySize;
    const ImVec2 size(std::min(look.px(860), screen.x - look.px(40)), std::min(look.px(560), screen.y - look.px(40)));
    ImGui::SetNextWindowPos({screen.x / 2, screen.y / 2}, ImGuiCond_Always, {0.5f, 0.5f});
    ImGui::SetNextWindowSize(size);
    ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(look.px(20), look.px(18)));
    ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, look.px(12));
    visible_ = ImGui::BeginPopupModal(popup, nullptr, ImGuiWindowFlags_NoTitleBar | ImGuiWindowFlags_NoResize);
    ImGui::PopStyleVar(2);
    if (!visible_) return;
    ImGui::PushFont(look.title);
    ImGui::TextUnformatted(title_.c_str());
    ImGui::PopFont();
    ImGui::Dummy({1, look.px(2)});
    const float places = look.px(230), foot = look.px(saving_ ? 92 : 84);
    const ImVec2 corner = ImGui::GetCursorScreenPos();
    const float tall = ImGui::GetContentRegionAvail().y - foot;
    ImGui::BeginChild("places", {places, tall});
    draw_places(desk);
    if (!saving_) draw_recent(desk);
    ImGui::EndChild();
    ImGui::SetCursorScreenPos({corner.x + places + look.px(14), corner.y});
    ImGui::PushStyleColor(ImGuiCol_ChildBg, look.colours.back);
    ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(look.px(8), look.px(8)));
    ImGui::BeginChild("list", {0, tall}, false, ImGuiWindowFlags_AlwaysUseWindowPadding);
    draw_list(desk);
    ImGui::EndChild();
    ImGui::PopStyleVar();
    ImGui::PopStyleColor();
    draw_foot(desk);
    move(desk);
    just_shown_ = false;
    ImGui::EndPopup();
}

void OpenPanel::draw_places(Desk& desk) {
    const Look& look = desk.look;
    ImGui::PushFont(look.small_text);
    ImGui::TextDisabled("PLACES");
    ImGui::PopFont();
    const float width = ImGui::GetContentRegionAvail().x;
    const fs::path home = home_folder();
    std::error_code ignored;
    for (const auto& [name, place] : {std::pair<std::string, fs::path>{"Home", home},
                                      {"Videos", home / "Videos"},
                                      {"Downloads", home / "Downloads"},
                                      {"Computer", "/"}})
        if (fs::is_directory(place, ignored) && quiet_button(look, name, width, look.colours.text)) enter(place, desk);
}

void OpenPanel::draw_recent(Desk& desk) {
    const Look& look = desk.look;
    if (desk.settings.recent.empty()) return;
    ImGui::Dummy({1, look.px(6)});
    ImGui::PushFont(look.small_text);
    ImGui::TextDisabled("RECENT");
    ImGui::PopFont();
    const std::vector<std::string> recent = desk.settings.recent;
    for (const std::string& source : recent) {
        const std::string name = fs::path(source).filename().string();
        ImGui::PushID(source.c_str());
        if (quiet_button(look, name.empty() ? source : name, ImGui::GetContentRegionAvail().x, look.colours.text))
            accept(desk, source);
        hint(look, source.c_str());
        ImGui::PopID();
    }
}

void OpenPanel::draw_list(Desk& desk) {
    const Look& look = desk.look;
    if (list_.entries.empty()) ImGui::TextDisabled(problem_.empty() ? "No video and no folder here." : "");
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const float row = look.text->FontSize + look.px(13), width = ImGui::GetContentRegionAvail().x;
    std::optional<size_t> chosen;
    for (size_t i = 0; i < list_.entries.size(); ++i) {
        const FolderEntry& entry = list_.entries[i];
        const ImVec2 at = ImGui::GetCursorScreenPos();
        ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, ImVec2(0, look.px(1)));
        if (i != marked_ && !ImGui::IsRectVisible({width, row})) {  // folders may hold thousands
            ImGui::Dummy({width, row});
            ImGui::PopStyleVar();
            continue;
        }
        ImGui::PushID(static_cast<int>(i));
        if (ImGui::InvisibleButton("entry", {width, row})) {
            marked_ = i;
            if (entry.is_folder || !saving_) chosen = i;
        }
        ImGui::PopStyleVar();
        ImGui::PopID();
        const bool marked = i == marked_;
        if (marked || ImGui::IsItemHovered())
            list.AddRectFilled(at, {at.x + width, at.y + row}, marked ? look.colours.accent_soft : look.colours.raised,
                               look.px(6));
        if (marked && !ImGui::IsItemVisible()) ImGui::SetScrollHereY(0.5f);
        const float text_y = at.y + (row - look.text->FontSize) / 2;
        const ImVec2 icon_at(at.x + look.px(18), at.y + row / 2);
        draw_icon(list,
                  entry.is_folder   ? Icon::folder
                  : entry.is_memory ? Icon::memory
                                    : Icon::film,
                  icon_at, look.px(17), entry.is_folder ? look.colours.dim : look.colours.accent);
        draw_text(list, look.text, {at.x + look.px(38), text_y}, look.colours.text, entry.name, width - look.px(130));
        if (entry.is_folder) continue;
        const std::string bytes = short_bytes(static_cast<double>(entry.bytes));
        draw_text(list, look.small_text,
                  {at.x + width - text_size(look.small_text, bytes).x - look.px(10), text_y + look.px(1)},
                  look.colours.faint, bytes);
    }
    if (chosen) choose(desk, *chosen);
}

void OpenPanel::draw_foot(Desk& desk) {
    const Look& look = desk.look;
    ImGui::Dummy({1, look.px(2)});
    const bool can_add = !saving_ && desk.view.phase() != Phase::empty;
    const float buttons = look.px(can_add ? 290 : 190);
    ImGui::SetNextItemWidth(ImGui::GetContentRegionAvail().x - buttons - look.px(10));
    if (just_shown_) ImGui::SetKeyboardFocusHere();
    std::string& line = saving_ ? name_ : path_line_;
    const bool entered = ImGui::InputTextWithHint(
        "##path", saving_ ? "Name of the file" : "Path, rtsp://…, https://…, camera:0, screen:", &line,
        ImGuiInputTextFlags_EnterReturnsTrue | ImGuiInputTextFlags_AutoSelectAll);
    ImGui::SameLine();
    bool go = main_button(look, saving_ ? "Save" : "Open", {look.px(90), 0});
    ImGui::SameLine();
    bool adds = false;
    if (can_add) {
        adds = ImGui::Button("Add", {look.px(90), 0});
        hint(look, "Watch it into the memory that is open, behind what it holds");
        ImGui::SameLine();
        go |= adds;
    }
    if (ImGui::Button("Cancel", {look.px(90), 0}) || pressed(ImGuiKey_Escape)) ImGui::CloseCurrentPopup();
    if (entered || go) {
        std::error_code ignored;
        if (saving_)
            save(desk);
        else if (go && path_line_ == list_.folder.string())  // the folder as it is: a playlist
            accept(desk, path_line_, adds);
        else if (names_a_stream(path_line_) || fs::is_regular_file(path_line_, ignored))
            accept(desk, path_line_, adds);
        else if (path_line_ != list_.folder.string())
            enter(path_line_, desk);
        else if (marked_ < list_.entries.size())
            choose(desk, marked_);
    }
    ImGui::PushFont(look.small_text);
    ImGui::PushStyleColor(ImGuiCol_Text, problem_.empty() ? look.colours.faint : look.colours.bad);
    ImGui::TextUnformatted(!problem_.empty() ? problem_.c_str()
                           : saving_
                               ? list_.folder.string().c_str()
                               : "Enter opens what is marked; Open takes the whole folder, one video after the other.");
    ImGui::PopStyleColor();
    ImGui::PopFont();
}

// The arrow keys move the mark, also while the path is being typed.
void OpenPanel::move(Desk& desk) {
    if (list_.entries.empty()) return;
    if (pressed(ImGuiKey_DownArrow)) marked_ = std::min(marked_ + 1, list_.entries.size() - 1);
    if (pressed(ImGuiKey_UpArrow) && marked_ > 0) --marked_;
    if (pressed(ImGuiKey_PageDown)) marked_ = std::min(marked_ + 10, list_.entries.size() - 1);
    if (pressed(ImGuiKey_PageUp)) marked_ -= std::min<size_t>(marked_, 10);
    if (ImGui::GetIO().KeyAlt && pressed(ImGuiKey_UpArrow)) enter(list_.folder.parent_path(), desk);
}

void OpenPanel::choose(Desk& desk, size_t index) {
    const FolderEntry entry = list_.entries[index];
    const fs::path path = list_.folder / entry.name;
    if (entry.is_folder)
        enter(path, desk);
    else if (saving_)
        name_ = entry.name;
    else
        accept(desk, path.string());
}

void OpenPanel::accept(Desk& desk, const std::string& source, bool adds) {
    desk.source_wish = source;
    desk.adds = adds;
    ImGui::CloseCurrentPopup();
}

void OpenPanel::save(Desk& desk) {
    if (name_.empty()) {
        problem_ = "Give the file a name.";
        return;
    }
    fs::path path = list_.folder / name_;
    const std::string extension = path.extension().string();
    if (std::find(extensions_.begin(), extensions_.end(), extension) == extensions_.end()) {
        path += extensions_.front();
        name_ = path.filename().string();
    }
    saved_ = path;
    ImGui::CloseCurrentPopup();
}

}  // namespace lv
