// Retention wherever it runs: step and chunk against the reference.
#include "kernels/rope.h"
#include "tests/devices/retention_scene.h"

namespace lv::test {
namespace {

class Retentions : public Everywhere {};
INSTANTIATE_TEST_SUITE_P(On, Retentions, everywhere, where_name);

const RetentionForm step{"step", retention_step};
const RetentionForm chunk{"chunk", [](const Context& context, const RetentionInput& input, std::span<float> state,
                                      Matrix out) { retention_chunk(context, input, state, out); }};

TEST_P(Retentions, StepMatchesTheReferenceAtEverySize) {
    const Context context = make_context();
    const std::vector<RetentionScene> scenes{{1, 1, 1, 0.1f},    {3, 2, 31, 0.1f},  {2, 2, 32, 0.02f},
                                             {2, 1, 33, 0.02f},  {5, 2, 64, 0.1f},  {1, 1, 130, 0.1f},
                                             {4, 1, 16, 300.0f}, {2, 1, 512, 0.02f}};  // the widest heads that it takes
    for (const RetentionScene& scene : scenes) scene.expect(step, context);
}

TEST_P(Retentions, ChunksMatchTheReferenceAtEverySizeAndDecay) {
    const Context context = make_context();
    const std::vector<RetentionScene> scenes{{5, 1, 64, 0.05f},   {63, 2, 64, 0.02f}, {64, 1, 64, 0.02f},
                                             {65, 1, 64, 0.02f},  {130, 1, 64, 5.0f}, {129, 1, 64, 0.0f},
                                             {70, 1, 128, 0.01f}, {20, 3, 17, 0.1f}};
    for (const RetentionScene& scene : scenes) scene.expect(chunk, context, epsilon(epsilon_bf16));
}

// A GPU goes through segments of the rows side by side, and puts the state together from what they add.
TEST_P(Retentions, SegmentsMatchTheReference) {
    const Context context = make_context();
    for (const RetentionScene& scene : {RetentionScene(300, 1, 64, 0.02f).align(), RetentionScene(449, 1, 64, 0.001f),
                                        RetentionScene(400, 2, 128, 0.01f).align()})
        scene.expect(chunk, context, epsilon(epsilon_bf16));
}

TEST_P(Retentions, ForgettingEverythingIsNoNaN) {
    const Context context = make_context();
    for (const RetentionScene& scene :
         {RetentionScene(70, 1, 64, 0.1f).forget(), RetentionScene(260, 1, 64, 0.1f).forget()}) {
        scene.expect(step, context);
        scene.expect(chunk, context, epsilon(epsilon_bf16));
    }
}

TEST_P(Retentions, AStateFarBeyondF16IsCarriedOn) {
    const Context context = make_context();
    RetentionScene scene(66, 1, 64, 0.001f);
    for (float& value : scene.state) value *= 1e6f;
    scene.expect(chunk, context, epsilon(epsilon_bf16));
}

// Rotated as they are read, or by a pass of their own.
TEST_P(Retentions, RotatingOnTheWayIsRopeThenRetention) {
    const Context context = make_context();
    for (const RetentionScene& scene : std::vector<RetentionScene>{{1, 3, 2, 0.1f},
                                                                   {3, 2, 34, 0.1f},
                                                                   {4, 2, 64, 0.02f},
                                                                   {2, 1, 512, 0.02f},
                                                                   {20, 3, 18, 0.1f},
                                                                   {66, 2, 64, 0.02f},
                                                                   {5, 1, 128, 0.05f},
                                                                   {129, 1, 128, 0.01f},
                                                                   RetentionScene(270, 1, 128, 0.01f).align()}) {
        const size_t rows = scene.rows, heads = scene.heads, dim = scene.dim, cols = heads * dim;
        const float factor = 0.7f;
        const auto made = [&](auto retain) {
            PlacedMatrix q(context, scene.q, rows, cols, scene.gap), k(context, scene.k, rows, cols, scene.gap);
            PlacedMatrix v(context, scene.v, rows, cols, scene.gap), decay(context, scene.decay, rows, heads);
            PlacedMatrix table(context, rows, dim, scene.gap), out(context, rows, cols, scene.gap);
            Placed<float> state(context, std::span<const float>(scene.state));
            rope_table(context, retention_frequencies(dim, 10000), 777, table.view());
            retain(q.view(), k.view(), v.view(), decay.view(), table.view(), state.span(), out.view());
            EXPECT_TRUE(out.gaps_untouched()) << scene.what;
            std::vector<float> all = out.values(), last = state.values();
            all.insert(all.end(), last.begin(), last.end());
            return all;
        };
        const auto rotating =
            made([&](Matrix q, Matrix k, Matrix v, Matrix decay, Matrix table, auto state, Matrix out) {
                rotary_retention(context, {heads, q, k, v, decay, table, factor}, state, out);
            });
        const auto plain = made([&](Matrix q, Matrix k, Matrix v, Matrix decay, Matrix table, auto state, Matrix out) {
            rope(context, q, table, 1, q);
            rope(context, k, table, factor, k);
            retention(context, {heads, q, k, v, decay}, state, out);
        });
        // The same sums; a compiler may form other FMAs, and bf16 then rounds a few values to the neighbour.
        expect_close(rotating, doubles(plain), 4 * epsilon(epsilon_bf16 / 32), scene.what);
    }
}

}  // namespace
}  // namespace lv::test
