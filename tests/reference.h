// The specification of every kernel: scalar, in double, obvious. Slow on purpose; nothing here is shared with kernels/.
//
// Matrices are vectors in row-major order; sizes are given. Accumulation is in double throughout.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace lv::reference {

using Doubles = std::vector<double>;

// c[m, n] = a[m, k] b[k, n]
inline Doubles matmul(const Doubles& a, const Doubles& b, size_t m, size_t k, size_t n) {
    Doubles c(m * n);
    for (size_t row = 0; row < m; ++row)
        for (size_t col = 0; col < n; ++col)
            for (size_t i = 0; i < k; ++i) c[row * n + col] += a[row * k + i] * b[i * n + col];
    return c;
}

inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
inline double silu(double x) { return x * sigmoid(x); }
inline double log_sigmoid(double x) { return x < 0 ? x - std::log1p(std::exp(x)) : -std::log1p(std::exp(-x)); }

// Each run of `dim` values by itself; weight empty or [dim].
inline Doubles rms_norm(const Doubles& x, const Doubles& weight, double eps, size_t dim) {
    Doubles y(x.size());
    for (size_t first = 0; first < x.size(); first += dim) {
        double squares = 0;
        for (size_t i = 0; i < dim; ++i) squares += x[first + i] * x[first + i];
        for (size_t i = 0; i < dim; ++i)
            y[first + i] = x[first + i] / std::sqrt(squares / double(dim) + eps) * (weight.empty() ? 1 : weight[i]);
    }
    return y;
}

// The angle of pair `pair` at `position`: pos * theta^(-2i/d), or for retention pos / theta^linspace(0, 1, d/2).
inline double rope_angle(double position, size_t pair, size_t head_dim, double theta, bool retention) {
    if (!retention) return position * std::pow(theta, -2.0 * double(pair) / double(head_dim));
    double share = head_dim > 2 ? double(pair) / double(head_dim / 2 - 1) : 0;
    return position / std::pow(theta, share);
}

inline Doubles rope(const Doubles& x, size_t rows, size_t heads, size_t head_dim, double theta, int64_t first_position,
                    bool retention, double factor) {
    Doubles y(x.size());
    for (size_t row = 0; row < rows; ++row)
        for (size_t head = 0; head < heads; ++head)
            for (size_t pair = 0; pair < head_dim / 2; ++pair) {
                double angle = rope_angle(double(first_position + int64_t(row)), pair, head_dim, theta, retention);
                size_t at = (row * heads + head) * head_dim + 2 * pair;
                y[at] = factor * (x[at] * std::cos(angle) - x[at + 1] * std::sin(angle));
                y[at + 1] = factor * (x[at] * std::sin(angle) + x[at + 1] * std::cos(angle));
            }
    return y;
}

// S_t = exp(log_decay) S_{t-1} + k^T v;  o_t = q_t S_t. state [heads, dim, dim] is left as after the last row.
inline Doubles retention(const Doubles& q, const Doubles& k, const Doubles& v, const Doubles& log_decay, size_t rows,
                         size_t heads, size_t dim, Doubles& state) {
    Doubles out(rows * heads * dim);
    for (size_t row = 0; row < rows; ++row)
        for (size_t head = 0; head < heads; ++head) {
            size_t at = (row * heads + head) * dim;
            for (size_t i = 0; i < dim; ++i)
                for (size_t j = 0; j < dim; ++j) {
                    double& value = state[(head * dim + i) * dim + j];
                    value = std::exp(log_decay[row * heads + head]) * value + k[at + i] * v[at + j];
                    out[at + j] += q[at + i] * value;
                }
        }
    return out;
}

struct Attention {
    size_t heads = 1, kv_heads = 1, head_dim = 1;
    double scale = 1;
    Doubles logit_scale;  // [rows, heads] or empty
    size_t first_row = 0;
    bool causal = true;
    size_t window = 0;
};

// q [rows, heads * dim], k, v [keys, kv_heads * dim], key j at index j. `mass` (when given) gets [keys]: the
// probabilities summed over rows and heads.
inline Doubles attention(const Attention& a, const Doubles& q, const Doubles& k, const Doubles& v, size_t rows,
                         size_t keys, Doubles* mass = nullptr) {
    size_t dim = a.head_dim;
    Doubles out(rows * a.heads * dim);
    if (mass) mass->assign(keys, 0);
    for (size_t row = 0; row < rows; ++row)
        for (size_t head = 0; head < a.heads; ++head) {
            size_t kv_head = head / (a.heads / a.kv_heads);
            Doubles logits(keys, -std::numeric_limits<double>::infinity());
            double largest = logits[0];
            for (size_t key = 0; key < keys; ++key) {
                size_t own = a.first_row + row;
                if (a.causal && (key > own || (a.window > 0 && key + a.window <= own))) continue;
                double dot = 0;
                for (size_t i = 0; i < dim; ++i)
                    dot += q[(row * a.heads + head) * dim + i] * k[(key * a.kv_heads + kv_head) * dim + i];
                logits[key] = dot * a.scale * (a.logit_scale.empty() ? 1 : a.logit_scale[row * a.heads + head]);
                largest = std::max(largest, logits[key]);
            }
            if (std::isinf(largest)) continue;
            double sum = 0;
            for (double& logit : logits) sum += logit = std::exp(logit - largest);
            for (size_t key = 0; key < keys; ++key) {
                if (mass) (*mass)[key] += logits[key] / sum;
                for (size_t i = 0; i < dim; ++i)
                    out[(row * a.heads + head) * dim + i] +=
                        logits[key] / sum * v[(key * a.kv_heads + kv_head) * dim + i];
            }
        }
    return out;
}

// Channels-last picture [height, width, in], weight [out, in / groups, kernel, kernel], result channels-last.
inline Doubles conv(const Doubles& picture, size_t height, size_t width, size_t in, const Doubles& weight,
                    const Doubles& bias, size_t out, size_t groups, size_t kernel, size_t stride, size_t top,
                    size_t left, size_t out_height, size_t out_width) {
    Doubles result(out_height * out_width * out);
    size_t ins = in / groups, outs = out / groups;
    for (size_t y = 0; y < out_height; ++y)
        for (size_t x = 0; x < out_width; ++x)
            for (size_t o = 0; o < out; ++o) {
                double sum = bias.empty() ? 0 : bias[o];
                for (size_t i = 0; i < ins; ++i)
                    for (size_t ky = 0; ky < kernel; ++ky)
                        for (size_t kx = 0; kx < kernel; ++kx) {
                            long row = long(y * stride + ky) - long(top), col = long(x * stride + kx) - long(left);
                            if (row < 0 || col < 0 || row >= long(height) || col >= long(width)) continue;
                            sum += weight[((o * ins + i) * kernel + ky) * kernel + kx] *
                                   picture[(size_t(row) * width + size_t(col)) * in + o / outs * ins + i];
                        }
                result[(y * out_width + x) * out + o] = sum;
            }
    return result;
}

inline Doubles softmax(const Doubles& x, double inverse_temperature) {
    double largest = *std::max_element(x.begin(), x.end()), sum = 0;
    Doubles y;
    for (double value : x) sum += y.emplace_back(std::exp((value - largest) * inverse_temperature));
    for (double& value : y) value /= sum;
    return y;
}

}  // namespace lv::reference
