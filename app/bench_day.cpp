#include "app/bench_day.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "app/bench_stream.h"
#include "app/model_path.h"
#include "engine/generate.h"
#include "engine/memory_file.h"
#include "engine/prompt.h"

namespace lv {
namespace {

constexpr int64_t day_frames = 86400, hour_frames = 3600, timed_frames = 400;
constexpr size_t asked = 7;
constexpr size_t usual_top_pages = 64;
constexpr const char* question = "When does a dog first appear?";

using Clock = std::chrono::steady_clock;

struct Day {
    Memory hour, day;                          // after one hour, after 24
    double hour_frame_s = 0, day_frame_s = 0;  // of appending a frame then, one frame at a time
    double reading_s = 0;                      // of the whole day, in large pieces
};

// Reads frames of the haystack until its log has `frames` of them.
double read_until(const BenchRun& run, Workspace& work, Haystack& haystack, Memory& memory, int64_t frames) {
    std::vector<float> values;
    std::vector<int64_t> times_us;
    double seconds = 0;
    while (haystack.log().frames() < frames && !run.stop.stop_requested()) {
        values.clear(), times_us.clear();
        for (int i = 0; i < 400 && haystack.log().frames() < frames; ++i) haystack.next(values, times_us);
        const auto start = Clock::now();
        memory.append(work, {values.data(), times_us.size(), row::feature_dim}, times_us, run.stop);
        seconds += std::chrono::duration<double>(Clock::now() - start).count();
    }
    return seconds;
}

Day read_day(const BenchRun& run, Workspace& work, const std::shared_ptr<const Model>& model, DType type) {
    Haystack haystack({.seed = run.options.seed, .period_us = haystack_period_us, .frames = day_frames}, {});
    Memory memory(model, {.cache_type = type});
    double reading_s = read_until(run, work, haystack, memory, hour_frames);
    Memory hour = memory.fork();
    reading_s += read_until(run, work, haystack, memory, day_frames);
    Day day{std::move(hour), std::move(memory), 0, 0, reading_s};
    // The same frames behind both, in turn, so that both meet the same machine.
    Memory early = day.hour.fork(), late = day.day.fork();
    std::vector<double> early_s, late_s;
    for (int64_t i = 0; i < timed_frames; ++i) {
        std::vector<float> values;
        std::vector<int64_t> times_us;
        haystack.next(values, times_us);
        for (const auto& [memory_at, seconds] : {std::pair{&early, &early_s}, std::pair{&late, &late_s}}) {
            const auto start = Clock::now();
            memory_at->append(work, {values.data(), times_us.size(), row::feature_dim}, times_us);
            seconds->push_back(std::chrono::duration<double>(Clock::now() - start).count());
        }
    }
    day.hour_frame_s = median(early_s), day.day_frame_s = median(late_s);
    return day;
}

// Median milliseconds to the first token of an answer, evidence reckoned too, as a user gets it.
double first_token_ms(const BenchRun& run, Workspace& work, const Memory& day) {
    Memory memory = day.fork();
    memory.call_roll(work);  // as the session does with a memory that it loads
    std::vector<double> times;
    for (size_t i = 0; i < asked && !run.stop.stop_requested(); ++i)
        times.push_back(static_cast<double>(ask(work, memory, question).first_token_us) / 1e3);
    return median(times);
}

// Seconds that a file of the memory takes to be written, and to be ready to be asked.
struct FileTimes {
    double saved_s = 0, ready_s = 0;
};
FileTimes file_times(const BenchRun& run, Workspace& work, const std::shared_ptr<const Model>& model,
                     const Memory& memory) {
    const std::filesystem::path file =
        std::filesystem::temp_directory_path() / ("longview-day-" + std::to_string(getpid()) + ".lvm");
    const auto start = Clock::now();
    try {
        save_memory(memory, {}, file);
        const auto saved = Clock::now();
        load_memory(run.context, model, file).memory.call_roll(work);
        const auto ready = Clock::now();
        std::filesystem::remove(file);
        return {std::chrono::duration<double>(saved - start).count(),
                std::chrono::duration<double>(ready - saved).count()};
    } catch (...) {
        std::error_code ignored;
        std::filesystem::remove(file, ignored);
        throw;
    }
}

}  // namespace

BenchTable bench_day(const BenchRun& run) {
    const auto model = load_model(find_model(run.options.model.dir))->language;
    BenchTable table{.name = "memory_day",
                     .title = "A day of video, 86,400 frames at 1 a second, in the memory of " + model->config().name,
                     .columns = {{"cache", BenchUnit::text},
                                 {"attention", BenchUnit::text},
                                 {"tokens", BenchUnit::count},
                                 {"state", BenchUnit::bytes},
                                 {"cache takes", BenchUnit::bytes},
                                 {"times", BenchUnit::bytes},
                                 {"all told", BenchUnit::bytes},
                                 {"first token", BenchUnit::ms},
                                 {"a frame, hour 1", BenchUnit::us},
                                 {"a frame, hour 24", BenchUnit::us},
                                 {"hour 24 / hour 1", BenchUnit::times},
                                 {"saved in", BenchUnit::seconds},
                                 {"file ready in", BenchUnit::ms}},
                     .rows = {},
                     .notes = {"Measured on memories that really read the day, made up as for the needle test.",
                               std::string("First token: of the answer to \"") + question + "\", median of " +
                                   std::to_string(asked) + ", " + std::to_string(run.context.threads()) + " threads.",
                               "A frame: appended alone, median of " + std::to_string(timed_frames) +
                                   ", in turn behind the first hour and behind the day.",
                               "File ready: loaded just after it was saved, so that the system still holds it, and its roll "
                               "called (engine/roll_call.h): all that comes before a question."}};
    for (const DType type : {DType::f16, DType::i8}) {
        if (run.stop.stop_requested()) break;
        run.talk.say("memory: a day, cache " + cache_name(type));
        Workspace work(run.context, model->config());
        const Day day = read_day(run, work, model, type);
        const MemoryBytes bytes = day.day.bytes();
        const FileTimes file = file_times(run, work, model, day.day);
        table.rows.push_back({cache_name(type), "exact", day.day.cache_rows(), bytes.state, bytes.cache, bytes.index,
                              bytes.total(), first_token_ms(run, work, day.day), day.hour_frame_s * 1e6,
                              day.day_frame_s * 1e6, day.day_frame_s / day.hour_frame_s, file.saved_s,
                              file.ready_s * 1e3});
        const size_t chosen = run.options.attends.front(), top = chosen > 0 ? chosen : usual_top_pages;
        Workspace narrow(run.context, model->config(), {.top_pages = top});
        auto row = table.rows.back();
        row[1] = attend_text(top);
        row[7] = first_token_ms(run, narrow, day.day);
        for (size_t column = 8; column < row.size(); ++column) row[column] = nullptr;  // reading is the same
        table.rows.push_back(std::move(row));
        table.notes.push_back("Cache " + cache_name(type) + ": the day was read in " +
                              cell_text(day.reading_s, BenchUnit::seconds) + ", " +
                              cell_text(86400 / day.reading_s, BenchUnit::count) + " times real time.");
    }
    return table;
}

}  // namespace lv
