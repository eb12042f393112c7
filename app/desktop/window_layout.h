// One frame of the window: the bar on top, the panels between their splitters, dialogs, notices and keys.
#pragma once

#include <string>

#include "app/desktop/panels.h"

namespace lv {

class WindowLayout {
   public:
    struct Outcome {
        bool quit = false;
        bool focusing = false;  // a line will take the letters that come, once it has drawn itself
        bool toggle_full_screen = false;
        bool new_look = false;           // theme, scale or size of text have changed
        std::vector<ImTextureID> fresh;  // textures whose picture has changed
        DrawRect covered;                // as Desk says
    };
    // Draws everything, into the whole of the display.
    Outcome draw(SessionView& view, Settings& settings, const Look& look, ThumbnailTextures& thumbnails);

   private:
    void draw_bar(Desk& desk);
    void draw_columns(Desk& desk, float top);
    void draw_side(Desk& desk, ImVec2 corner, ImVec2 size);
    void draw_export(Desk& desk);
    void draw_notices(Desk& desk);
    // Between two panels; changes `share` of `whole` px by dragging.
    void splitter(const Desk& desk, const char* id, ImVec2 corner, ImVec2 size, float& share, float whole);
    void take_keys(Desk& desk);
    void take_player_keys(Desk& desk);
    void next_moment(Desk& desk, int step);
    bool dialog_visible() const;

    PlayerPanel player_;
    TimelinePanel timeline_;
    ChatPanel chat_;
    MetersPanel meters_;
    OpenPanel files_;
    SettingsPanel settings_;
    HelpPanel help_;
    Outcome outcome_;
    bool export_wanted_ = false, export_visible_ = false;
    int export_marked_ = 0;  // of the choices
    uint64_t newest_notice_ = 0;
    double notice_since_s_ = 0;
    int moment_ = -1;  // of the evidence, that was sought last
};

}  // namespace lv
