// Gated retention by itself, for longview-bench: its time by length, and a row of its output to compare with others'.
#pragma once

#include <nlohmann/json.hpp>
#include <span>

#include "engine/config.h"
#include "kernels/core/context.h"

namespace lv {

// One JSON object a length: {"rows", "heads", "head_dim", "seconds", "rows_per_second", "last_row"}; seconds is the
// shortest of several calls over all rows, from an empty state; last_row is the last row's output of head 0.
//
// All of it is made up the same way everywhere: u(n, i) is i + n * 0x9e3779b9, mixed in 32 bits as bench_value() in
// retention_bench.cpp shows, as a number in [-1, 1). Of element i = (row * heads + head) * head_dim + column:
// q = u(1, i), k = u(2, i) / sqrt(head_dim), v = u(3, i); of i = row * heads + head: log_decay = (u(4, i) - 1) / 64.
nlohmann::ordered_json measure_retention(const Context& context, const Config& config, std::span<const size_t> lengths);

}  // namespace lv
