// Small things that panels are drawn from: icons, buttons with icons, text that knows its room.
#pragma once

#include <imgui.h>

#include <string>
#include <string_view>

#include "app/desktop/window_look.h"
#include "engine/video_clock.h"

namespace lv {

enum class Icon {
    play,
    pause,
    back,
    forward,
    open,
    settings,
    sun,
    moon,
    boxes,
    names,
    send,
    stop,
    copy,
    clear,
    save,
    help,
    meters,
    folder,
    film,
    memory,
    up,
    add
};

// Inside a square of `size` px around `centre`.
void draw_icon(ImDrawList& list, Icon icon, ImVec2 centre, float size, ImU32 colour);

// A square button with an icon; `hint` is shown on hovering. `on`: drawn as switched on. Reached by Tab in dialogs.
bool icon_button(const Look& look, const char* id, Icon icon, const char* hint, bool on = false, float side = 32);

// As ImGui::Button, in the accent colour.
bool main_button(const Look& look, const char* label, ImVec2 size = {0, 0});

// A button without a ground until hovered: suggestions, recent files. `width`: of the whole.
bool quiet_button(const Look& look, const std::string& label, float width, ImU32 colour);

// A small button with words, as wide as they are.
bool pill_button(const Look& look, const char* label, ImU32 colour);

// Text at a place, cut with "…" where it would pass `width` px.
void draw_text(ImDrawList& list, ImFont* font, ImVec2 at, ImU32 colour, std::string_view text, float width = 1e9f);
ImVec2 text_size(ImFont* font, std::string_view text, float wrap = 0);

// A hint for the item drawn last.
void hint(const Look& look, const char* text);

// A wrapped text in which the times are links, where a clock says what they mean (null: no links). Returns the time
// that was clicked, or -1. Takes the width that is left.
int64_t flow_text(const Look& look, std::string_view text, ImU32 colour, const VideoClock* clock);

}  // namespace lv
