#include <algorithm>
#include <array>
#include <cmath>

#include "app/desktop/panels.h"
#include "app/desktop/window_draw.h"
#include "app/time_text.h"
#include "engine/prompt.h"

namespace lv {
namespace {

constexpr float names_px = 108;  // width of the column of names
constexpr float ruler_px = 22, watched_px = 14, lane_px = 19, evidence_px = 34;

int64_t as_us(double time_s) { return static_cast<int64_t>(time_s * 1e6); }

// The step between labelled marks so that about one comes every `least_s` at least.
double mark_step(double least_s) {
    constexpr std::array<double, 17> steps{1,   2,   5,    10,   15,   30,    60,    120,  300,
                                           600, 900, 1800, 3600, 7200, 14400, 21600, 43200};
    for (const double step : steps)
        if (step >= least_s) return step;
    return 86'400;
}

}  // namespace

struct TimelinePanel::Axis {
    float left = 0, width = 1;  // px
    double from_s = 0, to_s = 1;
    float x(double time_s) const { return left + static_cast<float>((time_s - from_s) / (to_s - from_s)) * width; }
    float x(int64_t time_us) const { return x(seconds(time_us)); }
    double time_s(float px) const { return from_s + static_cast<double>((px - left) / width) * (to_s - from_s); }
    float clamped(int64_t time_us) const { return std::clamp(x(time_us), left, left + width); }
};

TimelinePanel::Axis TimelinePanel::axis(const Desk& desk) {
    const double length_s = std::max(seconds(desk.view.length_us()), 1.0);
    if (shown_of_ != desk.view.source()) {
        shown_of_ = desk.view.source();
        from_s_ = to_s_ = 0;
    }
    Axis axis;
    axis.left = ImGui::GetCursorScreenPos().x + desk.look.px(names_px);
    axis.width = std::max(ImGui::GetContentRegionAvail().x - desk.look.px(names_px) - desk.look.px(6), 1.0f);
    axis.from_s = to_s_ > 0 ? from_s_ : 0;
    axis.to_s = to_s_ > 0 ? std::min(to_s_, length_s) : length_s;
    return axis;
}

void TimelinePanel::draw(Desk& desk) {
    if (desk.view.phase() == Phase::empty) return;
    const Axis here = axis(desk);
    const ImVec2 corner = ImGui::GetCursorScreenPos();
    const ImVec2 room = ImGui::GetContentRegionAvail();
    ImGui::InvisibleButton("timeline", {std::max(room.x, 1.0f), std::max(room.y, 1.0f)});
    const bool hovered = ImGui::IsItemHovered();
    act(desk, here, ImGui::IsItemActive());
    const float px = desk.look.scale;
    float top = corner.y;
    ImDrawList& list = *ImGui::GetWindowDrawList();
    list.PushClipRect(corner, {corner.x + room.x, corner.y + room.y}, true);
    draw_ruler(desk, here, top);
    top += ruler_px * px;
    draw_watched(desk, here, top, watched_px * px);
    top += (watched_px + 8) * px;
    if (desk.view.evidence()) {
        draw_evidence(desk, here, top, evidence_px * px);
        top += (evidence_px + 6) * px;
    }
    draw_lanes(desk, here, top, corner.y + room.y - top);
    const float head = here.x(desk.view.position_us());
    if (head >= here.left - 1 && head <= here.left + here.width + 1) {
        list.AddLine({head, corner.y + 16 * px}, {head, corner.y + room.y}, desk.look.colours.text, 1.5f * px);
        list.AddTriangleFilled({head - 5 * px, corner.y + 13 * px}, {head + 5 * px, corner.y + 13 * px},
                               {head, corner.y + 20 * px}, desk.look.colours.text);
    }
    list.PopClipRect();
    const float mouse = ImGui::GetIO().MousePos.x;
    if (hovered && mouse >= here.left && mouse <= here.left + here.width) draw_hover(desk, here, mouse);
}

void TimelinePanel::act(Desk& desk, const Axis& axis, bool held) {
    const ImGuiIO& io = ImGui::GetIO();
    const double length_s = std::max(seconds(desk.view.length_us()), 1.0);
    if (held && (ImGui::IsMouseClicked(0) || io.MouseDelta.x != 0)) {
        const double wanted_s = std::clamp(axis.time_s(io.MousePos.x), 0.0, length_s);
        desk.view.seek(as_us(wanted_s));
    }
    if (!ImGui::IsItemHovered() || io.MouseWheel == 0) return;
    if (!io.KeyCtrl) {  // a hundredth of what is shown, at least a second
        const double step_s = std::max((axis.to_s - axis.from_s) / 100, 1.0);
        desk.view.seek(desk.view.position_us() - as_us(step_s * static_cast<double>(io.MouseWheel)));
        return;
    }
    const double at_s = axis.time_s(std::clamp(io.MousePos.x, axis.left, axis.left + axis.width));
    const double span_s = (axis.to_s - axis.from_s) * std::pow(0.8, static_cast<double>(io.MouseWheel));
    if (span_s >= length_s) {
        from_s_ = to_s_ = 0;
        return;
    }
    const double kept_s = std::max(span_s, 5.0);
    const double share = (at_s - axis.from_s) / (axis.to_s - axis.from_s);
    from_s_ = std::clamp(at_s - share * kept_s, 0.0, length_s - kept_s);
    to_s_ = from_s_ + kept_s;
}

void TimelinePanel::draw_ruler(const Desk& desk, const Axis& axis, float top) const {
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const Look& look = desk.look;
    const double step_s = mark_step((axis.to_s - axis.from_s) * static_cast<double>(look.px(84) / axis.width));
    for (double mark_s = std::ceil(axis.from_s / step_s) * step_s; mark_s <= axis.to_s; mark_s += step_s) {
        const float x = axis.x(mark_s);
        const std::string label = written_time(as_us(mark_s));
        const float wide = text_size(look.small_text, label).x;
        if (x + wide > axis.left + axis.width) break;
        list.AddLine({x, top + look.px(16)}, {x, top + look.px(20)}, look.colours.faint);
        draw_text(list, look.small_text, {x, top}, look.colours.faint, label);
    }
}

void TimelinePanel::draw_watched(const Desk& desk, const Axis& axis, float top, float height) const {
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const Look& look = desk.look;
    const Meters& meters = desk.view.meters();
    const float left = ImGui::GetWindowPos().x + ImGui::GetStyle().WindowPadding.x;
    draw_text(list, look.small_text, {left, top + (height - look.small_text->FontSize) / 2}, look.colours.dim,
              "watched");
    const float middle = top + height / 2, half = look.px(4);
    list.AddRectFilled({axis.left, middle - half}, {axis.left + axis.width, middle + half}, look.colours.raised, half);
    if (meters.frames == 0) return;
    const float from = axis.clamped(meters.first_us), to = axis.clamped(desk.view.watched_to_us());
    if (to > from)
        list.AddRectFilled({from, middle - half}, {std::max(to, from + 2 * half), middle + half}, look.colours.accent,
                           half);
}

void TimelinePanel::draw_lanes(const Desk& desk, const Axis& axis, float top, float height) const {
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const Look& look = desk.look;
    const float lane = look.px(lane_px), left = ImGui::GetWindowPos().x + ImGui::GetStyle().WindowPadding.x;
    const size_t fitting = static_cast<size_t>(std::max(height, 0.0f) / lane);
    const auto& lanes = desk.view.lanes();
    for (size_t i = 0; i < std::min(fitting, lanes.size()); ++i) {
        const float y = top + static_cast<float>(i) * lane, middle = y + lane / 2;
        const bool rest = i + 1 == fitting && lanes.size() > fitting;
        const std::string name =
            rest ? "+ " + std::to_string(lanes.size() - i) + " kinds" : desk.view.kind_name(lanes[i].kind);
        const ImU32 colour = look.kind(lanes[i].kind);
        draw_text(list, look.small_text, {left, middle - look.small_text->FontSize / 2},
                  rest ? look.colours.faint : look.colours.dim, name, look.px(names_px - 12));
        if (rest) break;
        list.AddLine({axis.left, middle}, {axis.left + axis.width, middle}, look.colours.raised, look.px(1));
        for (const KindLane::Span& span : lanes[i].spans) {
            if (seconds(span.end_us) < axis.from_s || seconds(span.start_us) > axis.to_s) continue;
            const float from = axis.clamped(span.start_us);
            const float to = std::max(axis.clamped(span.end_us), from + look.px(2));
            const float half = look.px(span.most > 1 ? 4.5f : 3.0f);
            list.AddRectFilled({from, middle - half}, {to, middle + half}, colour, look.px(2));
        }
    }
}

// A bar over each moment, as high as its weight; the best one is labelled.
void TimelinePanel::draw_evidence(Desk& desk, const Axis& axis, float top, float height) const {
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const Look& look = desk.look;
    const ChatTurn& turn = *desk.view.evidence();
    const float left = ImGui::GetWindowPos().x + ImGui::GetStyle().WindowPadding.x;
    draw_text(list, look.small_text, {left, top + (height - look.small_text->FontSize) / 2}, look.colours.evidence,
              "evidence");
    list.AddRectFilled({axis.left, top}, {axis.left + axis.width, top + height},
                       with_alpha(look.colours.evidence, 0.08f), look.px(5));
    const float best = turn.evidence.empty() ? 1 : std::max(turn.evidence.front().weight, 1e-6f);
    for (const Moment& moment : turn.evidence) {
        const float centre = (axis.x(moment.start_us) + axis.x(moment.end_us)) / 2;
        const float wide = std::max(axis.x(moment.end_us) - axis.x(moment.start_us), look.px(6));
        if (centre < axis.left || centre > axis.left + axis.width) continue;
        const float tall = std::max(height * moment.weight / best, look.px(5));
        const ImVec2 from(centre - wide / 2, top + height - tall), to(centre + wide / 2, top + height);
        const ImVec2 mouse = ImGui::GetIO().MousePos;
        const bool hovered = mouse.x >= from.x - look.px(3) && mouse.x <= to.x + look.px(3) && mouse.y >= top &&
                             mouse.y <= top + height && ImGui::IsItemHovered();
        list.AddRectFilled(from, to, with_alpha(look.colours.evidence, hovered ? 1.0f : 0.8f), look.px(3));
        if (hovered && ImGui::IsMouseReleased(0)) desk.view.seek(moment.start_us);
    }
}

void TimelinePanel::draw_hover(Desk& desk, const Axis& axis, float x) const {
    const Look& look = desk.look;
    const int64_t time_us = as_us(std::max(axis.time_s(x), 0.0));
    ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(look.px(6), look.px(6)));
    ImGui::BeginTooltip();
    if (desk.view.frames() && time_us <= desk.view.meters().watched_us + 1'500'000)
        if (const Thumbnail seen = desk.view.frames()->thumbnail_at(time_us); seen.picture) {
            const float wide = look.px(168);
            const float tall =
                wide * static_cast<float>(seen.picture->height) / static_cast<float>(seen.picture->width);
            ImGui::Image(desk.thumbnails.of(seen.picture), {wide, tall});
        }
    ImGui::PushFont(look.small_text);
    ImGui::TextUnformatted(written_time(time_us).c_str());
    ImGui::PopFont();
    ImGui::EndTooltip();
    ImGui::PopStyleVar();
}

}  // namespace lv
