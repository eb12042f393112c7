#include "app/desktop/window_layout.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include "app/desktop/window_draw.h"
#include "engine/prompt.h"

namespace lv {
namespace {

constexpr float bar_px = 52, gap_px = 8;
constexpr double notice_s = 7, error_notice_s = 14;

ImGuiWindowFlags whole_screen() {
    return ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoSavedSettings |
           ImGuiWindowFlags_NoBackground | ImGuiWindowFlags_NoBringToFrontOnFocus | ImGuiWindowFlags_NoNavFocus |
           ImGuiWindowFlags_NoScrollWithMouse;
}

// A panel's child window at a place of the screen.
void begin_panel(const char* id, ImVec2 corner, ImVec2 size, ImVec2 padding) {
    ImGui::SetCursorScreenPos(corner);
    ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, padding);
    ImGui::BeginChild(
        id, size, false,
        ImGuiWindowFlags_AlwaysUseWindowPadding | ImGuiWindowFlags_NoScrollbar | ImGuiWindowFlags_NoScrollWithMouse);
    ImGui::PopStyleVar();
}

std::string status_of(const SessionView& view) {
    const Meters &meters = view.meters(), &whole = view.whole();
    std::array<char, 160> text{};
    switch (view.phase()) {
        case Phase::empty:
            return "";
        case Phase::loading:
            return view.trouble().empty() ? "opening …" : "not there, tried again";
        case Phase::watching: {
            if (!view.trouble().empty()) return "lost, tried again";
            std::string words = "watching ";
            if (const size_t videos = view.list().videos().size(); videos > 1)
                words += std::to_string(std::max<size_t>(view.list().in_memory(), 1)) + " of " +
                         std::to_string(videos) + ", ";
            words += written_time(meters.watched_us);
            if (meters.end_us > 0 && !view.watches_live()) words += " of " + written_time(meters.end_us);
            const double real = view.history().times_real_time();
            std::snprintf(text.data(), text.size(), real >= 10 ? ", %.0f× real time" : ", %.1f× real time", real);
            return real > 0 ? words + text.data() : words;
        }
        case Phase::watched:
            if (whole.frames == 0) return "opened, " + written_time(whole.watched_us) + " of video";
            std::snprintf(text.data(), text.size(), "watched, %lld frames in %.1f s",
                          static_cast<long long>(whole.frames), static_cast<double>(whole.elapsed_us) / 1e6);
            return text.data();
        case Phase::failed:
            return view.list().in_memory() > 0 ? "ended, its memory is kept" : "not opened";
    }
    return "";
}

}  // namespace

WindowLayout::Outcome WindowLayout::draw(SessionView& view, Settings& settings, const Look& look,
                                         ThumbnailTextures& thumbnails) {
    outcome_ = {};
    Desk desk{view, settings, look, thumbnails, {}, false};
    ImGui::SetNextWindowPos({0, 0});
    ImGui::SetNextWindowSize(ImGui::GetIO().DisplaySize);
    ImGui::Begin("longview", nullptr, whole_screen());
    draw_bar(desk);
    draw_columns(desk, look.px(bar_px));
    files_.draw(desk);
    outcome_.new_look |= settings_.draw(desk);
    help_.draw(desk);
    draw_export(desk);
    ImGui::End();
    draw_notices(desk);
    take_keys(desk);
    outcome_.covered = desk.covered;
    outcome_.fresh = std::move(desk.fresh);
    outcome_.fresh.insert(outcome_.fresh.end(), thumbnails.fresh().begin(), thumbnails.fresh().end());
    if (const auto path = files_.take_saved()) view.export_to(*path);
    if (!desk.source_wish.empty()) {
        if (desk.adds)
            view.add({desk.source_wish});
        else
            view.open(desk.source_wish);
        chat_.focus();
        moment_ = -1;
    }
    outcome_.focusing = chat_.focusing();
    return outcome_;
}

bool WindowLayout::dialog_visible() const {
    return files_.visible() || settings_.visible() || help_.visible() || export_visible_;
}

