#include <GLFW/glfw3.h>

#include <algorithm>
#include <cmath>

#include "app/desktop/window_layout.h"

namespace lv {
namespace {

bool pressed(int key, bool repeats = false) { return ImGui::IsKeyPressed(key, repeats); }

// J and L: the first press plays at the speed of the film, each further one twice as fast, up to 8.
double faster(double rate, bool playing, double direction) {
    if (!playing || rate * direction < 0) return direction;
    return direction * std::min(std::abs(rate) * 2, 8.0);
}

}  // namespace

// With a text field active only keys with Ctrl, function keys and Esc are ours.
void WindowLayout::take_keys(Desk& desk) {
    const ImGuiIO& io = ImGui::GetIO();
    Settings& settings = desk.settings;
    if (io.KeyCtrl && pressed(GLFW_KEY_Q)) outcome_.quit = true;
    if (pressed(GLFW_KEY_F11)) outcome_.toggle_full_screen = true;
    const float grow = io.KeyCtrl && (pressed(GLFW_KEY_EQUAL) || pressed(GLFW_KEY_KP_ADD))        ? 1.0f
                       : io.KeyCtrl && (pressed(GLFW_KEY_MINUS) || pressed(GLFW_KEY_KP_SUBTRACT)) ? -1.0f
                                                                                                  : 0.0f;
    if (grow != 0) {
        settings.font_px = std::clamp(settings.font_px + grow, 11.0f, 28.0f);
        outcome_.new_look = true;
    }
    if (dialog_visible()) return;
    if (pressed(GLFW_KEY_F1)) help_.show();
    if (pressed(GLFW_KEY_F2)) settings_.show();
    if (io.KeyCtrl && pressed(GLFW_KEY_O)) files_.show_open();
    if (pressed(GLFW_KEY_ESCAPE) && desk.view.answering()) desk.view.stop_answer();
    if (io.WantTextInput || io.KeyCtrl) return;
    if (pressed(GLFW_KEY_O)) files_.show_open();
    if (pressed(GLFW_KEY_E)) export_wanted_ = true;
    if (io.KeyShift && pressed(GLFW_KEY_S)) {
        if (desk.view.can_go_on())
            desk.view.go_on();
        else
            desk.view.stop_watching();
    }
    if (pressed(GLFW_KEY_W)) chat_.focus_standing();
    if (pressed(GLFW_KEY_M)) settings.show_meters = !settings.show_meters;
    if (pressed(GLFW_KEY_B)) settings.show_boxes = !settings.show_boxes;
    if (pressed(GLFW_KEY_N)) settings.show_names = !settings.show_names;
    if (pressed(GLFW_KEY_SLASH) || pressed(GLFW_KEY_TAB)) chat_.focus();
    if (pressed(GLFW_KEY_T)) {
        settings.theme = settings.theme == Theme::dark ? Theme::light : Theme::dark;
        outcome_.new_look = true;
    }
    take_player_keys(desk);
}

void WindowLayout::take_player_keys(Desk& desk) {
    constexpr int64_t second_us = 1'000'000;
    const int64_t jump_us = (ImGui::GetIO().KeyShift ? 30 : 5) * second_us;
    SessionView& view = desk.view;
    if (pressed(GLFW_KEY_LEFT, true)) view.seek(view.position_us() - jump_us);
    if (pressed(GLFW_KEY_RIGHT, true)) view.seek(view.position_us() + jump_us);
    if (pressed(GLFW_KEY_HOME)) view.seek(0);
    if (pressed(GLFW_KEY_END)) view.seek(view.length_us());
    if (pressed(GLFW_KEY_LEFT_BRACKET)) next_moment(desk, -1);
    if (pressed(GLFW_KEY_RIGHT_BRACKET)) next_moment(desk, 1);
    if (pressed(GLFW_KEY_PAGE_UP)) view.seek_video(-1);
    if (pressed(GLFW_KEY_PAGE_DOWN)) view.seek_video(1);
    Player* player = view.player();
    if (!player) return;
    const PlayerState state = player->state();
    if (pressed(GLFW_KEY_SPACE) || pressed(GLFW_KEY_K)) {
        if (state.playing)
            player->pause();
        else
            player->play();
    }
    if (pressed(GLFW_KEY_J)) player->play(faster(state.rate, state.playing, -1));
    if (pressed(GLFW_KEY_L)) player->play(faster(state.rate, state.playing, 1));
    if (pressed(GLFW_KEY_COMMA, true)) player->step(-1);
    if (pressed(GLFW_KEY_PERIOD, true)) player->step(1);
}

void WindowLayout::next_moment(Desk& desk, int step) {
    const ChatTurn* turn = desk.view.evidence();
    if (!turn || turn->evidence.empty()) return;
    const int count = static_cast<int>(turn->evidence.size());
    moment_ = moment_ < 0 ? (step > 0 ? 0 : count - 1) : ((moment_ + step) % count + count) % count;
    desk.view.seek(turn->evidence[static_cast<size_t>(moment_)].start_us);
}

}  // namespace lv
