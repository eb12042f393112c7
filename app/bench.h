// The benchmarks' shape: each returns tables of figures, printed for people or as JSON for tools/plot_bench.py.
#pragma once

#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <vector>

#include "app/options.h"
#include "app/progress.h"
#include "kernels/core/context.h"

namespace lv {

// How a column's numbers are written in the table; in JSON they stay plain numbers in the unit named.
enum class BenchUnit { text, count, bytes, us, ms, seconds, per_second, gflops, times, share, percent };

struct BenchColumn {
    std::string name;
    BenchUnit unit = BenchUnit::count;
    bool drawn = false;  // a curve of the picture, over the first column
};

// How tools/plot_bench.py draws a table: a curve for each drawn column over the first one, or a field of shares with a
// column for each drawn one and a row for each of the table's.
enum class BenchPicture { curves, heat };

struct BenchTable {
    std::string name;   // of the bench, e.g. "memory"; begins with it where a bench has several tables
    std::string title;  // a sentence
    std::vector<BenchColumn> columns;
    std::vector<std::vector<nlohmann::json>> rows;  // a cell a column; null: not measured
    std::vector<std::string> notes;
    BenchPicture picture = BenchPicture::curves;
};

// "512 B", "1.5 MiB", "31/s", "0.62", "12.5 ms", ...; "-" for null.
std::string cell_text(const nlohmann::json& cell, BenchUnit unit);
// Title, columns set in lines, notes.
std::string table_text(const BenchTable& table);
nlohmann::ordered_json table_json(const BenchTable& table);

// What a benchmark is given. `talk` says what is being measured.
struct BenchRun {
    const BenchOptions& options;
    const Context& context;
    Progress& talk;
    std::stop_token stop;
};

// The lengths that --lengths asks for; else `lengths`, without the last `long_ones` of them unless --full is given.
std::vector<size_t> lengths_of(const BenchRun& run, std::vector<size_t> lengths, size_t long_ones);

std::vector<BenchTable> bench_pipeline(const BenchRun& run);
std::vector<BenchTable> bench_encode(const BenchRun& run);
std::vector<BenchTable> bench_prefill(const BenchRun& run);
std::vector<BenchTable> bench_decode(const BenchRun& run);
std::vector<BenchTable> bench_memory(const BenchRun& run);
std::vector<BenchTable> bench_kernels(const BenchRun& run);
std::vector<BenchTable> bench_needle(const BenchRun& run);
std::vector<BenchTable> bench_answers(const BenchRun& run);
std::vector<BenchTable> bench_agent(const BenchRun& run);

}  // namespace lv
