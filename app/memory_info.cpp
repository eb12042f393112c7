#include "app/memory_info.h"

#include <nlohmann/json.hpp>

#include "app/byte_text.h"
#include "app/memory_options.h"
#include "app/time_text.h"
#include "engine/memory_file.h"
#include "engine/prompt.h"

namespace lv {
namespace {

using nlohmann::ordered_json;

size_t notes_bytes(const MemoryFileInfo& info) {
    size_t sum = 0;
    for (const auto& [name, bytes] : info.notes_bytes) sum += bytes;
    return sum;
}

ordered_json info_json(const MemoryFileInfo& info, const std::filesystem::path& file) {
    ordered_json videos = ordered_json::array();
    for (const VideoPart& video : info.videos)
        videos.push_back({{"name", video.name}, {"start", video.first_us == no_time ? 0 : seconds(video.first_us)}});
    ordered_json out{{"file", file.string()},
                     {"version", info.version},
                     {"model", info.model_name},
                     {"model_digest", info.model_digest},
                     {"duration", seconds(info.last_us - info.first_us)},
                     {"videos", videos},
                     {"frames", info.frames},
                     {"tokens", info.rows},
                     {"tokens_kept", info.cache_rows},
                     {"cache", cache_name(info.options.cache_type)},
                     {"bytes",
                      {{"state", info.state_bytes},
                       {"cache", info.cache_bytes},
                       {"index", info.index_bytes},
                       {"notes", notes_bytes(info)},
                       {"file", info.file_bytes}}}};
    out["forgotten"] = {{"frames", info.forgotten.frames},
                        {"tokens", info.forgotten.rows},
                        {"start", seconds(info.forgotten.first_us)},
                        {"end", seconds(info.forgotten.last_us)}};
    return out;
}

std::string info_text(const MemoryFileInfo& info, const std::filesystem::path& file) {
    std::string text = file.string() + "  " + byte_text(info.file_bytes) + "\n";
    text += "  model       " + info.model_name + " (" + info.model_digest.substr(0, 12) + ")\n";
    text += "  seen        " + written_time(info.last_us - info.first_us) + ", " + grouped(info.frames) + " frames, " +
            grouped(static_cast<int64_t>(info.rows)) + " tokens\n";
    for (size_t i = 0; i < info.videos.size(); ++i) {
        const int64_t first_us = info.videos[i].first_us;
        text += (i == 0 ? "  videos      " : "              ") + std::to_string(i + 1) + "  " + info.videos[i].name;
        if (info.videos.size() > 1 && first_us != no_time) text += ", from " + written_time(first_us) + " on";
        text += "\n";
    }
    text += "  bytes       state " + byte_text(info.state_bytes) + ", cache " + byte_text(info.cache_bytes) + " (" +
            cache_name(info.options.cache_type) + "), index " + byte_text(info.index_bytes) + ", notes " +
            byte_text(notes_bytes(info)) + "\n";
    if (info.options.budget_bytes > 0) text += "  budget      " + byte_text(info.options.budget_bytes) + "\n";
    if (info.forgotten.frames > 0)
        text += "  forgotten   " + grouped(info.forgotten.frames) + " frames between " +
                written_time(info.forgotten.first_us) + " and " + written_time(info.forgotten.last_us) + "\n";
    return text;
}

}  // namespace

std::string memory_info(const std::filesystem::path& file, bool json) {
    const MemoryFileInfo info = read_memory_info(file);
    return json ? info_json(info, file).dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n"
                : info_text(info, file);
}

}  // namespace lv
