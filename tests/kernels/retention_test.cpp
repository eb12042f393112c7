// What retention does on the host alone: all its forms and lengths of chunk, rows in parts, a hundred thousand rows.
// Step and chunk are tested with those of the devices too, in tests/devices.
#include "tests/devices/retention_scene.h"

namespace lv::test {
namespace {

template <size_t chunk>
void in_chunks(const Context& context, const RetentionInput& input, std::span<float> state, Matrix out) {
    retention_chunk(context, input, state, out, chunk);
}
const RetentionForm forms[] = {{"step", retention_step},     {"parallel", retention_parallel},
                               {"chosen", retention},        {"chunk 1", in_chunks<1>},
                               {"chunk 7", in_chunks<7>},    {"chunk 64", in_chunks<64>},
                               {"chunk 256", in_chunks<256>}};

TEST(Retention, AllFormsMatchTheReferenceAtEverySizeAndDecay) {
    const Context context(3);
    std::vector<RetentionScene> scenes{
        {1, 1, 1, 0.1f},    {2, 2, 3, 0.1f},      {63, 2, 16, 0.02f},    {64, 1, 16, 0.02f},  {65, 3, 16, 0.02f},
        {255, 1, 8, 0.01f}, {256, 1, 8, 0.01f},   {257, 2, 8, 0.01f},    {300, 3, 64, 0.04f}, {40, 2, 33, 0.0f},
        {130, 2, 16, 5.0f}, {130, 2, 16, 300.0f}, {300, 1, 16, 0.0001f}, {70, 1, 4, 0.1f}};
    scenes.back().forget();
    for (const RetentionScene& scene : scenes)
        for (const RetentionForm& form : forms) scene.expect(form, context);
}

// These rows of a scene, dense.
RetentionInput rows_of(const RetentionScene& scene, size_t first, size_t rows) {
    const auto part = [&](const std::vector<float>& all, size_t cols) {
        return ConstMatrix(all.data() + first * cols, rows, cols);
    };
    const size_t cols = scene.heads * scene.dim;
    return {scene.heads, part(scene.q, cols), part(scene.k, cols), part(scene.v, cols), part(scene.decay, scene.heads)};
}

TEST(Retention, RowsInPartsLeaveWhatRowsAtOnceLeave) {
    const Context context(2);
    const RetentionScene scene(211, 2, 32, 0.03f);
    const size_t cols = scene.heads * scene.dim;
    std::vector<float> whole(scene.rows * cols), parts(scene.rows * cols);
    std::vector<float> state = scene.state, state_parts = scene.state;
    retention(context, rows_of(scene, 0, scene.rows), state, {whole.data(), scene.rows, cols});
    size_t first = 0;
    for (size_t rows : {1u, 100u, 3u, 64u, 43u}) {
        retention(context, rows_of(scene, first, rows), state_parts, {parts.data() + first * cols, rows, cols});
        first += rows;
    }
    ASSERT_EQ(first, scene.rows);
    const double tolerance = sum_tolerance(scene.rows, largest(scene.q), largest(state));
    expect_near(parts, doubles(whole), tolerance);
    expect_near(state_parts, doubles(state), tolerance);
}

TEST(Retention, AHundredThousandRowsNeitherOverflowNorDrift) {
    const Context context(2);
    const RetentionScene scene(100000, 1, 8, 0.01f);
    reference::Doubles last;
    const reference::Doubles expected = scene.expected(last);
    std::vector<float> found(scene.rows * scene.dim), state = scene.state;
    retention(context, rows_of(scene, 0, scene.rows), state, {found.data(), scene.rows, scene.dim});
    // A state of decay 0.99 forgets after some hundred rows, errors too: the length does not enter.
    const double tolerance = sum_tolerance(1000, largest(scene.q), 40);
    expect_near(found, expected, tolerance);
    expect_near(state, last, tolerance);
}

}  // namespace
}  // namespace lv::test
