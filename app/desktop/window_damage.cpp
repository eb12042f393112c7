#include "app/desktop/window_damage.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace lv {
namespace {

constexpr float near_px2 = 6000;  // less than this, drawn for nothing, costs less than another part

bool same_vertex(const ImDrawVert& a, const ImDrawVert& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

DrawRect joined(DrawRect a, const DrawRect& b) {
    a.add(b);
    return a;
}

}  // namespace

void DrawRect::add(ImVec2 point) {
    from = {std::min(from.x, point.x), std::min(from.y, point.y)};
    to = {std::max(to.x, point.x), std::max(to.y, point.y)};
}

void DrawRect::add(const DrawRect& other) {
    if (other.empty()) return;
    add(other.from);
    add(other.to);
}

DrawRect DrawRect::inside(const ImVec4& clip) const {
    return {{std::max(from.x, clip.x), std::max(from.y, clip.y)}, {std::min(to.x, clip.z), std::min(to.y, clip.w)}};
}

void DrawRegion::add(const DrawRect& rect, float more) {
    if (rect.empty()) return;
    place({{std::floor(rect.from.x) - more, std::floor(rect.from.y) - more},
           {std::ceil(rect.to.x) + more, std::ceil(rect.to.y) + more}});
}

void DrawRegion::place(DrawRect rect) {
    for (size_t i = 0; i < parts_.size();) {  // what it was joined with may touch those that were left alone
        const DrawRect both = joined(parts_[i], rect);
        const bool overlap = !rect.inside({parts_[i].from.x, parts_[i].from.y, parts_[i].to.x, parts_[i].to.y}).empty();
        if (!overlap && both.area() - parts_[i].area() - rect.area() > near_px2) {
            ++i;
            continue;
        }
        rect = both;
        parts_.erase(parts_.begin() + static_cast<std::ptrdiff_t>(i));
        i = 0;
    }
    parts_.push_back(rect);
    if (parts_.size() <= most_parts) return;
    size_t first = 0, second = 1;
    float least = std::numeric_limits<float>::max();
    for (size_t i = 0; i < parts_.size(); ++i)
        for (size_t j = i + 1; j < parts_.size(); ++j) {
            const float waste = joined(parts_[i], parts_[j]).area() - parts_[i].area() - parts_[j].area();
            if (waste >= least) continue;
            least = waste;
            first = i;
            second = j;
        }
    const DrawRect both = joined(parts_[first], parts_[second]);
    parts_.erase(parts_.begin() + static_cast<std::ptrdiff_t>(second));
    parts_.erase(parts_.begin() + static_cast<std::ptrdiff_t>(first));
    place(both);
}

void DrawRegion::clip(const DrawRect& rect) {
    for (DrawRect& part : parts_) part = part.inside({rect.from.x, rect.from.y, rect.to.x, rect.to.y});
    std::erase_if(parts_, [](const DrawRect& part) { return part.empty(); });
}

DrawDamage::List DrawDamage::copy_of(const ImDrawList& list) {
    return {{list.VtxBuffer.begin(), list.VtxBuffer.end()},
            {list.IdxBuffer.begin(), list.IdxBuffer.end()},
            {list.CmdBuffer.begin(), list.CmdBuffer.end()}};
}

// Most lists of most frames: told without a copy.
bool DrawDamage::same(const List& before, const ImDrawList& now) {
    const auto alike = [](const auto& a, const auto& b) {
        return a.size() == static_cast<size_t>(b.Size) && std::memcmp(a.data(), b.Data, a.size() * sizeof a[0]) == 0;
    };
    return alike(before.vertices, now.VtxBuffer) && alike(before.indices, now.IdxBuffer) &&
           alike(before.commands, now.CmdBuffer);
}

// Of the triangles of a command's indices [first, end).
DrawRect DrawDamage::extent(const List& list, const ImDrawCmd& command, size_t first, size_t end) {
    DrawRect rect;
    for (size_t i = first; i < end; ++i)
        rect.add(list.vertices[list.indices[command.IdxOffset + i] + command.VtxOffset].pos);
    return rect.inside(command.ClipRect);
}

DrawRect DrawDamage::extent(const List& list) {
    DrawRect rect;
    for (const ImDrawCmd& command : list.commands) rect.add(extent(list, command, 0, command.ElemCount));
    return rect;
}

void DrawDamage::between(const List& before, const ImDrawCmd& old_command, const List& after, const ImDrawCmd& command,
                         DrawRegion& changed) {
    const bool alike = old_command.TextureId == command.TextureId &&
                       std::memcmp(&old_command.ClipRect, &command.ClipRect, sizeof command.ClipRect) == 0;
    const size_t shared = alike ? std::min(old_command.ElemCount, command.ElemCount) : 0;
    for (size_t i = 0; i + 3 <= shared; i += 3) {
        bool same = true;
        for (size_t corner = i; corner < i + 3 && same; ++corner)
            same = same_vertex(before.vertices[before.indices[old_command.IdxOffset + corner] + old_command.VtxOffset],
                               after.vertices[after.indices[command.IdxOffset + corner] + command.VtxOffset]);
        if (same) continue;
        changed.add(extent(before, old_command, i, i + 3));
        changed.add(extent(after, command, i, i + 3));
    }
    changed.add(extent(before, old_command, shared, old_command.ElemCount));
    changed.add(extent(after, command, shared, command.ElemCount));
}

void DrawDamage::between(const List& before, const List& after, DrawRegion& changed) {
    const size_t shared = std::min(before.commands.size(), after.commands.size());
    for (size_t i = 0; i < shared; ++i) between(before, before.commands[i], after, after.commands[i], changed);
    for (size_t i = shared; i < before.commands.size(); ++i)
        changed.add(extent(before, before.commands[i], 0, before.commands[i].ElemCount));
    for (size_t i = shared; i < after.commands.size(); ++i)
        changed.add(extent(after, after.commands[i], 0, after.commands[i].ElemCount));
}

DrawRegion DrawDamage::of(const ImDrawData& data, std::span<const ImTextureID> fresh) {
    const std::span lists(data.CmdLists, static_cast<size_t>(data.CmdListsCount));
    const DrawRect window{data.DisplayPos,
                          {data.DisplayPos.x + data.DisplaySize.x, data.DisplayPos.y + data.DisplaySize.y}};
    const auto is_fresh = [&](const ImDrawCmd& command) {
        return std::find(fresh.begin(), fresh.end(), command.TextureId) != fresh.end();
    };
    DrawRegion changed;
    if (lists_.empty() || data.DisplaySize.x != size_.x || data.DisplaySize.y != size_.y) changed.add(window);
    for (size_t i = lists.size(); i < lists_.size(); ++i) changed.add(extent(lists_[i]));
    lists_.resize(lists.size());
    for (size_t i = 0; i < lists.size(); ++i) {
        if (same(lists_[i], *lists[i])) {
            for (const ImDrawCmd& command : lists_[i].commands)
                if (is_fresh(command)) changed.add(extent(lists_[i], command, 0, command.ElemCount), 0);
            continue;
        }
        List now = copy_of(*lists[i]);
        between(lists_[i], now, changed);
        for (const ImDrawCmd& command : now.commands)
            if (is_fresh(command)) changed.add(extent(now, command, 0, command.ElemCount), 0);
        lists_[i] = std::move(now);
    }
    size_ = data.DisplaySize;
    changed.clip(window);
    return changed;
}

void clip_to(ImDrawData& data, const DrawRegion& region) {
    for (ImDrawList* list : std::span(data.CmdLists, static_cast<size_t>(data.CmdListsCount))) {
        ImVector<ImDrawCmd> kept;
        for (const ImDrawCmd& command : list->CmdBuffer) {
            if (command.UserCallback) {
                kept.push_back(command);
                continue;
            }
            for (const DrawRect& part : region.parts()) {
                const DrawRect seen = part.inside(command.ClipRect);
                if (seen.empty()) continue;
                kept.push_back(command);
                kept.back().ClipRect = {seen.from.x, seen.from.y, seen.to.x, seen.to.y};
            }
        }
        list->CmdBuffer.swap(kept);
    }
}

}  // namespace lv
