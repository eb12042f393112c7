// Retention wherever it runs: step and chunk against the reference.
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

TEST_P(Retentions, ForgettingEverythingIsNoNaN) {
    const Context context = make_context();
    const RetentionScene scene = RetentionScene(70, 1, 64, 0.1f).forget();
    scene.expect(step, context);
    scene.expect(chunk, context, epsilon(epsilon_bf16));
}

TEST_P(Retentions, AStateFarBeyondF16IsCarriedOn) {
    const Context context = make_context();
    RetentionScene scene(66, 1, 64, 0.001f);
    for (float& value : scene.state) value *= 1e6f;
    scene.expect(chunk, context, epsilon(epsilon_bf16));
}

}  // namespace
}  // namespace lv::test
