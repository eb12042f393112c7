#include "app/captions.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "app/time_text.h"
#include "engine/prompt.h"
#include "kernels/core/error.h"

namespace lv {
namespace {

constexpr std::array<std::string_view, 4> names{"srt", "vtt", "jsonl", "txt"};

// One line: an empty line would end the cue in srt and vtt.
std::string one_line(std::string_view text) {
    std::string line;
    for (const char c : text) {
        const bool space = c == '\n' || c == '\r' || c == '\t' || c == ' ';
        if (!space)
            line += c;
        else if (!line.empty() && line.back() != ' ')
            line += ' ';
    }
    if (!line.empty() && line.back() == ' ') line.pop_back();
    return line;
}

// "&", "<" and ">" would read as markup in vtt.
std::string escape_vtt(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        if (c == '&')
            escaped += "&amp;";
        else if (c == '<')
            escaped += "&lt;";
        else if (c == '>')
            escaped += "&gt;";
        else
            escaped += c;
    }
    return escaped;
}

std::string json_line(const Caption& caption) {
    nlohmann::ordered_json object;
    object["start"] = seconds(caption.start_us);
    object["end"] = seconds(caption.end_us);
    object["text"] = one_line(caption.text);
    object["objects"] = caption.objects;
    return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string cue_times(const Caption& caption, char separator) {
    return subtitle_time(caption.start_us, separator) + " --> " + subtitle_time(caption.end_us, separator);
}

}  // namespace

std::string_view format_name(CaptionFormat format) { return names[static_cast<size_t>(format)]; }

std::vector<CaptionFormat> parse_formats(std::string_view list) {
    std::vector<CaptionFormat> formats;
    while (true) {
        const size_t comma = std::min(list.find(','), list.size());
        const std::string_view name = list.substr(0, comma);
        const auto found = std::find(names.begin(), names.end(), name);
        if (found == names.end())
            throw UsageError("--format: '" + std::string(name) +
                             "' is not a caption format; choose from srt, vtt, jsonl, txt");
        const auto format = static_cast<CaptionFormat>(found - names.begin());
        if (std::find(formats.begin(), formats.end(), format) == formats.end()) formats.push_back(format);
        if (comma == list.size()) return formats;
        list.remove_prefix(comma + 1);
    }
}

std::string caption_header(CaptionFormat format) { return format == CaptionFormat::vtt ? "WEBVTT\n\n" : ""; }

std::string caption_cue(CaptionFormat format, const Caption& caption, size_t number) {
    const std::string text = one_line(caption.text);
    switch (format) {
        case CaptionFormat::srt:
            return std::to_string(number) + "\n" + cue_times(caption, ',') + "\n" + text + "\n\n";
        case CaptionFormat::vtt:
            return cue_times(caption, '.') + "\n" + escape_vtt(text) + "\n\n";
        case CaptionFormat::jsonl:
            return json_line(caption);
        case CaptionFormat::txt:
            break;
    }
    return written_time(caption.start_us) + " - " + written_time(caption.end_us) + "  " + text + "\n";
}

std::string caption_file(CaptionFormat format, const std::vector<Caption>& captions) {
    std::string file = caption_header(format);
    for (size_t i = 0; i < captions.size(); ++i) file += caption_cue(format, captions[i], i + 1);
    return file;
}

std::vector<Interval> split_intervals(int64_t start_us, int64_t end_us, int64_t every_us) {
    std::vector<Interval> intervals;
    const int64_t shortest_us = every_us / 4;
    for (int64_t start = start_us; start < end_us;) {
        int64_t end = (start / every_us + 1) * every_us;
        if (end - start < shortest_us) end += every_us;
        if (end_us - end < shortest_us) end = end_us;
        intervals.push_back({start, std::min(end, end_us)});
        start = intervals.back().end_us;
    }
    return intervals;
}

}  // namespace lv
