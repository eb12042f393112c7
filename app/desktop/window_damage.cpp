#include "app/desktop/window_damage.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace lv {
namespace {

bool same_vertex(const ImDrawVert& a, const ImDrawVert& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

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

DrawDamage::List DrawDamage::copy_of(const ImDrawList& list) {
    return {{list.VtxBuffer.begin(), list.VtxBuffer.end()},
            {list.IdxBuffer.begin(), list.IdxBuffer.end()},
            {list.CmdBuffer.begin(), list.CmdBuffer.end()}};
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

DrawRect DrawDamage::between(const List& before, const ImDrawCmd& old_command, const List& after,
                             const ImDrawCmd& command) {
    DrawRect rect;
    const bool alike = old_command.TextureId == command.TextureId &&
                       std::memcmp(&old_command.ClipRect, &command.ClipRect, sizeof command.ClipRect) == 0;
    const size_t shared = alike ? std::min(old_command.ElemCount, command.ElemCount) : 0;
    for (size_t i = 0; i + 3 <= shared; i += 3) {
        bool same = true;
        for (size_t corner = i; corner < i + 3 && same; ++corner)
            same = same_vertex(before.vertices[before.indices[old_command.IdxOffset + corner] + old_command.VtxOffset],
                               after.vertices[after.indices[command.IdxOffset + corner] + command.VtxOffset]);
        if (same) continue;
        rect.add(extent(before, old_command, i, i + 3));
        rect.add(extent(after, command, i, i + 3));
    }
    rect.add(extent(before, old_command, shared, old_command.ElemCount));
    rect.add(extent(after, command, shared, command.ElemCount));
    return rect;
}

DrawRect DrawDamage::between(const List& before, const List& after) {
    DrawRect rect;
    const size_t shared = std::min(before.commands.size(), after.commands.size());
    for (size_t i = 0; i < shared; ++i) rect.add(between(before, before.commands[i], after, after.commands[i]));
    for (size_t i = shared; i < before.commands.size(); ++i)
        rect.add(extent(before, before.commands[i], 0, before.commands[i].ElemCount));
    for (size_t i = shared; i < after.commands.size(); ++i)
        rect.add(extent(after, after.commands[i], 0, after.commands[i].ElemCount));
    return rect;
}

DrawRect DrawDamage::of(const ImDrawData& data, std::span<const ImTextureID> fresh) {
    const std::span lists(data.CmdLists, static_cast<size_t>(data.CmdListsCount));
    DrawRect rect;
    const bool all = lists_.empty() || data.DisplaySize.x != size_.x || data.DisplaySize.y != size_.y;
    if (all) {
        rect.add(data.DisplayPos);
        rect.add(ImVec2(data.DisplayPos.x + data.DisplaySize.x, data.DisplayPos.y + data.DisplaySize.y));
    }
    for (size_t i = lists.size(); i < lists_.size(); ++i) rect.add(extent(lists_[i]));
    lists_.resize(lists.size());
    for (size_t i = 0; i < lists.size(); ++i) {
        List now = copy_of(*lists[i]);
        rect.add(between(lists_[i], now));
        for (const ImDrawCmd& command : now.commands)
            if (std::find(fresh.begin(), fresh.end(), command.TextureId) != fresh.end())
                rect.add(extent(now, command, 0, command.ElemCount));
        lists_[i] = std::move(now);
    }
    size_ = data.DisplaySize;
    return rect;
}

void clip_to(ImDrawData& data, const DrawRect& part) {
    for (ImDrawList* list : std::span(data.CmdLists, static_cast<size_t>(data.CmdListsCount)))
        for (ImDrawCmd& command : list->CmdBuffer) {
            ImVec4& clip = command.ClipRect;
            clip = {std::max(clip.x, part.from.x), std::max(clip.y, part.from.y), std::min(clip.z, part.to.x),
                    std::min(clip.w, part.to.y)};
        }
}

}  // namespace lv
