#include "app/bench_stream.h"

#include <algorithm>
#include <numeric>
#include <random>

#include "engine/generate.h"
#include "engine/prompt.h"
#include "kernels/core/error.h"

namespace lv {
namespace {

constexpr size_t piece_rows = 2048;   // made at once: 10 MB of feature rows
constexpr double rows_a_frame = 4.1;  // of a haystack, about
constexpr int64_t most_seconds = 99 * 3600;
constexpr size_t short_length = 65536;  // up to here several trials cost little

int64_t video_us(size_t rows) { return static_cast<int64_t>(double(rows) / rows_a_frame * haystack_period_us); }

}  // namespace

HaystackStream::HaystackStream(std::shared_ptr<const Model> model, const HaystackOptions& options,
                               std::span<const int> set_aside, const MemoryOptions& memory)
    : haystack_(options, set_aside), memory_(std::move(model), memory) {}

void HaystackStream::grow(Workspace& work, size_t rows, const Watched& watched, std::stop_token stop) {
    std::vector<float> values;
    std::vector<int64_t> times_us;
    while (memory_.cache_rows() < rows && !stop.stop_requested()) {
        values.clear(), times_us.clear();
        const size_t wanted = std::min(piece_rows, rows - memory_.cache_rows());
        while (times_us.size() < wanted) haystack_.next(values, times_us);
        memory_.append(work, {values.data(), times_us.size(), row::feature_dim}, times_us, stop);
        if (watched) watched(times_us.size());
    }
}

void Score::add(const Score& other) {
    asked += other.asked, right += other.right;
    with_moment += other.with_moment, found += other.found;
    first_token_ms.insert(first_token_ms.end(), other.first_token_ms.begin(), other.first_token_ms.end());
}

Score ask_one(Workspace& work, const Memory& memory, const HaystackQuestion& question, std::string* said) {
    const Answer answer = ask(work, memory, question.text);
    Score score{.asked = 1, .right = is_right(question, answer.text)};
    score.first_token_ms.push_back(static_cast<double>(answer.first_token_us) / 1e3);
    if (question.end_us > question.start_us) {
        score.with_moment = 1;
        score.found = !answer.evidence.empty() && answer.evidence[0].start_us < question.end_us &&
                      question.start_us < std::max(answer.evidence[0].end_us, answer.evidence[0].start_us + 1);
    }
    if (said) *said = answer.text;
    return score;
}

double median(std::vector<double> values) {
    if (values.empty()) return 0;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

HaystackOptions haystack_options(size_t rows, uint64_t seed) {
    const int64_t length_us = video_us(rows);
    if (length_us > most_seconds * 1'000'000)
        throw UsageError("--lengths: " + length_text(rows) + " tokens are about " + written_time(length_us) +
                         " of video, more than the 99 hours that a time can be written with");
    return {.seed = seed, .period_us = haystack_period_us, .frames = length_us / haystack_period_us};
}

size_t trials_of(const BenchRun& run, size_t rows) {
    return run.options.trials > 0 ? run.options.trials : rows <= short_length ? 4 : 1;
}

std::vector<int> drawn_kinds(uint64_t seed, size_t count) {
    std::vector<int> kinds(row::kinds);
    std::iota(kinds.begin(), kinds.end(), 0);
    std::mt19937_64 random(seed);
    for (size_t i = 0; i < count; ++i) std::swap(kinds[i], kinds[i + random() % (kinds.size() - i)]);
    kinds.resize(count);
    return kinds;
}

std::string length_text(size_t rows) {
    if (rows % (1 << 20) == 0) return std::to_string(rows >> 20) + "M";
    return rows % 1024 == 0 ? std::to_string(rows >> 10) + "K" : std::to_string(rows);
}

std::string how_text(const BenchRun& run, const LoadedModel& model) {
    return " (" + model.language->config().name + ", cache " + cache_name(run.options.cache) + ", " +
           attend_text(run.options.attends.front()) + " attention)";
}

RowMeter::RowMeter(Progress& talk, std::string label, size_t rows)
    : talk_(talk), label_(std::move(label)), all_(rows) {}

void RowMeter::add(size_t rows) {
    done_ += rows;
    const auto elapsed = std::chrono::steady_clock::now() - begin_;
    talk_.update({.label = label_,
                  .done_us = video_us(done_),
                  .total_us = video_us(std::max(all_, done_)),
                  .frames = video_us(done_) / haystack_period_us,
                  .elapsed_us = std::chrono::duration_cast<std::chrono::microseconds>(elapsed).count()});
}

}  // namespace lv
