#include <algorithm>
#include <array>
#include <cmath>

#include "app/desktop/evidence_curve.h"
#include "app/desktop/panels.h"
#include "app/desktop/window_draw.h"
#include "app/time_text.h"
#include "engine/prompt.h"

namespace lv {
namespace {

constexpr float names_px = 108;  // width of the column of names
constexpr float videos_px = 18, ruler_px = 22, watched_px = 14, lane_px = 19, evidence_px = 40;

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
    const float px = desk.look.scale;
    const bool several = desk.view.list().videos().size() > 1;
    const float ruler = corner.y + (several ? (videos_px + 4) * px : 0), watched = ruler + ruler_px * px;
    const float evidence = watched + (watched_px + 8) * px;
    const float lanes = evidence + (desk.view.evidence() ? (evidence_px + 6) * px : 0);
    act(desk, here, evidence);
    ImDrawList& list = *ImGui::GetWindowDrawList();
    list.PushClipRect(corner, {corner.x + room.x, corner.y + room.y}, true);
    if (several) draw_videos(desk, here, corner.y, videos_px * px);
    draw_ruler(desk, here, ruler);
    draw_watched(desk, here, watched, watched_px * px);
    draw_told(desk, here, watched, watched_px * px);
    if (desk.view.evidence()) draw_evidence(desk, here, evidence, evidence_px * px);
    draw_lanes(desk, here, lanes, corner.y + room.y - lanes);
    const float head = std::floor(here.x(desk.view.position_us()));  // a part of a px is no reason to draw anew
    if (head >= here.left - 1 && head <= here.left + here.width + 1) {
        list.AddLine({head, ruler + 16 * px}, {head, corner.y + room.y}, desk.look.colours.text, 1.5f * px);
        list.AddTriangleFilled({head - 5 * px, ruler + 13 * px}, {head + 5 * px, ruler + 13 * px},
                               {head, ruler + 20 * px}, desk.look.colours.text);
    }
    list.PopClipRect();
    const float mouse = ImGui::GetIO().MousePos.x;
    if (hovered && mouse >= here.left && mouse <= here.left + here.width) draw_hover(desk, here, mouse);
}

// The moment of the evidence under the mouse; null: none.
const Moment* TimelinePanel::moment_at(const Desk& desk, const Axis& axis, ImVec2 mouse, float top) const {
    const ChatTurn* turn = desk.view.evidence();
    if (!turn || mouse.y < top || mouse.y > top + desk.look.px(evidence_px)) return nullptr;
    for (const Moment& moment : turn->evidence)
        if (mouse.x >= axis.x(moment.start_us) - desk.look.px(5) && mouse.x <= axis.x(moment.end_us) + desk.look.px(5))
            return &moment;
    return nullptr;
}

void TimelinePanel::act(Desk& desk, const Axis& axis, float evidence_top) {
    const ImGuiIO& io = ImGui::GetIO();
    const double length_s = std::max(seconds(desk.view.length_us()), 1.0);
    hot_ = ImGui::IsItemHovered() ? moment_at(desk, axis, io.MousePos, evidence_top) : nullptr;
    if (hot_) ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
    if (!ImGui::IsItemActive()) {
        on_moment_ = false;
    } else if (ImGui::IsMouseClicked(0) && hot_) {
        on_moment_ = true;
        desk.view.seek(hot_->start_us);
    } else if (!on_moment_ && (ImGui::IsMouseClicked(0) || io.MouseDelta.x != 0)) {
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

// One block a video: those that are not watched yet are an outline.
void TimelinePanel::draw_videos(const Desk& desk, const Axis& axis, float top, float height) const {
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const Look& look = desk.look;
    draw_name(look, "videos", top, height, look.colours.dim);
    const auto& videos = desk.view.list().videos();
    for (size_t i = 0; i < videos.size() && videos[i].placed(); ++i) {
        const float from = axis.clamped(videos[i].start_us), to = axis.clamped(videos[i].end_us()) - look.px(1);
        if (to - from < 1) continue;
        const bool shown = i == desk.view.shown_video();
        const ImVec2 corner(from, top), far_corner(to, top + height);
        if (videos[i].in_memory || shown)
            list.AddRectFilled(corner, far_corner, shown ? look.colours.accent_soft : look.colours.raised, look.px(4));
        else
            list.AddRect(corner, far_corner, look.colours.raised, look.px(4));
        const float room = to - from - look.px(12);
        if (room < look.px(14)) continue;
        const std::string name = std::filesystem::path(videos[i].source).filename().string();
        draw_text(list, look.small_text, {from + look.px(6), top + (height - look.small_text->FontSize) / 2},
                  shown                 ? look.colours.accent
                  : videos[i].in_memory ? look.colours.dim
                                        : look.colours.faint,
                  std::to_string(i + 1) + "  " + name, room);
    }
}

// Each video has its own times.
void TimelinePanel::draw_ruler(const Desk& desk, const Axis& axis, float top) const {
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const Look& look = desk.look;
    const double step_s = mark_step((axis.to_s - axis.from_s) * static_cast<double>(look.px(84) / axis.width));
    float free = axis.left;  // px from where on there is room for a label
    const auto marks = [&](double start_s, double end_s) {
        const double first_s = std::max(std::ceil((axis.from_s - start_s) / step_s), 0.0) * step_s;
        for (double own_s = first_s; start_s + own_s <= std::min(axis.to_s, end_s); own_s += step_s) {
            const float x = axis.x(start_s + own_s);
            const std::string label = written_time(as_us(own_s));
            const float wide = text_size(look.small_text, label).x;
            if (x + wide > axis.left + axis.width) break;
            list.AddLine({x, top + look.px(16)}, {x, top + look.px(20)}, look.colours.faint);
            if (x < free) continue;
            draw_text(list, look.small_text, {x, top}, look.colours.faint, label);
            free = x + wide + look.px(10);
        }
    };
    const auto& videos = desk.view.list().videos();
    if (videos.size() < 2) return marks(0, axis.to_s);
    for (const ListedVideo& video : videos) {
        if (!video.placed() || seconds(video.start_us) > axis.to_s) break;
        if (seconds(video.end_us()) >= axis.from_s) marks(seconds(video.start_us), seconds(video.end_us()) - 1e-3);
    }
}

void TimelinePanel::draw_watched(const Desk& desk, const Axis& axis, float top, float height) const {
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const Look& look = desk.look;
    draw_name(look, "watched", top, height, look.colours.dim);
    const float middle = top + height / 2, half = look.px(4);
    list.AddRectFilled({axis.left, middle - half}, {axis.left + axis.width, middle + half}, look.colours.raised, half);
    for (const ListedVideo& video : desk.view.list().videos()) {
        if (!video.in_memory) break;
        const float from = axis.clamped(video.start_us + video.first_us);
        const float to = axis.clamped(video.start_us + video.watched_us);
        if (video.watched_us > video.first_us && to > from)
            list.AddRectFilled({from, middle - half}, {std::max(to, from + 2 * half), middle + half},
                               look.colours.accent, half);
    }
    draw_gaps(desk, axis, middle, half);
}

// Nothing was seen there: the watched bar is open.
void TimelinePanel::draw_gaps(const Desk& desk, const Axis& axis, float middle, float half) const {
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const Look& look = desk.look;
    for (const Gap& gap : desk.view.gaps()) {
        const float from = axis.clamped(gap.start_us), to = std::max(axis.clamped(gap.end_us), from + look.px(2));
        if (axis.x(gap.end_us) < axis.left || from >= axis.left + axis.width) continue;
        list.AddRectFilled({from, middle - half}, {to, middle + half}, look.colours.raised);
        list.AddLine({from, middle}, {to, middle}, look.colours.bad, look.px(1.5f));
    }
}

void TimelinePanel::draw_lanes(const Desk& desk, const Axis& axis, float top, float height) const {
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const Look& look = desk.look;
    const float lane = look.px(lane_px);
    const size_t fitting = static_cast<size_t>(std::max(height, 0.0f) / lane);
    const auto& lanes = desk.view.lanes();
    for (size_t i = 0; i < std::min(fitting, lanes.size()); ++i) {
        const float y = top + static_cast<float>(i) * lane, middle = y + lane / 2;
        const bool rest = i + 1 == fitting && lanes.size() > fitting;
        draw_name(look, rest ? "+ " + std::to_string(lanes.size() - i) + " kinds" : desk.view.kind_name(lanes[i].kind),
                  y, lane, rest ? look.colours.faint : look.colours.dim);
        if (rest) break;
        list.AddLine({axis.left, middle}, {axis.left + axis.width, middle}, look.colours.raised, look.px(1));
        draw_spans(look, axis, lanes[i], middle);
    }
}

// What the standing questions told of.
void TimelinePanel::draw_told(const Desk& desk, const Axis& axis, float top, float height) const {
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const float half = desk.look.px(4), middle = top + height / 2;
    float last = -1;
    for (const Told& told : desk.view.told()) {
        const float x = axis.x(told.since_us);
        if (x < axis.left || x > axis.left + axis.width || std::abs(x - last) < 2) continue;
        list.AddQuadFilled({x - half, middle}, {x, middle - half}, {x + half, middle}, {x, middle + half},
                           desk.look.colours.evidence);
        last = x;
    }
}

// As many rectangles as there are px at most, however long the video is.
void TimelinePanel::draw_spans(const Look& look, const Axis& axis, const KindLane& lane, float middle) const {
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const int64_t from_us = as_us(axis.from_s), to_us = as_us(axis.to_s);
    auto span = std::lower_bound(lane.spans.begin(), lane.spans.end(), from_us,
                                 [](const KindLane::Span& known, int64_t time_us) { return known.end_us < time_us; });
    while (span != lane.spans.end() && span->start_us <= to_us) {
        const float from = axis.clamped(span->start_us);
        float to = std::max(axis.clamped(span->end_us), from + look.px(2));
        int most = span->most;
        for (++span; span != lane.spans.end() && axis.x(span->start_us) < to + 1 && span->start_us <= to_us; ++span) {
            const float end = axis.clamped(span->end_us);
            if (end > to + 1 && (span->most > 1) != (most > 1)) break;
            to = std::max(to, end);
            most = std::max(most, span->most);
        }
        const float half = look.px(most > 1 ? 4.5f : 3.0f);
        list.AddRectFilled({from, middle - half}, {to, middle + half}, look.kind(lane.kind), look.px(2));
    }
}

// The attention over time, the largest as high as the strip, and a mark on every moment.
void TimelinePanel::draw_evidence(const Desk& desk, const Axis& axis, float top, float height) {
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const Look& look = desk.look;
    const ChatTurn& turn = *desk.view.evidence();
    draw_name(look, "evidence", top, height, look.colours.evidence);
    const float foot = top + height, head = look.px(8);
    list.AddRectFilled({axis.left, top}, {axis.left + axis.width, foot}, with_alpha(look.colours.evidence, 0.08f),
                       look.px(5));
    const CurveShape wanted{desk.view.opened(), turn.id, axis.left, axis.width, axis.from_s, axis.to_s};
    if (wanted != curve_shape_) {
        curve_shape_ = wanted;
        curve_ = curve_over(turn.attention, axis.from_s, axis.to_s, static_cast<size_t>(axis.width));
    }
    const ImU32 fill = with_alpha(look.colours.evidence, 0.8f);
    for (size_t x = 0; x < curve_.size(); ++x) {
        if (curve_[x] <= 0) continue;
        const float left = axis.left + static_cast<float>(x);
        list.AddRectFilled({left, foot - curve_[x] * (height - head)}, {left + 1, foot}, fill);
    }
    for (const Moment& moment : turn.evidence) {
        const float from = axis.clamped(moment.start_us);
        const float to = std::max(axis.clamped(moment.end_us), from + look.px(4));
        if (axis.x(moment.end_us) < axis.left || from >= axis.left + axis.width) continue;
        const bool hot = hot_ == &moment;
        if (hot) list.AddRectFilled({from, top}, {to, foot}, with_alpha(look.colours.evidence, 0.25f), look.px(3));
        list.AddRectFilled({from, top + look.px(2)}, {to, top + look.px(hot ? 6 : 4.5f)}, look.colours.evidence,
                           look.px(2));
    }
}

void TimelinePanel::draw_name(const Look& look, const std::string& name, float top, float height, ImU32 colour) const {
    const float left = ImGui::GetWindowPos().x + ImGui::GetStyle().WindowPadding.x;
    draw_text(*ImGui::GetWindowDrawList(), look.small_text, {left, top + (height - look.small_text->FontSize) / 2},
              colour, name, look.px(names_px - 12));
}

void TimelinePanel::draw_hover(Desk& desk, const Axis& axis, float x) const {
    const Look& look = desk.look;
    const int64_t time_us = as_us(std::max(axis.time_s(x), 0.0));
    if (desk.view.list().videos().empty()) return;
    ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(look.px(6), look.px(6)));
    ImGui::BeginTooltip();
    if (const Thumbnail seen = desk.view.thumbnail_at(time_us); seen.picture) {
        const float wide = look.px(168);
        const float tall = wide * static_cast<float>(seen.picture->height) / static_cast<float>(seen.picture->width);
        ImGui::Image(desk.thumbnails.of(seen.picture), {wide, tall});
    }
    ImGui::PushFont(look.small_text);
    const auto& videos = desk.view.list().videos();
    const ListedVideo& video = videos[desk.view.list().video_at(time_us)];
    if (videos.size() > 1) ImGui::TextUnformatted(std::filesystem::path(video.source).filename().string().c_str());
    ImGui::TextUnformatted(written_time(videos.size() > 1 ? time_us - video.start_us : time_us).c_str());
    if (desk.view.gap_at(time_us)) ImGui::TextColored(as_vector(look.colours.bad), "nothing was seen here");
    if (hot_) ImGui::TextColored(as_vector(look.colours.evidence), "%.0f%% of the attention", hot_->weight * 100.0);
    ImGui::PopFont();
    ImGui::EndTooltip();
    ImGui::PopStyleVar();
}

}  // namespace lv
