#include <imgui.h>
#include <imgui_stdlib.h>

#include <algorithm>
#include <cmath>

#include "app/desktop/panels.h"
#include "app/desktop/window_draw.h"
#include "engine/prompt.h"

namespace lv {
namespace {

constexpr size_t most_thumbnails = 3;

std::string foot_of(const ChatTurn& turn) {
    if (turn.state != TurnState::answered) return "";
    const long first_ms = std::lround(static_cast<double>(turn.first_token_us) / 1000);
    return "first word after " + std::to_string(first_ms) + " ms, " + std::to_string(turn.tokens) +
           " tokens, seen up to " + written_time(turn.asked_at_us, turn.clock);
}

}  // namespace

void ChatPanel::draw(Desk& desk) {
    const Look& look = desk.look;
    draw_head(desk);
    if (shows_standing_) {
        told_seen_ = desk.view.told_in_all();
        return standing_.draw(desk);
    }
    const int lines = 1 + static_cast<int>(std::count(line_.begin(), line_.end(), '\n'));
    const float input = look.px(26) + look.text->FontSize * static_cast<float>(std::min(lines, 5));
    ImGui::PushStyleColor(ImGuiCol_ChildBg, IM_COL32(0, 0, 0, 0));
    ImGui::BeginChild("turns", {0, -input - look.px(8)});
    if (desk.view.turns().empty()) draw_start(desk);
    for (size_t i = 0; i < desk.view.turns().size(); ++i) draw_turn(desk, i);
    const bool at_end = ImGui::GetScrollY() >= ImGui::GetScrollMaxY() - look.px(40);
    const bool answering = desk.view.answering();
    if (wants_end_ || ((answering || was_answering_) && at_end)) ImGui::SetScrollHereY(1);
    was_answering_ = answering;  // what an answer rests on comes with its end
    wants_end_ = false;
    ImGui::EndChild();
    ImGui::PopStyleColor();
    draw_input(desk, input);
}

void ChatPanel::draw_head(Desk& desk) {
    const Look& look = desk.look;
    const ImVec2 corner = ImGui::GetCursorScreenPos();
    const float width = ImGui::GetContentRegionAvail().x;
    draw_tab(desk, "Ask", 0, false);
    draw_tab(desk, "Tell me when", desk.view.told_in_all() - told_seen_, true);
    if (!shows_standing_ && !desk.view.turns().empty()) {
        ImGui::SetCursorScreenPos({corner.x + width - look.px(28), corner.y});
        if (icon_button(look, "clear", Icon::clear, "Clear the conversation", false, 28)) desk.view.clear_chat();
    }
    ImGui::SetCursorScreenPos({corner.x, corner.y + look.px(36)});
}

// `count`: of what is new there.
void ChatPanel::draw_tab(Desk& desk, const char* name, size_t count, bool standing) {
    const Look& look = desk.look;
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const ImVec2 corner = ImGui::GetCursorScreenPos();
    const bool chosen = shows_standing_ == standing;
    const float wide = text_size(look.bold, name).x, top = corner.y + look.px(4);
    const std::string number = count > 99 ? "99+" : std::to_string(count);
    const float badge = count > 0 ? text_size(look.small_text, number).x + look.px(12) : 0;
    if (ImGui::InvisibleButton(name, {wide + badge + look.px(6), look.px(28)})) {
        if (standing)
            focus_standing();
        else
            focus();
    }
    const bool hovered = ImGui::IsItemHovered();
    draw_text(list, look.bold, {corner.x, top}, chosen || hovered ? look.colours.text : look.colours.faint, name);
    if (chosen)
        list.AddRectFilled({corner.x, top + look.bold->FontSize + look.px(4)},
                           {corner.x + wide, top + look.bold->FontSize + look.px(6)}, look.colours.accent, look.px(1));
    if (count > 0) {
        const ImVec2 from(corner.x + wide + look.px(6), top + look.px(1));
        list.AddRectFilled(from, {from.x + badge, from.y + look.small_text->FontSize + look.px(4)}, look.colours.accent,
                           look.px(9));
        draw_text(list, look.small_text, {from.x + look.px(6), from.y + look.px(1)}, look.colours.accent_text, number);
    }
    ImGui::SetCursorScreenPos({corner.x + wide + badge + look.px(24), corner.y});
}

void ChatPanel::draw_start(Desk& desk) {
    const Look& look = desk.look;
    ImGui::PushTextWrapPos(0);
    ImGui::PushStyleColor(ImGuiCol_Text, look.colours.dim);
    const bool open = desk.view.phase() != Phase::empty;
    ImGui::TextUnformatted(open ? "Ask about what is seen, while it is being watched or afterwards."
                                : "Open a video, then ask what is in it, where, how many, when.");
    ImGui::PopStyleColor();
    ImGui::PopTextWrapPos();
    ImGui::Dummy({0, look.px(6)});
    if (!open) {
        if (desk.settings.recent.empty()) return;
        ImGui::PushFont(look.small_text);
        ImGui::TextDisabled("RECENT");
        ImGui::PopFont();
        for (const std::string& source : desk.settings.recent) {
            const std::string name = std::filesystem::path(source).filename().string();
            ImGui::PushID(source.c_str());
            if (quiet_button(look, name.empty() ? source : name, ImGui::GetContentRegionAvail().x, look.colours.text))
                desk.source_wish = source;
            hint(look, source.c_str());
            ImGui::PopID();
        }
        return;
    }
    for (const std::string& question : desk.view.suggestions())
        if (quiet_button(look, question, ImGui::GetContentRegionAvail().x, look.colours.accent)) {
            desk.view.ask(question);
            recall_.add(question);
            wants_end_ = wants_focus_ = true;
        }
}

void ChatPanel::draw_turn(Desk& desk, size_t index) {
    const Look& look = desk.look;
    const ChatTurn& turn = desk.view.turns()[index];
    ImGui::PushID(static_cast<int>(index));
    if (index > 0) ImGui::Dummy({0, look.px(8)});
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const ImVec2 corner = ImGui::GetCursorScreenPos();
    const float width = ImGui::GetContentRegionAvail().x - look.px(8);
    const float wrap = width - look.px(52);
    const ImVec2 words = text_size(look.text, turn.question, wrap);
    const float left = corner.x + width - words.x - look.px(24);
    list.AddRectFilled({left, corner.y}, {corner.x + width, corner.y + words.y + look.px(16)}, look.colours.accent_soft,
                       look.px(12));
    list.AddText(look.text, look.text->FontSize, {left + look.px(12), corner.y + look.px(8)}, look.colours.text,
                 turn.question.c_str(), nullptr, wrap);
    ImGui::Dummy({width, words.y + look.px(18)});

    const bool failed = turn.state == TurnState::failed;
    if (turn.answer.empty() && turn.state == TurnState::waiting) {
        ImGui::TextDisabled("…");
    } else if (turn.answer.empty() && turn.state == TurnState::stopped) {
        ImGui::TextDisabled("Stopped.");
    } else {
        const ImU32 colour = failed ? look.colours.bad : look.colours.text;
        if (const int64_t time_us = flow_text(look, turn.answer, colour, failed ? nullptr : &turn.clock); time_us >= 0)
            desk.view.seek(time_us);
    }
    if (!turn.evidence.empty()) draw_moments(desk, turn, index);
    if (const std::string foot = foot_of(turn); !foot.empty()) {
        ImGui::PushFont(look.small_text);
        const ImVec2 at = ImGui::GetCursorScreenPos();
        draw_text(list, look.small_text, {at.x, at.y + look.px(4)}, look.colours.faint, foot, width - look.px(30));
        ImGui::SetCursorScreenPos({at.x + width - look.px(24), at.y});
        if (icon_button(look, "copy", Icon::copy, "Copy the answer", false, 24))
            ImGui::SetClipboardText(turn.answer.c_str());
        ImGui::PopFont();
    }
    ImGui::PopID();
}

void ChatPanel::draw_moments(Desk& desk, const ChatTurn& turn, size_t index) {
    const Look& look = desk.look;
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const ImVec2 corner = ImGui::GetCursorScreenPos();
    const float gap = look.px(8), width = ImGui::GetContentRegionAvail().x - look.px(8);
    const float wide = (width - gap * (most_thumbnails - 1)) / most_thumbnails, tall = wide * 0.62f;
    for (size_t i = 0; i < std::min(turn.evidence.size(), most_thumbnails); ++i) {
        const Moment& moment = turn.evidence[i];
        const ImVec2 from(corner.x + static_cast<float>(i) * (wide + gap), corner.y + look.px(2));
        const ImVec2 to(from.x + wide, from.y + tall);
        ImGui::SetCursorScreenPos(from);
        ImGui::PushID(static_cast<int>(i));
        if (ImGui::InvisibleButton("moment", {wide, tall + look.px(20)})) {
            desk.view.choose_evidence(index);
            desk.view.seek(moment.start_us);
        }
        ImGui::PopID();
        const bool hovered = ImGui::IsItemHovered();
        if (hovered) ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
        list.AddRectFilled(from, to, look.colours.raised, look.px(6));
        const int64_t middle_us = (moment.start_us + moment.end_us) / 2;
        const Thumbnail seen = desk.view.thumbnail_at(middle_us);
        if (seen.picture) {  // the middle of the picture, cut to the tile's shape
            const float shape = static_cast<float>(seen.picture->width) / static_cast<float>(seen.picture->height);
            const float cut_x = std::max(0.0f, 1 - (wide / tall) / shape) / 2;
            const float cut_y = std::max(0.0f, 1 - shape / (wide / tall)) / 2;
            list.AddImageRounded(desk.thumbnails.of(seen.picture), from, to, {cut_x, cut_y}, {1 - cut_x, 1 - cut_y},
                                 IM_COL32_WHITE, look.px(6));
        }
        if (hovered) list.AddRect(from, to, look.colours.evidence, look.px(6), 0, look.px(2));
        const std::string time = short_time(moment.start_us, turn.clock);
        const std::string share = std::to_string(std::lround(moment.weight * 100)) + "%";
        draw_text(list, look.small_text, {from.x + look.px(2), to.y + look.px(3)}, look.colours.evidence, time);
        draw_text(list, look.small_text, {to.x - text_size(look.small_text, share).x - look.px(2), to.y + look.px(3)},
                  look.colours.faint, share);
    }
    ImGui::SetCursorScreenPos({corner.x, corner.y + tall + look.px(24)});
    ImGui::Dummy({1, 0});
}

// Up and down walk through earlier questions while the line is a single one.
int ChatPanel::edit(ImGuiInputTextCallbackData* data) {
    ChatPanel& panel = *static_cast<ChatPanel*>(data->UserData);
    const int wanted = std::exchange(panel.wants_recall_, 0);
    if (wanted == 0) return 0;
    const std::string line(data->Buf, static_cast<size_t>(data->BufTextLen));
    const std::string& found = wanted < 0 ? panel.recall_.older(line) : panel.recall_.newer(line);
    data->DeleteChars(0, data->BufTextLen);
    data->InsertChars(0, found.c_str());
    return 0;
}

void ChatPanel::draw_input(Desk& desk, float height) {
    const Look& look = desk.look;
    const float button = look.px(34), width = ImGui::GetContentRegionAvail().x - button - look.px(8);
    ImGuiIO& io = ImGui::GetIO();
    const bool enter = ImGui::IsKeyPressed(ImGui::GetKeyIndex(ImGuiKey_Enter)) ||
                       ImGui::IsKeyPressed(ImGui::GetKeyIndex(ImGuiKey_KeyPadEnter));
    const bool control = io.KeyCtrl;
    if (enter && io.KeyShift) io.KeyCtrl = true;  // 1.86 makes a new line of Ctrl+Enter only
    if (ImGui::IsKeyPressed(ImGui::GetKeyIndex(ImGuiKey_UpArrow)) && line_.find('\n') == std::string::npos)
        wants_recall_ = -1;
    if (ImGui::IsKeyPressed(ImGui::GetKeyIndex(ImGuiKey_DownArrow)) && line_.find('\n') == std::string::npos)
        wants_recall_ = 1;
    const ImVec2 corner = ImGui::GetCursorScreenPos();
    ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, ImVec2(look.px(12), look.px(11)));
    ImGui::PushStyleVar(ImGuiStyleVar_FrameRounding, look.px(10));
    if (std::exchange(wants_focus_, false)) ImGui::SetKeyboardFocusHere();
    const bool sent =
        ImGui::InputTextMultiline("##line", &line_, {width, height},
                                  ImGuiInputTextFlags_EnterReturnsTrue | ImGuiInputTextFlags_CtrlEnterForNewLine |
                                      ImGuiInputTextFlags_CallbackAlways,
                                  edit, this);
    const bool active = ImGui::IsItemActive();
    ImGui::PopStyleVar(2);
    io.KeyCtrl = control;
    if (!active) wants_recall_ = 0;
    ImDrawList& list = *ImGui::GetWindowDrawList();
    if (active)
        list.AddRect(corner, {corner.x + width, corner.y + height}, look.colours.accent, look.px(10), 0, look.px(1.5f));
    if (line_.empty())
        draw_text(*ImGui::GetWindowDrawList(), look.text, {corner.x + look.px(12), corner.y + look.px(12)},
                  look.colours.faint, "When does a car first appear?", width - look.px(24));
    ImGui::SetCursorScreenPos({corner.x + width + look.px(8), corner.y + height - button - look.px(2)});
    if (desk.view.answering()) {
        if (icon_button(look, "stop", Icon::stop, "Stop the answer  Esc", true, 34)) desk.view.stop_answer();
    } else if (icon_button(look, "send", Icon::send, "Ask  Enter", !line_.empty(), 34)) {
        send(desk);
    }
    if (sent) send(desk);
}

void ChatPanel::send(Desk& desk) {
    const size_t first = line_.find_first_not_of(" \t\n");
    wants_focus_ = true;
    if (first == std::string::npos) return;
    const std::string question = line_.substr(first, line_.find_last_not_of(" \t\n") - first + 1);
    desk.view.ask(question);
    recall_.add(question);
    line_.clear();
    wants_end_ = true;
}

}  // namespace lv
