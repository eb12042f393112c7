// What a config costs: rates measured on random weights, bytes reckoned and measured. `longview bench` prints these.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/memory.h"

namespace lv {

// A YOCO of about 100 million parameters (dim 768, gated retention below, cross layers above), and any config's
// baseline is transformer_of(config).
Config config_100m();
// The 3B model of the paper (arXiv 2405.05254, table 1 and section 4): 26 layers, the lower half gated retention, dim
// 3072, 24 heads of 128 on 8 key/value heads.
Config config_3b();

// A memory whose caches hold `rows` rows of made-up values, as after reading that many: a Transformer would take hours
// to read them. Random ones, since hardware is faster at zeros. Its rows have no times: to be measured only.
Memory made_up_memory(const std::shared_ptr<const Model>& model, size_t rows, const MemoryOptions& options = {});

// Random feature rows as sparse as those of a video, about five a frame, one frame a second.
struct SampleRows {
    std::vector<float> features;  // [rows, feature_dim]
    std::vector<int64_t> times_us;
    ConstMatrix matrix(const Config& config) const {
        return {features.data(), times_us.size(), config.rows.feature_dim};
    }
};
SampleRows sample_rows(const Config& config, size_t rows, size_t first_row = 0, uint64_t seed = 1);

// Appends `rows` sample rows in pieces, so that they never lie in memory at once.
void fill_memory(Workspace& work, Memory& memory, size_t rows);

struct Rate {
    double seconds = 0;  // median of the repeats
    double rows_per_second = 0;
    double flops_per_second = 0;  // of the matrix products and attention
    double bytes_per_second = 0;  // read at least: weights, state and cache, each once
};

// Prefill of `rows` rows into an empty memory; repeats at least `least` times and until `seconds` have passed.
Rate measure_prefill(Workspace& work, std::shared_ptr<const Model> model, size_t rows, double seconds = 1,
                     const MemoryOptions& options = {}, size_t least = 2);

// Seconds of appending `rows` more rows to forks of `memory`: the median of repeats that take about `seconds`.
double measure_append(Workspace& work, const Memory& memory, size_t rows, double seconds = 0.3);

// Decode steps in a fork of `memory`: the time of one token at this length.
Rate measure_decode(Workspace& work, const Memory& memory, size_t steps = 32);

// Seconds from a question of `rows` pieces of text to the logits of its first token, in forks of `memory`: the median
// of `repeats`.
double measure_first_token(Workspace& work, const Memory& memory, size_t rows = 12, size_t repeats = 5);

// Seconds of fork(): the median of `repeats`.
double measure_fork(const Memory& memory, size_t repeats = 32);

// What a memory of `rows` rows will take, without making it; equal to Memory::bytes() after as many rows of
// sample_rows(), five a frame.
MemoryBytes reckon_memory(const Config& config, size_t rows, const MemoryOptions& options = {});

// Arithmetic of one row: in prefill (it stops at the bridge) and in a decode step (through all layers, with logits),
// where it sees `visible` rows.
double prefill_flops(const Config& config, size_t visible);
double decode_flops(const Config& config, size_t visible);

}  // namespace lv
