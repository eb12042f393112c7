#include "app/watch_notes.h"

#include <array>
#include <cstdio>
#include <filesystem>

#include "app/byte_text.h"
#include "engine/prompt.h"
#include "vision/location.h"

namespace lv {

ProgressState progress_of(const std::string& label, const Meters& meters) {
    ProgressState state;
    state.label = std::filesystem::path(without_password(label)).filename().string();
    state.done_us = meters.watched_us - meters.first_us;
    state.total_us = meters.end_us > 0 ? meters.end_us - meters.first_us : 0;
    state.frames = meters.frames;
    state.elapsed_us = meters.elapsed_us;
    return state;
}

std::string watched_note(const Meters& meters) {
    const double video_s = static_cast<double>(meters.end_us - meters.first_us) / 1e6;
    const double wall_s = static_cast<double>(meters.elapsed_us) / 1e6;
    std::array<char, 160> text{};
    std::snprintf(
        text.data(), text.size(), "watched %s in %.1f s (%.0fx real time): %lld frames, %zu tokens, memory %.1f MiB",
        written_time(meters.end_us - meters.first_us).c_str(), wall_s, wall_s > 0 ? video_s / wall_s : 0.0,
        static_cast<long long>(meters.frames), meters.rows, static_cast<double>(meters.memory.total()) / (1 << 20));
    return meters.frames == 1 ? "watched a single frame" : text.data();
}

std::string agent_note(const Meters& meters) {
    if (meters.frames == 0) return "nothing was seen";
    std::string note = "watched up to " + written_time(meters.watched_us) + ": " + grouped(meters.frames) + " frames";
    if (meters.dropped > 0) note += ", " + grouped(meters.dropped) + " dropped";
    if (meters.skipped > 0) note += ", " + grouped(meters.skipped) + " pictures not decoded";
    if (meters.gaps > 0) note += ", lost " + (meters.gaps == 1 ? "once" : grouped(meters.gaps) + " times");
    note += ", memory " + byte_text(meters.memory.total());
    if (meters.forgotten.frames > 0) note += ", forgot " + grouped(meters.forgotten.frames) + " frames";
    return note;
}

std::string loss_note(const std::string& video, const WatchEnded& ended) {
    const int64_t damaged = ended.stats.damaged;
    if (damaged == 0) return "";
    return without_password(video) + " is damaged: " + grouped(damaged) +
           (damaged == 1 ? " piece of it could not be decoded; what it shows is not known"
                         : " pieces of it could not be decoded; what they show is not known");
}

std::string damage_note(const std::string& video, const WatchEnded& ended) {
    if (!ended.stats.ended_early) return "";
    return without_password(video) + " stops at " + written_time(ended.meters.watched_us) +
           ", before its end: truncated or damaged";
}

}  // namespace lv
