#include "kernels/retention.h"

#include "tests/support.h"

namespace lv {
namespace {

using test::doubles;
using test::Padded;
using test::random_floats;

struct Case {
    size_t rows, heads, dim;
    float decay;  // log_decay is about -decay
};

struct Data {
    explicit Data(const Case& c, uint32_t seed = 1)
        : q(random_floats(c.rows * c.heads * c.dim, seed)),
          k(random_floats(c.rows * c.heads * c.dim, seed + 1, 0.3f)),
          v(random_floats(c.rows * c.heads * c.dim, seed + 2)),
          decay(random_floats(c.rows * c.heads, seed + 3)),
          state(random_floats(c.heads * c.dim * c.dim, seed + 4)) {
        for (float& value : decay) value = -std::fabs(value) * c.decay;
    }
    std::vector<float> q, k, v, decay, state;
};

using Form = void (*)(const Context&, const RetentionInput&, std::span<float>, Matrix);
struct NamedForm {
    const char* name;
    Form form;
};
template <size_t chunk>
void in_chunks(const Context& context, const RetentionInput& input, std::span<float> state, Matrix out) {
    retention_chunk(context, input, state, out, chunk);
}
const NamedForm forms[] = {{"step", retention_step},     {"parallel", retention_parallel}, {"chosen", retention},
                           {"chunk 1", in_chunks<1>},    {"chunk 7", in_chunks<7>},        {"chunk 64", in_chunks<64>},
                           {"chunk 256", in_chunks<256>}};

void expect_form(const NamedForm& form, const Context& context, const Case& c, const Data& data,
                 const reference::Doubles& expected, const reference::Doubles& expected_state) {
    size_t cols = c.heads * c.dim;
    std::string what = std::string(form.name) + ", " + std::to_string(c.rows) + " rows, " + std::to_string(c.heads) +
                       " heads of " + std::to_string(c.dim) + ", decay " + std::to_string(c.decay);
    Padded q(data.q, c.rows, cols), k(data.k, c.rows, cols), v(data.v, c.rows, cols), out(c.rows, cols);
    Padded decay(data.decay, c.rows, c.heads);
    std::vector<float> state = data.state;
    form.form(context, {c.heads, q.view, k.view, v.view, decay.view}, state, out.view);
    double size = 0;
    for (double value : expected_state) size = std::max(size, std::fabs(value));
    double tolerance = test::sum_tolerance(c.rows + c.dim, test::largest(data.q), size);
    test::expect_near(out.values(), expected, tolerance, what);
    test::expect_near(state, expected_state, tolerance, what + ", state");
    EXPECT_TRUE(out.gaps_untouched()) << what;
}

TEST(Retention, AllFormsMatchTheReferenceAtEverySizeAndDecay) {
    Context context(3);
    for (Case c : {Case{1, 1, 1, 0.1f},
                   {2, 2, 3, 0.1f},
                   {63, 2, 16, 0.02f},
                   {64, 1, 16, 0.02f},
                   {65, 3, 16, 0.02f},
                   {255, 1, 8, 0.01f},
                   {256, 1, 8, 0.01f},
                   {257, 2, 8, 0.01f},
                   {300, 3, 64, 0.04f},
                   {40, 2, 33, 0.0f},
                   {130, 2, 16, 5.0f},
                   {130, 2, 16, 300.0f},
                   {300, 1, 16, 0.0001f}}) {
        Data data(c);
        reference::Doubles state = doubles(data.state);
        reference::Doubles out = reference::retention(doubles(data.q), doubles(data.k), doubles(data.v),
                                                      doubles(data.decay), c.rows, c.heads, c.dim, state);
        for (const NamedForm& form : forms) expect_form(form, context, c, data, out, state);
    }
}

TEST(Retention, ForgettingEverythingIsNoNaN) {
    Context context(2);
    Case c{70, 1, 4, 0.1f};
    Data data(c);
    data.decay[0] = data.decay[30] = data.decay[31] = -std::numeric_limits<float>::infinity();
    data.decay[65] = -1e30f;
    reference::Doubles state = doubles(data.state);
    reference::Doubles out = reference::retention(doubles(data.q), doubles(data.k), doubles(data.v),
                                                  doubles(data.decay), c.rows, c.heads, c.dim, state);
    for (const NamedForm& form : forms) expect_form(form, context, c, data, out, state);
}

TEST(Retention, RowsInPartsLeaveWhatRowsAtOnceLeave) {
    Context context(2);
    Case c{211, 2, 32, 0.03f};
    Data data(c);
    size_t cols = c.heads * c.dim;
    auto input = [&](size_t first, size_t rows) {
        auto part = [&](const std::vector<float>& all) { return ConstMatrix(all.data() + first * cols, rows, cols); };
        return RetentionInput{c.heads, part(data.q), part(data.k), part(data.v),
                              ConstMatrix(data.decay.data() + first * c.heads, rows, c.heads)};
    };
    std::vector<float> whole(c.rows * cols), parts(c.rows * cols), state = data.state, state_parts = data.state;
    retention(context, input(0, c.rows), state, {whole.data(), c.rows, cols});
    size_t first = 0;
    for (size_t rows : {1u, 100u, 3u, 64u, 43u}) {
        retention(context, input(first, rows), state_parts, {parts.data() + first * cols, rows, cols});
        first += rows;
    }
    ASSERT_EQ(first, c.rows);
    double tolerance = test::sum_tolerance(c.rows, test::largest(data.q), test::largest(state));
    test::expect_near(parts, doubles(whole), tolerance);
    test::expect_near(state_parts, doubles(state), tolerance);
}

TEST(Retention, AHundredThousandRowsNeitherOverflowNorDrift) {
    Context context(2);
    Case c{100000, 1, 8, 0.01f};
    Data data(c);
    reference::Doubles state = doubles(data.state);
    reference::Doubles out = reference::retention(doubles(data.q), doubles(data.k), doubles(data.v),
                                                  doubles(data.decay), c.rows, c.heads, c.dim, state);
    std::vector<float> found(c.rows * c.dim), found_state = data.state;
    retention(context,
              {1,
               {data.q.data(), c.rows, c.dim},
               {data.k.data(), c.rows, c.dim},
               {data.v.data(), c.rows, c.dim},
               {data.decay.data(), c.rows, 1}},
              found_state, {found.data(), c.rows, c.dim});
    // A state of decay 0.99 forgets after some hundred rows, errors too: the length does not enter.
    double tolerance = test::sum_tolerance(1000, test::largest(data.q), 40);
    test::expect_near(found, out, tolerance);
    test::expect_near(found_state, state, tolerance);
}

}  // namespace
}  // namespace lv
