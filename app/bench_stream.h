// A haystack that a memory reads while it grows, and how well a model answers about it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "app/bench.h"
#include "app/bench_haystack.h"
#include "app/bench_questions.h"
#include "app/loaded_model.h"
#include "app/progress.h"
#include "engine/memory.h"

namespace lv {

class HaystackStream {
   public:
    // Told now and then how many rows were read since the last call.
    using Watched = std::function<void(size_t rows)>;

    HaystackStream(std::shared_ptr<const Model> model, const HaystackOptions& options, std::span<const int> set_aside,
                   const MemoryOptions& memory);
    // Shares what was read so far; both grow on as the original would have.
    HaystackStream fork() const { return HaystackStream(haystack_, memory_.fork()); }

    // Whole frames, until the memory has at least `rows` rows.
    void grow(Workspace& work, size_t rows, const Watched& watched = {}, std::stop_token stop = {});
    void hide(int kind, int64_t frames) { haystack_.hide(kind, frames); }

    const FrameLog& log() const { return haystack_.log(); }
    const Memory& memory() const { return memory_; }

   private:
    HaystackStream(Haystack haystack, Memory memory) : haystack_(std::move(haystack)), memory_(std::move(memory)) {}

    Haystack haystack_;
    Memory memory_;
};

struct Score {
    size_t asked = 0, right = 0;
    size_t with_moment = 0, found = 0;  // questions with a true moment; those whose heaviest moment overlaps it
    std::vector<double> first_token_ms{};

    void add(const Score& other);
    double share() const { return share_of(right, asked); }
    double found_share() const { return share_of(found, with_moment); }

   private:
    static double share_of(size_t part, size_t all) { return all == 0 ? 0 : double(part) / double(all); }
};

// Asks one question of a fork, greedily. `said`, when given, becomes the answer's text.
Score ask_one(Workspace& work, const Memory& memory, const HaystackQuestion& question, std::string* said = nullptr);

double median(std::vector<double> values);  // 0 of none

// How the streams of a bench are made: of this many tokens, at a frame a second. Throws UsageError when that is longer
// than the 99 hours that a time can be written with.
constexpr int64_t haystack_period_us = 1'000'000;
constexpr int64_t needle_frames = 4;
constexpr size_t needle_tail_rows = 128;  // kept behind the deepest needle: itself, and what shows that it is gone
HaystackOptions haystack_options(size_t rows, uint64_t seed);
size_t trials_of(const BenchRun& run, size_t rows);
// Kinds to set aside, all different.
std::vector<int> drawn_kinds(uint64_t seed, size_t count);
// "4K", "1M", "1000".
std::string length_text(size_t rows);
// " (mini, cache f16, exact attention)"
std::string how_text(const BenchRun& run, const LoadedModel& model);

// Progress of reading `rows` rows in all, over several streams, with the time left.
class RowMeter {
   public:
    RowMeter(Progress& talk, std::string label, size_t rows);
    ~RowMeter() { talk_.finish(); }
    RowMeter(const RowMeter&) = delete;
    RowMeter& operator=(const RowMeter&) = delete;
    void add(size_t rows);
    void tick() { add(0); }

   private:
    Progress& talk_;
    std::string label_;
    size_t all_, done_ = 0;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace lv
