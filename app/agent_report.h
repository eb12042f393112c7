// What the agent says, in words and as JSON: what standing questions tell, what became of the source, answers.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "app/session.h"
#include "app/watch_list.h"

namespace lv {

// "2026-11-21T16:40:12.345Z" of microseconds since 1970.
std::string wall_text(int64_t wall_us);
// "16:40:12" of the local day.
std::string clock_text(int64_t wall_us);

// The wall clock at a time of the memory: of a live video as it was, of another `now_us`.
int64_t wall_of(int64_t time_us, std::span<const WatchedVideo> videos, int64_t now_us);

// "0:42  a person appears", "0:42  What is happening? Two cars.", after the wall clock.
std::string told_text(const Told& told, int64_t wall_us);
// {"event": "told" | "regular", "time", "wall", "condition", "question", "answer", "since", "evidence", "picture"}.
nlohmann::ordered_json told_json(const Told& told, std::span<const WatchedVideo> videos, int64_t wall_us,
                                 const std::string& picture);

// {"event": "source", "state": "lost", "time", "wall", "text", "gap"}.
nlohmann::ordered_json note_json(const LiveNote& note, const VideoClock& clock, int64_t wall_us);

// "nothing was seen from 0:10 to 0:22: the source was lost": of the gaps that a question about a time asks into; empty
// when it asks into none.
std::string gap_text(const AnswerReady& ready, std::span<const WatchedVideo> videos);

}  // namespace lv