void WindowLayout::draw_bar(Desk& desk) {
    const Look& look = desk.look;
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const float height = look.px(bar_px), width = ImGui::GetIO().DisplaySize.x, middle = height / 2;
    // The mark: an eye that is a lens.
    const ImVec2 eye(look.px(28), middle);
    list.AddCircleFilled(eye, look.px(11), look.colours.accent, 32);
    list.AddCircleFilled(eye, look.px(6.5f), look.colours.back, 32);
    list.AddCircleFilled({eye.x + look.px(1.5f), eye.y - look.px(1.5f)}, look.px(3), look.colours.evidence, 24);
    draw_text(list, look.title, {look.px(48), middle - look.title->FontSize / 2}, look.colours.text, "Longview");
    float x = look.px(64) + text_size(look.title, "Longview").x;
    ImGui::SetCursorScreenPos({x, middle - look.px(16)});
    if (icon_button(look, "open", Icon::open, "Open  O")) files_.show_open();
    x += look.px(46);

    constexpr int buttons = 5;
    const float right = width - look.px(12) - look.px(36) * buttons;
    const std::string status = status_of(desk.view);
    const float status_wide = text_size(look.text, status).x;
    const float room = right - x - look.px(20);
    const float text_y = middle - look.text->FontSize / 2;
    const std::string title = desk.view.phase() == Phase::empty ? "" : desk.view.title();
    const float title_wide =
        std::min(text_size(look.bold, title).x, std::max(room - status_wide - look.px(16), look.px(60)));
    draw_text(list, look.bold, {x, text_y}, look.colours.text, title, title_wide + 1);
    x += title_wide + look.px(14);
    const ImU32 colour = desk.view.phase() == Phase::failed     ? look.colours.bad
                         : desk.view.phase() == Phase::watching ? look.colours.accent
                                                                : look.colours.dim;
    const char* const button = desk.view.phase() == Phase::watching ? "Stop watching"
                               : desk.view.can_go_on()              ? "Watch on"
                                                                    : nullptr;
    const float button_wide = button ? text_size(look.small_text, button).x + look.px(34) : 0;
    draw_text(list, look.text, {x, text_y}, colour, status, right - x - look.px(12) - button_wide);
    if (button) {
        x = std::min(x + status_wide + look.px(14), right - button_wide);
        ImGui::SetCursorScreenPos({x, middle - look.small_text->FontSize / 2 - look.px(5)});
        if (pill_button(look, button, look.colours.text)) {
            if (desk.view.can_go_on())
                desk.view.go_on();
            else
                desk.view.stop_watching();
        }
        hint(look, "Shift S");
    }

    x = right;
    const auto next = [&] {
        ImGui::SetCursorScreenPos({x, middle - look.px(16)});
        x += look.px(36);
    };
    next();
    if (icon_button(look, "export", Icon::save, "Save and export  E", desk.view.exporting())) export_wanted_ = true;
    next();
    if (icon_button(look, "meters", Icon::meters, "Meters  M", desk.settings.show_meters))
        desk.settings.show_meters = !desk.settings.show_meters;
    next();
    const bool dark = desk.settings.theme == Theme::dark;
    if (icon_button(look, "theme", dark ? Icon::sun : Icon::moon, dark ? "Light  T" : "Dark  T")) {
        desk.settings.theme = dark ? Theme::light : Theme::dark;
        outcome_.new_look = true;
    }
    next();
    if (icon_button(look, "settings", Icon::settings, "Settings  F2")) settings_.show();
    next();
    if (icon_button(look, "help", Icon::help, "Keys  F1")) help_.show();
}

