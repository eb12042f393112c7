#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "app/desktop/cost.h"
#include "app/desktop/panels.h"
#include "app/desktop/window_draw.h"
#include "app/time_text.h"
#include "engine/prompt.h"

namespace lv {
namespace {

std::string rounded(double value, const char* unit = "") {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), value >= 100 ? "%.0f%s" : "%.1f%s", value, unit);
    return text.data();
}

// The round value at or above: 1, 2 or 5 times a power of ten, in bytes of 1024.
double round_up(double bytes) {
    double unit = 1;
    while (unit * 1024 <= bytes) unit *= 1024;
    for (const double step : {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024})
        if (unit * step >= bytes) return unit * step;
    return bytes;
}

}  // namespace

void MetersPanel::draw(Desk& desk) {
    const Look& look = desk.look;
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const ImVec2 corner = ImGui::GetCursorScreenPos();
    draw_text(list, look.bold, {corner.x, corner.y}, look.colours.text, "Meters");
    ImGui::Dummy({1, look.px(24)});
    ImGui::PushStyleColor(ImGuiCol_ChildBg, IM_COL32(0, 0, 0, 0));
    ImGui::BeginChild("meters");
    draw_figures(desk);
    draw_growth(desk);
    draw_cost(desk);
    ImGui::EndChild();
    ImGui::PopStyleColor();
}

void MetersPanel::draw_figures(const Desk& desk) const {
    const Look& look = desk.look;
    const Meters& meters = desk.view.whole();
    const bool watching = desk.view.phase() == Phase::watching;
    const double passed_s = seconds(meters.elapsed_us);
    const double frames = watching       ? desk.view.history().frames_per_second()
                          : passed_s > 0 ? static_cast<double>(meters.frames) / passed_s
                                         : 0;
    const double real = watching       ? desk.view.history().times_real_time()
                        : passed_s > 0 ? seconds(meters.watched_us - meters.first_us) / passed_s
                                       : 0;
    int64_t first_us = 0;
    for (const ChatTurn& turn : desk.view.turns())
        if (turn.first_token_us > 0) first_us = turn.first_token_us;
    struct Figure {
        const char* name;
        std::string value;
    };
    const std::array<Figure, 6> figures{
        {{"frames a second", meters.frames ? rounded(frames) : "–"},
         {"times real time", meters.frames ? rounded(real, "×") : "–"},
         {"first word", first_us ? rounded(static_cast<double>(first_us) / 1000, " ms") : "–"},
         {"frames", std::to_string(meters.frames)},
         {"tokens", short_count(static_cast<double>(meters.rows))},
         {"memory", short_bytes(static_cast<double>(meters.memory.total()))}}};
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const ImVec2 corner = ImGui::GetCursorScreenPos();
    const float column = ImGui::GetContentRegionAvail().x / 3,
                row = look.bold->FontSize + look.small_text->FontSize + look.px(12);
    for (size_t i = 0; i < figures.size(); ++i) {
        const ImVec2 at(corner.x + column * static_cast<float>(i % 3), corner.y + row * static_cast<float>(i / 3));
        draw_text(list, look.bold, at, look.colours.text, figures[i].value, column - look.px(6));
        draw_text(list, look.small_text, {at.x, at.y + look.bold->FontSize + look.px(2)}, look.colours.faint,
                  figures[i].name, column - look.px(6));
    }
    ImGui::Dummy({1, row * 2 + look.px(2)});
}

