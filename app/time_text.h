// Times as people write them: "90", "1:30", "2m", "500ms" in; subtitle clocks out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lv {

// Microseconds of a written time or length: seconds ("90", "1.5"), clock ("1:30", "1:02:03.5") or units ("2m", "1h30m",
// "10s", "500ms"). Throws UsageError that names `what` (for example "--from") when it is none of these or negative.
int64_t parse_time_us(std::string_view text, std::string_view what);

// "00:01:02,500" with the given separator before the milliseconds: ',' for srt, '.' for vtt. Hours grow past 99.
std::string subtitle_time(int64_t time_us, char separator);

// Whole microseconds as seconds for JSON: exact to the microsecond.
inline double seconds(int64_t time_us) { return static_cast<double>(time_us) / 1e6; }

}  // namespace lv
