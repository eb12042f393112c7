// An answer with what it rests on, as text and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "app/session.h"

namespace lv {

// "rests on 0:18-0:21 (71%), 0:40 (12%)", with several videos "rests on video 2, 0:00:18-0:00:21 (71%)"; empty when the
// answer rests on nothing in particular.
std::string moments_text(std::span<const Moment> moments, const VideoClock& clock);

// {"question", "answer", "evidence": [{"start", "end", "weight"}], "seen_until", "first_token_ms", "tokens"}, times in
// seconds; with several videos each moment has also "video" (from 1) and "name", and times are of that video.
nlohmann::ordered_json answer_json(const AnswerReady& ready, std::span<const WatchedVideo> videos);

}  // namespace lv
