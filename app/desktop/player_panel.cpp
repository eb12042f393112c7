#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "app/desktop/panels.h"
#include "app/desktop/window_draw.h"
#include "engine/prompt.h"

namespace lv {
namespace {

constexpr float controls_px = 48;                // height of the row of buttons
constexpr ImU32 night = IM_COL32(6, 7, 9, 255);  // around a picture

ImVec2 sum(ImVec2 a, ImVec2 b) { return {a.x + b.x, a.y + b.y}; }

// The largest rectangle of the picture's shape inside `size`; the rest is left to both sides.
ImVec2 fitted(float width, float height, ImVec2 size) {
    const float share = std::min(size.x / width, size.y / height);
    return {width * share, height * share};
}

// A picture that was made for this place is drawn px by px.
ImVec2 drawn_size(const Picture& picture, ImVec2 size) {
    const ImVec2 own(static_cast<float>(picture.width), static_cast<float>(picture.height));
    return std::abs(own.x - size.x) < 1.5f && std::abs(own.y - size.y) < 1.5f ? own : size;
}

// Four bars of whole px: a line that is drawn softly costs llvmpipe more than the picture below it.
void draw_frame(ImDrawList& list, ImVec2 from, ImVec2 to, float thick, ImU32 colour) {
    list.AddRectFilled({from.x, from.y}, {to.x, from.y + thick}, colour);
    list.AddRectFilled({from.x, to.y - thick}, {to.x, to.y}, colour);
    list.AddRectFilled({from.x, from.y + thick}, {from.x + thick, to.y - thick}, colour);
    list.AddRectFilled({to.x - thick, from.y + thick}, {to.x, to.y - thick}, colour);
}

std::string rate_text(double rate) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%s%g×", rate < 0 ? "−" : "", rate < 0 ? -rate : rate);
    return text.data();
}

}  // namespace

void PlayerPanel::draw(Desk& desk) {
    const PlayerState state = desk.view.player() ? desk.view.player()->state() : PlayerState{};
    const ImVec2 corner = ImGui::GetCursorScreenPos();
    const ImVec2 room = ImGui::GetContentRegionAvail();
    const float controls = desk.look.px(controls_px);
    const ImVec2 size(room.x, std::max(room.y - controls, 1.0f));
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const float round = desk.look.px(8);
    if (texture_.empty()) list.AddRectFilled(corner, sum(corner, size), night, round, ImDrawFlags_RoundCornersTop);
    list.AddRectFilled({corner.x, corner.y + size.y}, sum(corner, room), desk.look.colours.panel, round,
                       ImDrawFlags_RoundCornersBottom);
    draw_picture(desk, state, corner, size);
    draw_words(desk, state, corner, size);
    ImGui::SetCursorScreenPos({corner.x, corner.y + size.y});
    draw_controls(desk, state);
}

void PlayerPanel::draw_picture(Desk& desk, const PlayerState& state, ImVec2 corner, ImVec2 size) {
    std::shared_ptr<const Picture> picture = state.picture;
    int64_t time_us = desk.view.shown_start_us() + state.picture_us;
    if (!desk.view.player() && desk.view.frames()) {  // a live source: what the watching saw
        const Thumbnail seen =
            desk.view.shows_newest() ? desk.view.frames()->newest() : desk.view.thumbnail_at(desk.view.position_us());
        picture = seen.picture;
        time_us = seen.time_us;
    }
    if (desk.view.player()) {
        const ImVec2 whole =
            fitted(static_cast<float>(std::max(state.width, 16)), static_cast<float>(std::max(state.height, 9)), size);
        desk.view.set_picture_side(static_cast<int>(std::max(whole.x, whole.y)));
    }
    if (!picture) return;
    if (texture_.show(picture)) desk.fresh.push_back(texture_.id());
    const float width = static_cast<float>(state.width > 0 ? state.width : picture->width);
    const float height = static_cast<float>(state.height > 0 ? state.height : picture->height);
    const ImVec2 shown = drawn_size(*picture, fitted(width, height, size));
    const ImVec2 at(std::floor(corner.x + (size.x - shown.x) / 2), std::floor(corner.y + (size.y - shown.y) / 2));
    ImDrawList& list = *ImGui::GetWindowDrawList();
    list.PushClipRect(corner, sum(corner, size), true);
    draw_bars(desk.look, corner, sum(corner, size), at, sum(at, shown));
    texture_.draw(list, at, sum(at, shown));
    desk.covered = {at, sum(at, shown)};
    if (desk.settings.show_boxes) draw_boxes(desk, time_us, at, shown);
    list.PopClipRect();
    ImGui::SetCursorScreenPos(at);
    if (ImGui::InvisibleButton("picture", shown) && desk.view.player()) {
        if (state.playing)
            desk.view.player()->pause();
        else
            desk.view.player()->play();
    }
}