// State (flat), memory (growing) and a Transformer's caches, over the time watched.
void MetersPanel::draw_growth(const Desk& desk) const {
    const Look& look = desk.look;
    const auto& points = desk.view.history().points();
    ImDrawList& list = *ImGui::GetWindowDrawList();
    const ImVec2 corner = ImGui::GetCursorScreenPos();
    const float width = ImGui::GetContentRegionAvail().x - look.px(8), height = look.px(96), head = look.px(40);
    const auto key = [&](float x, float y, float room, ImU32 colour, const std::string& text) {
        list.AddRectFilled({x, y + look.px(4)}, {x + look.px(10), y + look.px(8)}, colour, look.px(2));
        draw_text(list, look.small_text, {x + look.px(15), y}, look.colours.dim, text, room - look.px(20));
    };
    const MeterHistory::Point last = points.empty() ? MeterHistory::Point{} : points.back();
    key(corner.x, corner.y, width / 2, look.colours.accent, "this memory " + short_bytes(last.memory_bytes));
    key(corner.x + width / 2, corner.y, width / 2, look.colours.good, "its state " + short_bytes(last.state_bytes));
    key(corner.x, corner.y + look.px(18), width, look.colours.faint,
        "a Transformer of this size " + short_bytes(last.transformer_bytes));
    const ImVec2 from(corner.x, corner.y + head), to(corner.x + width, corner.y + head + height);
    list.AddRectFilled(from, to, look.colours.raised, look.px(6));
    if (points.size() >= 2 && last.watched_s > 0) {
        const double most = round_up(last.transformer_bytes);
        const auto place = [&](const MeterHistory::Point& point, double bytes) {
            return ImVec2(from.x + static_cast<float>(point.watched_s / last.watched_s) * width,
                          to.y - static_cast<float>(bytes / most) * (height - look.px(6)) - look.px(1));
        };
        const auto curve = [&](double MeterHistory::Point::*bytes, ImU32 colour, float thick) {
            for (const MeterHistory::Point& point : points) list.PathLineTo(place(point, point.*bytes));
            list.PathStroke(colour, 0, look.px(thick));
        };
        curve(&MeterHistory::Point::transformer_bytes, look.colours.faint, 1.5f);
        curve(&MeterHistory::Point::memory_bytes, look.colours.accent, 2);
        curve(&MeterHistory::Point::state_bytes, look.colours.good, 2);
        draw_text(list, look.small_text, {from.x + look.px(7), from.y + look.px(4)}, look.colours.faint,
                  short_bytes(most));
        const std::string end = written_time(static_cast<int64_t>(last.watched_s * 1e6));
        draw_text(list, look.small_text, {to.x - text_size(look.small_text, end).x - look.px(7), from.y + look.px(4)},
                  look.colours.faint, end);
    }
    ImGui::Dummy({1, head + height + look.px(6)});
}

void MetersPanel::draw_cost(Desk& desk) const {
    const Look& look = desk.look;
    const Meters& meters = desk.view.whole();
    Settings& settings = desk.settings;
    const Cost cost = reckon_cost({settings.price_per_million, settings.watts, settings.price_per_kwh}, meters.rows,
                                  meters.watched_us - meters.first_us, meters.elapsed_us);
    ImGui::PushFont(look.small_text);
    ImGui::TextDisabled("COST OF A DAY LIKE THIS");
    const float third = (ImGui::GetContentRegionAvail().x - look.px(24)) / 3;
    const auto field = [&](const char* id, double& value, double most, float speed, const char* format) {
        constexpr double least = 0;
        ImGui::SetNextItemWidth(third);
        ImGui::DragScalar(id, ImGuiDataType_Double, &value, speed, &least, &most, format, ImGuiSliderFlags_AlwaysClamp);
    };
    field("##price", settings.price_per_million, 1000, 0.01f, "$%.2f / M");
    hint(look, "The price of a million tokens elsewhere");
    ImGui::SameLine();
    field("##watts", settings.watts, 2000, 1, "%.0f W");
    hint(look, "What this machine draws while it watches");
    ImGui::SameLine();
    field("##kwh", settings.price_per_kwh, 10, 0.01f, "$%.2f / kWh");
    hint(look, "The price of power");
    const auto line = [&](const char* name, const std::string& amount, const std::string& sum, ImU32 colour) {
        const ImVec2 at = ImGui::GetCursorScreenPos();
        ImDrawList& list = *ImGui::GetWindowDrawList();
        const float width = ImGui::GetContentRegionAvail().x - look.px(8);
        draw_text(list, look.text, at, look.colours.dim, name);
        draw_text(list, look.bold, {at.x + width - text_size(look.bold, amount).x, at.y}, colour, amount);
        draw_text(list, look.small_text, {at.x, at.y + look.text->FontSize + look.px(3)}, look.colours.faint, sum,
                  width);
        ImGui::Dummy({1, look.text->FontSize + look.small_text->FontSize + look.px(8)});
    };
    if (cost.day_tokens > 0) {
        line("Tokens elsewhere", dollars(cost.day_elsewhere), cost.day_elsewhere_sum, look.colours.text);
        line("Power here", dollars(cost.day_here), cost.day_here_sum, look.colours.good);
    }
    ImGui::PopFont();
}

}  // namespace lv
