// Inputs and comparisons for tests: seeded numbers with outliers, tolerances reckoned from epsilon and length.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "kernels/core/tensor.h"
#include "tests/reference.h"
#include "tests/temporary_folder.h"

namespace lv::test {

constexpr double epsilon_f32 = 0x1p-24;  // half the distance from 1 to the next number
constexpr double epsilon_f16 = 0x1p-11;
constexpr double epsilon_bf16 = 0x1p-8;

// Normal numbers, the same for the same seed on every machine; one in `outlier_every` is ten times as large.
inline std::vector<float> random_floats(size_t count, uint32_t seed, float size = 1, size_t outlier_every = 97) {
    std::mt19937 generator(seed);
    std::vector<float> values(count);
    for (size_t i = 0; i < count; ++i) {
        // Four uniform numbers, near enough to normal; std::normal_distribution differs between libraries.
        float sum = -2;
        for (int j = 0; j < 4; ++j) sum += float(generator() >> 8) * 0x1p-24f;
        values[i] = sum * 1.7320508f * size * (outlier_every && (i + seed) % outlier_every == 0 ? 10.0f : 1.0f);
    }
    return values;
}

inline reference::Doubles doubles(std::span<const float> values) { return {values.begin(), values.end()}; }

inline double largest(std::span<const float> values) {
    double most = 0;
    for (float value : values) most = std::max(most, double(std::fabs(value)));
    return most;
}

// A sum of `terms` products of numbers as large as `a` and `b`: rounding grows like the root of the length, outliers
// and blocks are allowed for by the factor.
inline double sum_tolerance(size_t terms, double a, double b, double epsilon = epsilon_f32) {
    return 4 * epsilon * std::sqrt(double(terms) + 1) * a * b;
}

// Every value within `tolerance` of the expected one, absolutely or relatively to it.
inline void expect_near(std::span<const float> found, const reference::Doubles& expected, double tolerance,
                        const std::string& what = "") {
    ASSERT_EQ(found.size(), expected.size()) << what;
    size_t wrong = 0;
    for (size_t i = 0; i < found.size(); ++i) {
        double allowed = tolerance * std::max(1.0, std::fabs(expected[i]));
        if (std::fabs(double(found[i]) - expected[i]) <= allowed) continue;  // false for NaN too
        if (wrong++ < 3)
            ADD_FAILURE() << what << ": value " << i << " of " << found.size() << " is " << found[i] << ", expected "
                          << expected[i] << " within " << allowed;
    }
    EXPECT_EQ(wrong, 0u) << what;
}

// A matrix with room for a stride wider than its columns; the gap holds NaN, which would spoil any kernel that reads
// it.
struct Padded {
    std::vector<float> memory;
    Matrix view;
    Padded(size_t rows, size_t cols, size_t gap = 3)
        : memory(rows * (cols + gap) + 1, std::numeric_limits<float>::quiet_NaN()),
          view(memory.data(), rows, cols, cols + gap) {
        for (size_t row = 0; row < rows; ++row)
            for (size_t col = 0; col < cols; ++col) view.at(row, col) = 0;
    }
    Padded(const std::vector<float>& values, size_t rows, size_t cols, size_t gap = 3) : Padded(rows, cols, gap) {
        for (size_t row = 0; row < rows; ++row)
            for (size_t col = 0; col < cols; ++col) view.at(row, col) = values[row * cols + col];
    }
    std::vector<float> values() const {
        std::vector<float> dense;
        for (size_t row = 0; row < view.rows; ++row)
            for (size_t col = 0; col < view.cols; ++col) dense.push_back(view.at(row, col));
        return dense;
    }
    // True while nothing was written between the rows.
    bool gaps_untouched() const {
        for (size_t row = 0; row < view.rows; ++row)
            for (size_t col = view.cols; col < view.stride; ++col)
                if (!std::isnan(memory[row * view.stride + col])) return false;
        return std::isnan(memory.back());
    }
};

}  // namespace lv::test
