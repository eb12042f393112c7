#include "app/answer_report.h"

#include <cmath>

#include "app/time_text.h"
#include "engine/prompt.h"

namespace lv {
namespace {

using nlohmann::ordered_json;

ordered_json moment_json(const Moment& moment, const VideoClock& clock, std::span<const WatchedVideo> videos) {
    const size_t video = clock.video_at(moment.start_us);
    ordered_json out;
    if (clock.several()) {
        out["video"] = video + 1;
        if (video < videos.size()) out["name"] = videos[video].source;
    }
    out["start"] = seconds(moment.start_us - clock.start_us(video));
    out["end"] = seconds(moment.end_us - clock.start_us(video));
    out["weight"] = std::round(double(moment.weight) * 1e4) / 1e4;
    return out;
}

}  // namespace

std::string moments_text(std::span<const Moment> moments, const VideoClock& clock) {
    std::string text;
    for (const Moment& moment : moments) {
        // The end is one of the same video, even where it is the moment at which the next begins.
        const std::string start = written_own_time(moment.start_us, moment.start_us, clock);
        const std::string end = written_own_time(moment.end_us, moment.start_us, clock);
        text += (text.empty() ? "rests on " : ", ") + written_time(moment.start_us, clock);
        if (start != end) text += "-" + end;
        text += " (" + std::to_string(std::lround(moment.weight * 100)) + "%)";
    }
    return text;
}

ordered_json answer_json(const AnswerReady& ready, std::span<const WatchedVideo> videos) {
    ordered_json evidence = ordered_json::array();
    for (const Moment& moment : ready.answer.evidence) evidence.push_back(moment_json(moment, ready.clock, videos));
    const int64_t zero_us = ready.clock.start_us(ready.clock.video_at(ready.asked_at_us));
    ordered_json out{{"question", ready.question},
                     {"answer", ready.answer.text},
                     {"evidence", evidence},
                     {"seen_until", seconds(ready.asked_at_us - zero_us)},
                     {"first_token_ms", static_cast<double>(ready.answer.first_token_us) / 1000},
                     {"tokens", ready.answer.ids.size()}};
    if (!ready.answer.complete) out["complete"] = false;
    return out;
}

}  // namespace lv
