// The panels of the window: each draws one part of a SessionView and hands what the user does back to it.
//
// One thread, inside an ImGui frame. A panel keeps only what concerns its own look: what is typed, scrolled, dragged.
#pragma once

#include <imgui.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/desktop/chat_log.h"
#include "app/desktop/folder_list.h"
#include "app/desktop/session_view.h"
#include "app/desktop/settings.h"
#include "app/desktop/window_damage.h"
#include "app/desktop/window_look.h"
#include "app/desktop/window_textures.h"

namespace lv {

// What every panel is given.
struct Desk {
    SessionView& view;
    Settings& settings;
    const Look& look;
    ThumbnailTextures& thumbnails;
    std::string source_wish;           // to open after this frame, when a panel asks for it; empty: none
    bool adds = false;                 // to add it to what is open
    std::vector<ImTextureID> fresh{};  // textures whose picture has changed
    DrawRect covered{};                // by a picture: nothing below it is seen
};

class PlayerPanel {
   public:
    void draw(Desk& desk);  // fills the current child window

   private:
    void draw_picture(Desk& desk, const PlayerState& state, ImVec2 corner, ImVec2 size);
    void draw_bars(const Look& look, ImVec2 corner, ImVec2 far_corner, ImVec2 from, ImVec2 to) const;
    void draw_boxes(Desk& desk, int64_t time_us, ImVec2 corner, ImVec2 size) const;
    void draw_words(const Desk& desk, const PlayerState& state, ImVec2 corner, ImVec2 size) const;
    void draw_controls(Desk& desk, const PlayerState& state);
    Texture texture_;
};

class TimelinePanel {
   public:
    void draw(Desk& desk);

   private:
    struct Axis;         // from time to px
    struct CurveShape {  // what a drawn curve depends on
        uint64_t opened = 0, turn = 0;
        float left = 0, width = 0;
        double from_s = 0, to_s = 0;
        bool operator==(const CurveShape&) const = default;
    };
    Axis axis(const Desk& desk);
    void draw_videos(const Desk& desk, const Axis& axis, float top, float height) const;
    void draw_ruler(const Desk& desk, const Axis& axis, float top) const;
    void draw_watched(const Desk& desk, const Axis& axis, float top, float height) const;
    void draw_gaps(const Desk& desk, const Axis& axis, float middle, float half) const;
    void draw_told(const Desk& desk, const Axis& axis, float top, float height) const;
    void draw_lanes(const Desk& desk, const Axis& axis, float top, float height) const;
    void draw_spans(const Look& look, const Axis& axis, const KindLane& lane, float middle) const;
    void draw_evidence(const Desk& desk, const Axis& axis, float top, float height);
    void draw_name(const Look& look, const std::string& name, float top, float height, ImU32 colour) const;
    void draw_hover(Desk& desk, const Axis& axis, float time_x) const;
    const Moment* moment_at(const Desk& desk, const Axis& axis, ImVec2 mouse, float top) const;
    void act(Desk& desk, const Axis& axis, float evidence_top);

    double from_s_ = 0, to_s_ = 0;  // shown; to_s_ 0: all
    std::string shown_of_;          // the source that from_s_ and to_s_ belong to
    const Moment* hot_ = nullptr;   // under the mouse, in this frame
    bool on_moment_ = false;        // the button went down on one
    CurveShape curve_shape_;
    std::vector<float> curve_;  // by px: height, 0..1
};

// What the user wants to be told of, and what was told.
class StandingPanel {
   public:
    void draw(Desk& desk);
    void focus() { wants_focus_ = true; }
    bool focusing() const { return wants_focus_; }

   private:
    void draw_input(Desk& desk);
    void draw_start(Desk& desk);
    bool draw_question(Desk& desk, size_t index);
    void draw_events(Desk& desk);

    std::string line_, meaning_, problem_;
    bool wants_focus_ = false;
};

class ChatPanel {
   public:
    void draw(Desk& desk);
    void focus() {
        shows_standing_ = false;
        wants_focus_ = true;
    }
    // The line is about to be typed into, but does not take letters yet.
    bool focusing() const { return shows_standing_ ? standing_.focusing() : wants_focus_; }
    void focus_standing() {
        shows_standing_ = true;
        standing_.focus();
    }

   private:
    void draw_head(Desk& desk);
    void draw_tab(Desk& desk, const char* name, size_t count, bool standing);
    void draw_start(Desk& desk);
    void draw_turn(Desk& desk, size_t index);
    void draw_moments(Desk& desk, const ChatTurn& turn, size_t index);
    void draw_input(Desk& desk, float height);
    void send(Desk& desk);
    static int edit(ImGuiInputTextCallbackData* data);

    StandingPanel standing_;
    bool shows_standing_ = false;
    uint64_t told_seen_ = 0;  // events that the user has looked at
    std::string line_;
    Recall recall_;
    bool wants_focus_ = true;
    bool was_answering_ = false;
    bool wants_end_ = false;  // scroll to the newest turn
    int wants_recall_ = 0;    // -1 older, 1 newer
};

class MetersPanel {
   public:
    void draw(Desk& desk);

   private:
    void draw_figures(const Desk& desk) const;
    void draw_growth(const Desk& desk) const;
    void draw_cost(Desk& desk) const;
};

// The file browser, for opening and for saving.
class OpenPanel {
   public:
    void show_open();
    // Asks for a file name; `done` gets the path. `extensions`: of what may be written, the first is the default.
    void show_save(std::string title, std::string name, std::vector<std::string> extensions);
    void draw(Desk& desk);
    bool visible() const { return visible_; }
    // The path chosen for saving, once.
    std::optional<std::filesystem::path> take_saved();

   private:
    void enter(const std::filesystem::path& folder, Desk& desk);
    void draw_recent(Desk& desk);
    void draw_places(Desk& desk);
    void draw_list(Desk& desk);
    void draw_foot(Desk& desk);
    void move(Desk& desk);
    void choose(Desk& desk, size_t index);
    void accept(Desk& desk, const std::string& source, bool adds = false);
    void save(Desk& desk);

    bool visible_ = false, opening_ = false, saving_ = false, just_shown_ = false;
    FolderList list_;
    size_t marked_ = 0;
    std::string path_line_, name_, title_, problem_;
    std::vector<std::string> extensions_;
    std::optional<std::filesystem::path> saved_;
};

class SettingsPanel {
   public:
    void show() { opening_ = true; }
    // True when the look must be made anew.
    bool draw(Desk& desk);
    bool visible() const { return visible_; }

   private:
    bool draw_look(Desk& desk);
    void draw_watching(Desk& desk);
    bool opening_ = false, visible_ = false;
};

// The keys, on F1.
class HelpPanel {
   public:
    void show() { opening_ = true; }
    void draw(const Desk& desk);
    bool visible() const { return visible_; }

   private:
    bool opening_ = false, visible_ = false;
};

}  // namespace lv
