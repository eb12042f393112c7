#include "app/watched_video.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "kernels/core/error.h"

namespace lv {
namespace {

using nlohmann::ordered_json;

constexpr int64_t second_us = 1'000'000;

ordered_json video_json(const WatchedVideo& video) {
    ordered_json out{{"source", video.source},
                     {"fps", video.sampling.fps},
                     {"keyframes", video.sampling.keyframes},
                     {"from_us", video.sampling.from_us},
                     {"start_us", video.start_us},
                     {"watched_us", video.watched_us},
                     {"end_us", video.end_us},
                     {"frames", video.frames},
                     {"live", video.live},
                     {"finished", video.finished}};
    if (video.began_at_us > 0) out["began_at_us"] = video.began_at_us;
    for (const Gap& gap : video.gaps) out["gaps"].push_back({gap.start_us, gap.end_us});
    return out;
}

WatchedVideo video_of(const ordered_json& json) {
    WatchedVideo video;
    json.at("source").get_to(video.source);
    json.at("fps").get_to(video.sampling.fps);
    json.at("keyframes").get_to(video.sampling.keyframes);
    json.at("from_us").get_to(video.sampling.from_us);
    json.at("start_us").get_to(video.start_us);
    json.at("watched_us").get_to(video.watched_us);
    json.at("end_us").get_to(video.end_us);
    json.at("frames").get_to(video.frames);
    json.at("live").get_to(video.live);
    json.at("finished").get_to(video.finished);
    video.began_at_us = json.value("began_at_us", int64_t{0});
    if (const auto gaps = json.find("gaps"); gaps != json.end())
        for (const ordered_json& gap : *gaps) video.add_gap({gap.at(0), gap.at(1)});
    return video;
}

}  // namespace

int64_t WatchedVideo::next_start_us() const {
    const int64_t end = start_us + std::max(end_us, watched_us + 1);
    return (end + second_us - 1) / second_us * second_us;
}

void WatchedVideo::add_gap(Gap gap) {
    if (gaps.size() == most_gaps) gaps.erase(gaps.begin());
    gaps.push_back(gap);
}

VideoClock clock_of(std::span<const WatchedVideo> videos, int64_t now_us) {
    std::vector<int64_t> starts;
    for (const WatchedVideo& video : videos)
        if (starts.empty() || (video.watched_us >= 0 && video.start_us <= now_us)) starts.push_back(video.start_us);
    return starts.empty() ? VideoClock() : VideoClock(std::move(starts));
}

std::string watched_json(std::span<const WatchedVideo> videos) {
    ordered_json list = ordered_json::array();
    for (const WatchedVideo& video : videos) list.push_back(video_json(video));
    return list.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::vector<WatchedVideo> read_watched(std::string_view json, std::string_view file) {
    std::vector<WatchedVideo> videos;
    try {
        for (const ordered_json& video : ordered_json::parse(json)) videos.push_back(video_of(video));
    } catch (const ordered_json::exception&) {
        fail("reading ", file, ": its list of videos is no list that this longview knows; watch the videos again");
    }
    for (size_t i = 0; i < videos.size(); ++i) {
        const SamplingOptions& sampling = videos[i].sampling;
        require(sampling.fps >= 0.001 && sampling.fps <= 60 && (i == 0 || videos[i].start_us > videos[i - 1].start_us),
                "reading ", file, ": its list of videos is out of order; watch the videos again");
    }
    return videos;
}

}  // namespace lv