// What a picture leaves free of its place, [corner, far_corner]; nothing is drawn twice.
void PlayerPanel::draw_bars(const Look& look, ImVec2 corner, ImVec2 far_corner, ImVec2 from, ImVec2 to) const {
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const float round = look.px(8);
    if (from.x > corner.x)
        list.AddRectFilled(corner, {from.x, far_corner.y}, night, round, ImDrawFlags_RoundCornersTopLeft);
    if (to.x < far_corner.x)
        list.AddRectFilled({to.x, corner.y}, far_corner, night, round, ImDrawFlags_RoundCornersTopRight);
    if (from.y > corner.y)
        list.AddRectFilled({from.x, corner.y}, {to.x, from.y}, night, round, ImDrawFlags_RoundCornersTop);
    if (to.y < far_corner.y) list.AddRectFilled({from.x, to.y}, {to.x, far_corner.y}, night);
}

void PlayerPanel::draw_boxes(Desk& desk, int64_t time_us, ImVec2 corner, ImVec2 size) const {
    if (!desk.view.frames()) return;
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const Look& look = desk.look;
    std::vector<DrawRect> named;
    for (const SeenObject& seen : desk.view.frames()->boxes_at(time_us)) {
        const ImU32 colour = Look::kind_over_picture(seen.object.kind);
        const ImVec2 from(std::round(corner.x + seen.object.left * size.x),
                          std::round(corner.y + seen.object.top * size.y));
        const ImVec2 to(std::round(corner.x + seen.object.right * size.x),
                        std::round(corner.y + seen.object.bottom * size.y));
        draw_frame(list, from, to, std::round(look.px(1.6f)) + 1, IM_COL32(0, 0, 0, 130));
        draw_frame(list, from, to, std::round(look.px(1.6f)), colour);
        if (!desk.settings.show_names) continue;
        const std::string name = desk.view.kind_name(seen.object.kind);
        const ImVec2 words = text_size(look.small_text, name);
        const float top = std::max(from.y - std::round(words.y + look.px(3)), corner.y);
        const float left =
            std::round(std::clamp(from.x, corner.x, std::max(corner.x + size.x - words.x - look.px(8), corner.x)));
        const DrawRect place{{left, top}, {left + words.x + look.px(8), top + words.y + look.px(2)}};
        const bool hidden = std::any_of(named.begin(), named.end(), [&](const DrawRect& other) {
            return !place.inside({other.from.x, other.from.y, other.to.x, other.to.y}).empty();
        });
        if (hidden) continue;  // name over name could not be read
        named.push_back(place);
        list.AddRectFilled(place.from, place.to, IM_COL32(10, 12, 16, 205));
        draw_text(list, look.small_text, {left + look.px(4), top + look.px(1)}, colour, name);
    }
}

