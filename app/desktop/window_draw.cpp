#include "app/desktop/window_draw.h"

#include <algorithm>

#include "app/desktop/chat_log.h"

namespace lv {
namespace {

struct Piece {
    std::string_view text;
    int64_t time_us = -1;
};

// Words with the spaces behind them; a time is a piece of its own.
std::vector<Piece> pieces_of(std::string_view text, const VideoClock* clock) {
    std::vector<Piece> pieces;
    const std::vector<TimeLink> times = clock ? time_links(text, *clock) : std::vector<TimeLink>{};
    size_t at = 0;
    const auto add_words = [&](size_t end) {
        while (at < end) {
            size_t stop = at;
            while (stop < end && text[stop] != ' ' && text[stop] != '\n') ++stop;
            if (stop < end) ++stop;
            pieces.push_back({text.substr(at, stop - at), -1});
            at = stop;
        }
    };
    for (const TimeLink& link : times) {
        add_words(link.first);
        pieces.push_back({text.substr(link.first, link.length), link.time_us});
        at = link.first + link.length;
    }
    add_words(text.size());
    return pieces;
}

}  // namespace

ImVec2 text_size(ImFont* font, std::string_view text, float wrap) {
    return font->CalcTextSizeA(font->FontSize, FLT_MAX, wrap, text.data(), text.data() + text.size());
}

void draw_text(ImDrawList& list, ImFont* font, ImVec2 at, ImU32 colour, std::string_view text, float width) {
    const auto put = [&](ImVec2 where, std::string_view part) {
        list.AddText(font, font->FontSize, where, colour, part.data(), part.data() + part.size());
    };
    if (text_size(font, text).x <= width) return put(at, text);
    constexpr std::string_view dots = "…";
    const float room = width - text_size(font, dots).x;
    size_t end = text.size();
    while (end > 0 && text_size(font, text.substr(0, end)).x > room) {
        --end;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not inside a letter
    }
    put(at, text.substr(0, end));
    put({at.x + text_size(font, text.substr(0, end)).x, at.y}, dots);
}

void hint(const Look& look, const char* text) {
    if (!ImGui::IsItemHovered() || !text || !*text) return;
    ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(look.px(10), look.px(6)));
    ImGui::PushFont(look.small_text);
    ImGui::BeginTooltip();
    ImGui::TextUnformatted(text);
    ImGui::EndTooltip();
    ImGui::PopFont();
    ImGui::PopStyleVar();
}

bool icon_button(const Look& look, const char* id, Icon icon, const char* hint_text, bool on, float side) {
    const float size = look.px(side);
    const ImVec2 corner = ImGui::GetCursorScreenPos();
    const bool pressed = ImGui::InvisibleButton(id, {size, size});
    const bool hovered = ImGui::IsItemHovered();
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const ImVec2 far_corner(corner.x + size, corner.y + size);
    if (on || hovered)
        list.AddRectFilled(corner, far_corner, on ? look.colours.accent_soft : look.colours.hover, look.px(7));
    const ImU32 colour = on ? look.colours.accent : hovered ? look.colours.text : look.colours.dim;
    draw_icon(list, icon, {corner.x + size / 2, corner.y + size / 2}, size * 0.5f, colour);
    hint(look, hint_text);
    return pressed;
}

bool main_button(const Look& look, const char* label, ImVec2 size) {
    ImGui::PushStyleColor(ImGuiCol_Button, look.colours.accent);
    ImGui::PushStyleColor(ImGuiCol_ButtonHovered, with_alpha(look.colours.accent, 0.85f));
    ImGui::PushStyleColor(ImGuiCol_ButtonActive, with_alpha(look.colours.accent, 0.7f));
    ImGui::PushStyleColor(ImGuiCol_Text, look.colours.accent_text);
    ImGui::PushFont(look.bold);
    const bool pressed = ImGui::Button(label, size);
    ImGui::PopFont();
    ImGui::PopStyleColor(4);
    return pressed;
}

bool quiet_button(const Look& look, const std::string& label, float width, ImU32 colour) {
    const float height = look.text->FontSize + look.px(14);
    const ImVec2 corner = ImGui::GetCursorScreenPos();
    ImGui::PushID(label.c_str());
    const bool pressed = ImGui::InvisibleButton("quiet", {width, height});
    ImGui::PopID();
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const bool hovered = ImGui::IsItemHovered() || ImGui::IsItemFocused();
    list.AddRectFilled(corner, {corner.x + width, corner.y + height},
                       hovered ? look.colours.hover : look.colours.raised, look.px(8));
    draw_text(list, look.text, {corner.x + look.px(12), corner.y + look.px(7)}, colour, label, width - look.px(24));
    return pressed;
}

bool pill_button(const Look& look, const char* label, ImU32 colour) {
    const ImVec2 words = text_size(look.small_text, label), corner = ImGui::GetCursorScreenPos();
    const ImVec2 size(words.x + look.px(20), words.y + look.px(10));
    const bool pressed = ImGui::InvisibleButton(label, size);
    const bool hovered = ImGui::IsItemHovered() || ImGui::IsItemFocused();
    ImDrawList& list = *ImGui::GetWindowDrawList();
    list.AddRectFilled(corner, {corner.x + size.x, corner.y + size.y},
                       hovered ? look.colours.hover : look.colours.raised, size.y / 2);
    draw_text(list, look.small_text, {corner.x + look.px(10), corner.y + look.px(5)}, colour, label);
    return pressed;
}

int64_t flow_text(const Look& look, std::string_view text, ImU32 colour, const VideoClock* clock) {
    ImDrawList& list = *ImGui::GetWindowDrawList();
    ImFont* font = ImGui::GetFont();
    const ImVec2 corner = ImGui::GetCursorScreenPos();
    const float width = std::max(ImGui::GetContentRegionAvail().x, look.px(40));
    const float line = font->FontSize * 1.38f;
    ImVec2 at = corner;
    int64_t clicked = -1;
    int number = 0;
    for (const Piece& piece : pieces_of(text, clock)) {
        std::string_view word = piece.text;
        const bool breaks = !word.empty() && word.back() == '\n';
        if (breaks) word.remove_suffix(1);
        const std::string_view bare = word.substr(0, word.find_last_not_of(' ') + 1);
        if (at.x > corner.x && at.x + text_size(font, bare).x > corner.x + width) at = {corner.x, at.y + line};
        const float size = text_size(font, word).x;
        if (piece.time_us < 0) {
            draw_text(list, font, at, colour, word);
        } else {
            ImGui::SetCursorScreenPos(at);
            ImGui::PushID(number++);
            if (ImGui::InvisibleButton("time", {size, line})) clicked = piece.time_us;
            ImGui::PopID();
            const bool hovered = ImGui::IsItemHovered();
            if (hovered) ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
            draw_text(list, font, at, look.colours.accent, word);
            const float under = at.y + font->FontSize + look.px(1);
            list.AddLine({at.x, under}, {at.x + size, under}, with_alpha(look.colours.accent, hovered ? 1 : 0.45f),
                         look.px(1));
        }
        at.x += size;
        if (breaks) at = {corner.x, at.y + line};
    }
    ImGui::SetCursorScreenPos(corner);
    ImGui::Dummy({width, at.y + line - corner.y});
    return clicked;
}

}  // namespace lv