void WindowLayout::splitter(const Desk& desk, const char* id, ImVec2 corner, ImVec2 size, float& share, float whole) {
    ImGui::SetCursorScreenPos(corner);
    ImGui::InvisibleButton(id, size);
    const bool upright = size.y > size.x, active = ImGui::IsItemActive();
    if (ImGui::IsItemHovered() || active) {
        ImGui::SetMouseCursor(upright ? ImGuiMouseCursor_ResizeEW : ImGuiMouseCursor_ResizeNS);
        const ImVec2 middle(corner.x + size.x / 2, corner.y + size.y / 2);
        const float half = desk.look.px(18), thick = desk.look.px(2);
        const ImVec2 reach = upright ? ImVec2(thick / 2, half) : ImVec2(half, thick / 2);
        ImGui::GetWindowDrawList()->AddRectFilled({middle.x - reach.x, middle.y - reach.y},
                                                  {middle.x + reach.x, middle.y + reach.y},
                                                  active ? desk.look.colours.accent : desk.look.colours.faint, thick);
    }
    if (!active) return;
    const ImVec2 moved = ImGui::GetIO().MouseDelta;
    share = std::clamp(share + (upright ? moved.x : moved.y) / std::max(whole, 1.0f), 0.2f, 0.9f);
}

void WindowLayout::draw_columns(Desk& desk, float top) {
    const Look& look = desk.look;
    const ImVec2 screen = ImGui::GetIO().DisplaySize;
    const float gap = look.px(gap_px), width = screen.x - 2 * gap, height = screen.y - top - gap;
    const float side = std::min(std::max(width * (1 - desk.settings.left_share), look.px(280)), width * 0.7f);
    const float left = width - side - gap;
    const float player =
        std::clamp(height * desk.settings.player_share, look.px(120), std::max(height - look.px(96), look.px(121)));
    ImGui::PushStyleColor(ImGuiCol_ChildBg, IM_COL32(0, 0, 0, 0));  // it draws its own
    begin_panel("player", {gap, top}, {left, player}, {0, 0});
    ImGui::PopStyleColor();
    player_.draw(desk);
    ImGui::EndChild();
    begin_panel("timeline", {gap, top + player + gap}, {left, height - player - gap}, {look.px(14), look.px(10)});
    timeline_.draw(desk);
    ImGui::EndChild();
    draw_side(desk, {gap + left + gap, top}, {side, height});
    splitter(desk, "##rows", {gap, top + player}, {left, gap}, desk.settings.player_share, height);
    splitter(desk, "##columns", {gap + left, top}, {gap, height}, desk.settings.left_share, width);
}

void WindowLayout::draw_side(Desk& desk, ImVec2 corner, ImVec2 size) {
    const Look& look = desk.look;
    const float gap = look.px(gap_px);
    const bool meters = desk.settings.show_meters && desk.view.phase() != Phase::empty;
    const float chat = meters ? std::clamp(size.y * desk.settings.chat_share, look.px(180),
                                           std::max(size.y - look.px(80), look.px(181)))
                              : size.y;
    const ImVec2 padding(look.px(14), look.px(12));
    begin_panel("chat", corner, {size.x, chat}, padding);
    chat_.draw(desk);
    ImGui::EndChild();
    if (!meters) return;
    begin_panel("meters", {corner.x, corner.y + chat + gap}, {size.x, size.y - chat - gap}, padding);
    meters_.draw(desk);
    ImGui::EndChild();
    splitter(desk, "##side", {corner.x, corner.y + chat}, {size.x, gap}, desk.settings.chat_share, size.y);
}

