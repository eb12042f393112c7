#include "app/memory_need.h"

#include <cmath>
#include <fstream>

#include "app/byte_text.h"
#include "engine/measure.h"
#include "engine/prompt.h"
#include "kernels/core/error.h"

namespace lv {
namespace {

int64_t frames_of(const MemoryNeed& need) {
    return need.end_us > need.first_us ? (need.end_us - need.first_us + need.period_us - 1) / need.period_us : 0;
}

double rows_of(const MemoryNeed& need) {
    const double each =
        need.now.all_frames > 0 ? double(need.now.rows) / double(need.now.all_frames) : usual_rows_a_frame;
    return double(need.now.rows) + double(frames_of(need)) * each;
}

}  // namespace

size_t reckon_need(const MemoryNeed& need) {
    if (frames_of(need) == 0) return 0;
    // Linear beyond a length that is reckoned exactly: the sum may be larger than any machine.
    constexpr size_t exact_rows = 1 << 20;
    const double rows = rows_of(need);
    if (rows <= double(exact_rows)) return reckon_memory(need.config, size_t(rows), need.options).total();
    return size_t(rows / double(exact_rows) * double(reckon_memory(need.config, exact_rows, need.options).total()));
}

void require_room(const MemoryNeed& need, size_t free_bytes) {
    const size_t bytes = reckon_need(need), held = need.now.memory.total();
    if (free_bytes == 0 || bytes <= held || bytes - held <= free_bytes) return;
    fail("watching ", need.source, ": ", written_time(need.end_us - need.first_us), " at ",
         1e6 / double(need.period_us), " frames a second are ", grouped(frames_of(need)), " frames, about ",
         grouped(std::llround(rows_of(need))), " tokens; remembered whole they take ", byte_text(bytes), ", but ",
         byte_text(free_bytes),
         " are free; give a --budget (the oldest is then forgotten), look less often (--fps), at "
         "less (--from, --to), or keep it smaller (--cache int8)");
}

size_t free_memory_bytes() {
    std::ifstream info("/proc/meminfo");
    for (std::string word; info >> word;) {
        size_t kib = 0;
        if (word == "MemAvailable:" && info >> kib) return kib * 1024;
    }
    return 0;
}

}  // namespace lv
