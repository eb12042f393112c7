#include "app/agent_report.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "app/answer_report.h"
#include "app/time_text.h"
#include "engine/prompt.h"

namespace lv {
namespace {

using nlohmann::ordered_json;

constexpr int64_t second_us = 1'000'000;

std::tm broken_down(int64_t wall_us, bool local) {
    const auto wall_s = static_cast<std::time_t>(wall_us / second_us);
    std::tm parts{};
    if (local)
        localtime_r(&wall_s, &parts);
    else
        gmtime_r(&wall_s, &parts);
    return parts;
}

double own_seconds(int64_t time_us, const VideoClock& clock) {
    return seconds(time_us - clock.start_us(clock.video_at(time_us)));
}

const char* state_name(LiveNote::Kind kind) {
    static constexpr std::array<const char*, 6> names{"connected", "waiting", "lost", "back", "changed", "unrecorded"};
    return names[static_cast<size_t>(kind)];
}

}  // namespace

std::string wall_text(int64_t wall_us) {
    const std::tm parts = broken_down(wall_us, false);
    std::array<char, 40> text{};
    const size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(text.data() + length, text.size() - length, ".%03dZ", static_cast<int>(wall_us / 1000 % 1000));
    return text.data();
}

std::string clock_text(int64_t wall_us) {
    const std::tm parts = broken_down(wall_us, true);
    std::array<char, 16> text{};
    std::strftime(text.data(), text.size(), "%H:%M:%S", &parts);
    return text.data();
}

int64_t wall_of(int64_t time_us, std::span<const WatchedVideo> videos, int64_t now_us) {
    for (auto video = videos.rbegin(); video != videos.rend(); ++video)
        if (video->start_us <= time_us)
            return video->began_at_us > 0 ? video->began_at_us + time_us - video->start_us : now_us;
    return now_us;
}

std::string told_text(const Told& told, int64_t wall_us) {
    std::string text = clock_text(wall_us) + "  " +
                       written_time(told.regular ? told.told_us : told.since_us, told.clock) + "  " + told.text;
    const bool plain = told.answer == "Yes." || told.answer == "No.";
    if (told.regular)
        text += (told.text.ends_with('?') ? " " : ": ") + told.answer;
    else if (!plain)
        text += ": " + told.answer;
    return text;
}

ordered_json told_json(const Told& told, std::span<const WatchedVideo> videos, int64_t wall_us,
                       const std::string& picture) {
    AnswerReady ready;  // for its JSON of evidence
    ready.question = told.question;
    ready.answer.text = told.answer;
    ready.answer.evidence = told.evidence;
    ready.clock = told.clock;
    ready.asked_at_us = told.told_us;
    const ordered_json answer = answer_json(ready, videos);
    ordered_json out{{"event", told.regular ? "regular" : "told"},
                     {"time", own_seconds(told.told_us, told.clock)},
                     {"wall", wall_text(wall_us)}};
    if (told.clock.several()) out["video"] = told.clock.video_at(told.told_us) + 1;
    if (!told.regular) {
        out["condition"] = told.text;
        out["since"] = own_seconds(told.since_us, told.clock);
    }
    out["question"] = told.question;
    out["answer"] = told.answer;
    out["evidence"] = answer["evidence"];
    if (!picture.empty()) out["picture"] = picture;
    return out;
}

ordered_json note_json(const LiveNote& note, const VideoClock& clock, int64_t wall_us) {
    ordered_json out{{"event", "source"},
                     {"state", state_name(note.kind)},
                     {"time", own_seconds(note.time_us, clock)},
                     {"wall", wall_text(wall_us)},
                     {"text", note.words}};
    if (note.gap_us > 0) out["gap"] = seconds(note.gap_us);
    return out;
}

std::string gap_text(const AnswerReady& ready, std::span<const WatchedVideo> videos) {
    std::vector<int64_t> asked;
    for (const QuestionPart& part : split_times(normalize_question(ready.question), ready.asked_at_us, ready.clock))
        if (part.text.empty()) asked.push_back(part.time_us);
    if (asked.empty()) return "";
    const auto [first, last] = std::minmax_element(asked.begin(), asked.end());
    std::string text;
    for (const WatchedVideo& video : videos)
        for (const Gap& gap : video.gaps) {
            const int64_t start_us = video.start_us + gap.start_us, end_us = video.start_us + gap.end_us;
            if (*last <= start_us || *first >= end_us) continue;
            text += (text.empty() ? "nothing was seen from " : ", from ") + written_time(start_us, ready.clock) +
                    " to " + written_own_time(end_us, start_us, ready.clock);
        }
    return text.empty() ? "" : text + ": the source was lost";
}

}  // namespace lv