void WindowLayout::draw_export(Desk& desk) {
    const Look& look = desk.look;
    if (std::exchange(export_wanted_, false)) {
        ImGui::OpenPopup("##export");
        export_marked_ = 0;
    }
    ImGui::SetNextWindowPos({ImGui::GetIO().DisplaySize.x - look.px(12), look.px(bar_px)}, ImGuiCond_Always, {1, 0});
    ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(look.px(8), look.px(8)));
    export_visible_ = ImGui::BeginPopup("##export");
    ImGui::PopStyleVar();
    if (!export_visible_) return;
    struct Choice {
        const char* label;
        const char* title;
        const char* name;
        std::vector<std::string> extensions;
    };
    const std::array<Choice, 5> choices{
        {{"Memory, to be asked later", "Save the memory", ".lvm", {".lvm"}},
         {"Conversation as Markdown", "Export the conversation", "-answers.md", {".md", ".json"}},
         {"Conversation as JSON", "Export the conversation", "-answers.json", {".json", ".md"}},
         {"Captions as SRT", "Export captions", ".srt", {".srt", ".vtt", ".jsonl", ".txt"}},
         {"Captions as WebVTT", "Export captions", ".vtt", {".vtt", ".srt", ".jsonl", ".txt"}}}};
    const auto key = [](ImGuiKey_ name) { return ImGui::IsKeyPressed(ImGui::GetKeyIndex(name)); };
    const auto last = static_cast<int>(choices.size()) - 1;
    if (key(ImGuiKey_DownArrow)) export_marked_ = std::min(export_marked_ + 1, last);
    if (key(ImGuiKey_UpArrow)) export_marked_ = std::max(export_marked_ - 1, 0);
    // When it is let go: the dialog that comes would take a key that is still down.
    const auto let_go = [](ImGuiKey_ name) { return ImGui::IsKeyReleased(ImGui::GetKeyIndex(name)); };
    const bool takes = let_go(ImGuiKey_Enter) || let_go(ImGuiKey_KeyPadEnter);
    for (int i = 0; i <= last; ++i) {
        const Choice& choice = choices[static_cast<size_t>(i)];
        const ImVec2 size(look.px(220), look.text->FontSize + look.px(8));
        if (ImGui::Selectable(choice.label, i == export_marked_, 0, size) || (takes && i == export_marked_))
            files_.show_save(choice.title, desk.view.stem() + choice.name, choice.extensions);
        if (ImGui::IsItemHovered() && (ImGui::GetIO().MouseDelta.x != 0 || ImGui::GetIO().MouseDelta.y != 0))
            export_marked_ = i;
    }
    if (takes || key(ImGuiKey_Escape)) ImGui::CloseCurrentPopup();
    ImGui::EndPopup();
}

void WindowLayout::draw_notices(Desk& desk) {
    if (desk.view.notices().empty()) return;
    const Notice& notice = desk.view.notices().back();
    const double now_s = ImGui::GetTime();
    if (notice.number != newest_notice_) {
        newest_notice_ = notice.number;
        notice_since_s_ = now_s;
    }
    if (now_s - notice_since_s_ > (notice.is_error ? error_notice_s : notice_s)) return;
    const Look& look = desk.look;
    const ImVec2 screen = ImGui::GetIO().DisplaySize;
    ImGui::SetNextWindowPos({screen.x / 2, screen.y - look.px(28)}, ImGuiCond_Always, {0.5f, 1});
    ImGui::SetNextWindowSizeConstraints({0, 0}, {std::min(look.px(640), screen.x - look.px(40)), FLT_MAX});
    ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, look.px(10));
    ImGui::PushStyleVar(ImGuiStyleVar_WindowBorderSize, 1);
    ImGui::PushStyleColor(ImGuiCol_WindowBg, look.colours.raised);
    ImGui::PushStyleColor(ImGuiCol_Border, notice.is_error ? look.colours.bad : look.colours.line);
    ImGui::Begin("##notice", nullptr,
                 ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_AlwaysAutoResize | ImGuiWindowFlags_NoMove |
                     ImGuiWindowFlags_NoFocusOnAppearing | ImGuiWindowFlags_NoNav | ImGuiWindowFlags_NoSavedSettings);
    ImGui::PushTextWrapPos(look.px(610));
    ImGui::TextUnformatted(notice.text.c_str());
    ImGui::PopTextWrapPos();
    if (ImGui::IsWindowHovered() && ImGui::IsMouseClicked(0)) notice_since_s_ = -1e9;
    ImGui::End();
    ImGui::PopStyleColor(2);
    ImGui::PopStyleVar(2);
}

}  // namespace lv
