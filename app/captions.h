// Captions and their four file formats: srt, vtt, jsonl and txt.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lv {

// What happens in [start_us, end_us), in one or a few sentences.
struct Caption {
    int64_t start_us = 0;
    int64_t end_us = 0;
    std::string text;
    std::vector<std::string> objects;  // names of the kinds seen in the interval, in order of appearance
};

enum class CaptionFormat { srt, vtt, jsonl, txt };

// "srt", "vtt", "jsonl", "txt": the name on the command line and the file's extension.
std::string_view format_name(CaptionFormat format);

// "srt,vtt" to formats, each once, in the order given. Throws UsageError on an unknown or empty name.
std::vector<CaptionFormat> parse_formats(std::string_view list);

// What stands before the first caption of a file ("WEBVTT"), and caption `number` (1-based) as the file has it.
// A text of several lines stays one cue; characters with a meaning in the format are escaped.
std::string caption_header(CaptionFormat format);
std::string caption_cue(CaptionFormat format, const Caption& caption, size_t number);

// The whole file. Captions must be in order.
std::string caption_file(CaptionFormat format, const std::vector<Caption>& captions);

// Splits [start_us, end_us) into intervals of `every_us`, at multiples of it counted from 0, so that the times read
// well. A rest shorter than a quarter of `every_us` joins its neighbour. Nothing overlaps and nothing passes end_us.
struct Interval {
    int64_t start_us = 0;
    int64_t end_us = 0;
};
std::vector<Interval> split_intervals(int64_t start_us, int64_t end_us, int64_t every_us);

}  // namespace lv
