// JSON of files, read no deeper than is needed: nlohmann's writer recurses, and a file of brackets alone would take all
// of the stack.
#pragma once

#include <string_view>

namespace lv {

// Json: one of nlohmann's, whose header is the caller's to include. Objects and lists that lie more than `deepest`
// within others are left out. is_discarded() where it is no JSON.
template <typename Json>
Json parse_shallow(std::string_view text, int deepest) {
    const auto shallow = [&](int depth, typename Json::parse_event_t, Json&) { return depth <= deepest; };
    return Json::parse(text, shallow, false);
}

}  // namespace lv
