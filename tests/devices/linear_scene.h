// A scene of Linear: weights of a type, rows for them, and what they make of the rows.
#pragma once

#include "kernels/matmul.h"
#include "tests/devices/on_device.h"

namespace lv::test {

// The weights as the Linear holds them, in double: rounding to the stored type is no error of the product.
inline reference::Doubles stored_weights(const Linear& linear) {
    reference::Doubles weights(linear.in() * linear.out());
    for (size_t i = 0; i < linear.in(); ++i)
        for (size_t o = 0; o < linear.out(); ++o) weights[i * linear.out() + o] = linear.weight_at(i, o);
    return weights;
}

struct LinearShape {
    size_t rows, in, out;
};

struct LinearScene {
    std::vector<float> weight, bias, x;
    Linear linear;  // of the host
    reference::Doubles expected;
    std::string what;

    LinearScene(LinearShape s, DType type)
        : weight(random_floats(s.in * s.out, 1)),
          bias(random_floats(s.out, 2)),
          x(random_floats(s.rows * s.in, 3)),
          linear(ConstMatrix(weight.data(), s.in, s.out), type, bias),
          expected(reference::matmul(doubles(x), stored_weights(linear), s.rows, s.in, s.out)),
          what(std::string(dtype_name(type)) + " " + std::to_string(s.rows) + " x " + std::to_string(s.in) + " x " +
               std::to_string(s.out)) {
        for (size_t i = 0; i < expected.size(); ++i) expected[i] += bias[i % s.out];
    }
    reference::Doubles twice() const {
        reference::Doubles values = expected;
        for (double& value : values) value *= 2;
        return values;
    }
    double tolerance(double eps = epsilon_f32) const {
        return sum_tolerance(linear.in(), largest(x), largest(weight), eps);
    }
};

}  // namespace lv::test
