// Retention wherever it runs: step and chunk against the reference, and against each other.
#include "kernels/retention.h"

#include "tests/devices/on_device.h"

namespace lv::test {
namespace {

class Retentions : public Everywhere {};
INSTANTIATE_TEST_SUITE_P(On, Retentions, everywhere, where_name);

struct Case {
    size_t rows, heads, dim;
    float decay;  // log_decay is about -decay
};

struct Data {
    explicit Data(const Case& c)
        : q(random_floats(c.rows * c.heads * c.dim, 1)),
          k(random_floats(c.rows * c.heads * c.dim, 2, 0.3f)),
          v(random_floats(c.rows * c.heads * c.dim, 3)),
          decay(random_floats(c.rows * c.heads, 4)),
          state(random_floats(c.heads * c.dim * c.dim, 5)) {
        for (float& value : decay) value = -std::fabs(value) * c.decay;
    }
    std::vector<float> q, k, v, decay, state;
};

void expect_case(const Context& context, const Case& c, const Data& data, double eps, bool chunk) {
    const std::string what = std::to_string(c.rows) + " rows, " + std::to_string(c.heads) + " heads of " +
                             std::to_string(c.dim) + (chunk ? ", chunk" : ", step");
    reference::Doubles state = doubles(data.state);
    const reference::Doubles expected = reference::retention(doubles(data.q), doubles(data.k), doubles(data.v),
                                                             doubles(data.decay), c.rows, c.heads, c.dim, state);
    const size_t cols = c.heads * c.dim;
    PlacedMatrix q(context, data.q, c.rows, cols), k(context, data.k, c.rows, cols), v(context, data.v, c.rows, cols);
    PlacedMatrix out(context, c.rows, cols), decay(context, data.decay, c.rows, c.heads);
    Placed<float> placed_state(context, std::span<const float>(data.state));
    const RetentionInput input{c.heads, q.view(), k.view(), v.view(), decay.view()};
    if (chunk)
        retention_chunk(context, input, placed_state.span(), out.view());
    else
        retention_step(context, input, placed_state.span(), out.view());
    double size = 0;
    for (double value : state) size = std::max(size, std::fabs(value));
    const double tolerance = sum_tolerance(c.rows + c.dim, largest(data.q), size, eps);
    expect_near(out.values(), expected, tolerance, what);
    expect_near(placed_state.values(), state, tolerance, what + ", state");
    expect_close(out.values(), expected, std::max(eps, 8 * epsilon_f32), what);
    expect_close(placed_state.values(), state, std::max(eps, 8 * epsilon_f32), what + ", state");
    EXPECT_TRUE(out.gaps_untouched()) << what;
}

TEST_P(Retentions, StepMatchesTheReferenceAtEverySize) {
    const Context context = make_context();
    for (const Case c : {Case{1, 1, 1, 0.1f},
                         {3, 2, 31, 0.1f},
                         {2, 2, 32, 0.02f},
                         {2, 1, 33, 0.02f},
                         {5, 2, 64, 0.1f},
                         {1, 1, 130, 0.1f},
                         {4, 1, 16, 300.0f}})
        expect_case(context, c, Data(c), epsilon_f32, false);
}

TEST_P(Retentions, ChunksMatchTheReferenceAtEverySizeAndDecay) {
    const Context context = make_context();
    for (const Case c : {Case{5, 1, 64, 0.05f},
                         {63, 2, 64, 0.02f},
                         {64, 1, 64, 0.02f},
                         {65, 1, 64, 0.02f},
                         {130, 1, 64, 5.0f},
                         {129, 1, 64, 0.0f},
                         {70, 1, 128, 0.01f},
                         {20, 3, 17, 0.1f}})
        expect_case(context, c, Data(c), epsilon(epsilon_bf16), true);
}

TEST_P(Retentions, ForgettingEverythingIsNoNaN) {
    const Context context = make_context();
    const Case c{70, 1, 64, 0.1f};
    Data data(c);
    data.decay[0] = data.decay[30] = data.decay[31] = -std::numeric_limits<float>::infinity();
    data.decay[65] = -1e30f;
    for (bool chunk : {false, true}) expect_case(context, c, data, chunk ? epsilon(epsilon_bf16) : epsilon_f32, chunk);
}

TEST_P(Retentions, AStateFarBeyondF16IsCarriedOn) {
    const Context context = make_context();
    const Case c{66, 1, 64, 0.001f};
    Data data(c);
    for (float& value : data.state) value *= 1e6f;
    expect_case(context, c, data, epsilon(epsilon_bf16), true);
}

}  // namespace
}  // namespace lv::test