// What stands where no picture is, and errors over the picture.
void PlayerPanel::draw_words(const Desk& desk, const PlayerState& state, ImVec2 corner, ImVec2 size) const {
    const Look& look = desk.look;
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const ImVec2 middle(corner.x + size.x / 2, corner.y + size.y / 2);
    const auto centred = [&](ImFont* font, float y, ImU32 colour, const std::string& text) {
        const float wide = std::min(text_size(font, text).x, size.x - look.px(32));
        draw_text(list, font, {middle.x - wide / 2, y}, colour, text, wide + 1);
    };
    const ImU32 white = IM_COL32(232, 234, 238, 255), grey = IM_COL32(150, 160, 175, 255);
    if (desk.view.phase() == Phase::empty) {
        draw_icon(list, Icon::film, {middle.x, middle.y - look.px(46)}, look.px(54), grey);
        centred(look.title, middle.y, white, "Drop a video here");
        centred(look.text, middle.y + look.px(30), grey,
                "or press O to open one; a folder or a stream will do as well");
        return;
    }
    std::string error = desk.view.error();
    if (error.empty() && !state.error.empty()) error = "This video cannot be played here: " + state.error;
    const std::string& trouble = desk.view.trouble();
    if (!error.empty() || !trouble.empty()) {
        const std::string& text = error.empty() ? trouble : error;
        const float wrap = std::min(size.x - look.px(48), look.px(620));
        const ImVec2 words = text_size(look.text, text, wrap);
        const bool over = !texture_.empty();
        const float top = over ? corner.y + size.y - words.y - look.px(36) : middle.y - words.y / 2;
        const ImVec2 from(middle.x - words.x / 2 - look.px(16), top - look.px(12));
        const ImVec2 to(middle.x + words.x / 2 + look.px(16), top + words.y + look.px(12));
        list.AddRectFilled(from, to, error.empty() ? IM_COL32(30, 24, 12, 235) : IM_COL32(30, 14, 16, 235), look.px(8));
        list.AddRect(from, to, error.empty() ? look.colours.evidence : look.colours.bad, look.px(8));
        list.AddText(look.text, look.text->FontSize, {middle.x - words.x / 2, top}, white, text.c_str(), nullptr, wrap);
    } else if (!state.picture && (!desk.view.frames() || !desk.view.frames()->newest().picture)) {
        centred(look.text, middle.y, grey,
                desk.view.phase() == Phase::loading ? "Opening " + desk.view.title() + " …" : "");
    }
}

void PlayerPanel::draw_controls(Desk& desk, const PlayerState& state) {
    const Look& look = desk.look;
    Player* player = desk.view.player();
    const float row = look.px(controls_px), button = look.px(32);
    const ImVec2 corner = ImGui::GetCursorScreenPos();
    const float width = ImGui::GetContentRegionAvail().x;
    const float top = corner.y + (row - button) / 2;
    const auto place = [&](float x) { ImGui::SetCursorScreenPos({corner.x + look.px(x), top}); };
    place(10);
    if (icon_button(look, "back", Icon::back, "One picture back  ,") && player) player->step(-1);
    place(46);
    if (icon_button(look, "play", state.playing ? Icon::pause : Icon::play, "Play or pause  Space") && player)
        state.playing ? player->pause() : player->play();
    place(82);
    if (icon_button(look, "on", Icon::forward, "One picture on  .") && player) player->step(1);
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const float text_y = corner.y + (row - look.text->FontSize) / 2;
    const auto& videos = desk.view.list().videos();
    const bool several = videos.size() > 1;
    const int64_t start_us = several ? desk.view.shown_start_us() : 0;
    const std::string here = written_time(desk.view.position_us() - start_us);
    std::string all = " / " + written_time(several ? desk.view.shown_length_us() : desk.view.length_us());
    if (several) all += "   " + std::to_string(desk.view.shown_video() + 1) + " of " + std::to_string(videos.size());
    float x = corner.x + look.px(126);
    draw_text(list, look.bold, {x, text_y}, look.colours.text, here);
    x += text_size(look.bold, here).x;
    draw_text(list, look.text, {x, text_y}, look.colours.faint, all);
    x += text_size(look.text, all).x + look.px(14);
    const bool lost = !desk.view.trouble().empty();
    if (state.playing && state.rate != 1)
        draw_text(list, look.text, {x, text_y}, look.colours.accent, rate_text(state.rate));
    else if (!player && desk.view.shows_newest() && desk.view.phase() == Phase::watching)
        draw_text(list, look.text, {x, text_y}, lost ? look.colours.evidence : look.colours.bad,
                  lost ? "no picture" : "live");
    ImGui::SetCursorScreenPos({corner.x + width - look.px(78), top});
    if (icon_button(look, "boxes", Icon::boxes, "Boxes around objects  B", desk.settings.show_boxes))
        desk.settings.show_boxes = !desk.settings.show_boxes;
    ImGui::SetCursorScreenPos({corner.x + width - look.px(42), top});
    if (icon_button(look, "names", Icon::names, "Names of objects  N", desk.settings.show_names))
        desk.settings.show_names = !desk.settings.show_names;
}

}  // namespace lv
