// Rotary positions on interleaved pairs (Su et al., arXiv 2104.09864), from a table the caller keeps.
//
// Pair i of a head is (x[2i], x[2i+1]), rotated by angle = pos * frequency[i]:
//   x'[2i] = x[2i] cos - x[2i+1] sin,   x'[2i+1] = x[2i] sin + x[2i+1] cos
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/core/context.h"
#include "kernels/core/tensor.h"

namespace lv {

// frequency[i] = theta^(-2i / head_dim): sliding, full and cross attention. [head_dim / 2]
std::vector<double> rope_frequencies(size_t head_dim, double theta);
// frequency[i] = 1 / theta^linspace(0, 1, head_dim / 2)[i]: retention. [head_dim / 2]
std::vector<double> retention_frequencies(size_t head_dim, double theta);

// table [rows, head_dim]: columns 2i, 2i+1 = cos, sin of (first_position + row) * frequency[i], reckoned in double.
// `frequencies` is the host's on every device.
void rope_table(const Context& context, std::span<const double> frequencies, int64_t first_position, Matrix table);

// y = rotated x * factor; x, y [rows, heads * head_dim], table [rows, head_dim]. y may be x.
void rope(const Context& context, ConstMatrix x, ConstMatrix table, float factor, Matrix y);

}  // namespace lv
