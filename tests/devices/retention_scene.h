// A scene of retention: rows, decays and a state in the memory of any context, and what each form makes of them.
#pragma once

#include "kernels/retention.h"
#include "tests/devices/on_device.h"

namespace lv::test {

struct RetentionForm {
    const char* name;
    void (*apply)(const Context&, const RetentionInput&, std::span<float>, Matrix);
};

struct RetentionScene {
    size_t rows, heads, dim;
    std::string what;
    std::vector<float> q, k, v, decay, state;
    size_t gap = 3;  // values between rows

    // log_decay is about -forgetting
    RetentionScene(size_t rows_, size_t heads_, size_t dim_, float forgetting)
        : rows(rows_),
          heads(heads_),
          dim(dim_),
          what(std::to_string(rows) + " rows, " + std::to_string(heads) + " heads of " + std::to_string(dim) +
               ", decay " + std::to_string(forgetting)),
          q(random_floats(rows * heads * dim, 1)),
          k(random_floats(rows * heads * dim, 2, 0.3f)),
          v(random_floats(rows * heads * dim, 3)),
          decay(random_floats(rows * heads, 4)),
          state(random_floats(heads * dim * dim, 5)) {
        for (float& value : decay) value = -std::fabs(value) * forgetting;
    }

    // Some rows forget everything before them: of one head, 66 rows or more.
    RetentionScene& forget() {
        what += ", forgetting everything";
        decay[0] = decay[30] = decay[31] = -std::numeric_limits<float>::infinity();
        decay[65] = -1e30f;
        return *this;
    }

    // Four values lie at multiples of 16 bytes.
    RetentionScene& align() {
        what += ", aligned";
        gap = 4;
        return *this;
    }

    // The rows out; `last`: the state as it stands after them.
    reference::Doubles expected(reference::Doubles& last) const {
        last = doubles(state);
        return reference::retention(doubles(q), doubles(k), doubles(v), doubles(decay), rows, heads, dim, last);
    }

    void expect(const RetentionForm& form, const Context& context, double eps = epsilon_f32) const {
        const std::string name = std::string(form.name) + ", " + what;
        const size_t cols = heads * dim;
        PlacedMatrix q_there(context, q, rows, cols, gap), k_there(context, k, rows, cols, gap);
        PlacedMatrix v_there(context, v, rows, cols, gap), out(context, rows, cols, gap);
        PlacedMatrix decay_there(context, decay, rows, heads);
        Placed<float> state_there(context, std::span<const float>(state));
        form.apply(context, {heads, q_there.view(), k_there.view(), v_there.view(), decay_there.view()},
                   state_there.span(), out.view());
        reference::Doubles last;
        const reference::Doubles rows_out = expected(last);
        double size = 0;
        for (double value : last) size = std::max(size, std::fabs(value));
        const double tolerance = sum_tolerance(rows + dim, largest(q), size, eps);
        expect_near(out.values(), rows_out, tolerance, name);
        expect_near(state_there.values(), last, tolerance, name + ", state");
        expect_close(out.values(), rows_out, std::max(eps, 8 * epsilon_f32), name);
        expect_close(state_there.values(), last, std::max(eps, 8 * epsilon_f32), name + ", state");
        EXPECT_TRUE(out.gaps_untouched()) << name;
    }
};

}  // namespace lv::test
