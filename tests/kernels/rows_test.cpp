// Sampling, and tables of rope made in parts. Norms, activations and rope are tested with those of the devices, in
// tests/devices.
#include <numeric>

#include "kernels/rope.h"
#include "kernels/sampling.h"
#include "tests/support.h"

namespace lv::test {
namespace {

TEST(Rope, ATableMadeInPartsIsTheTableMadeAtOnce) {
    const Context context(1);
    auto frequencies = rope_frequencies(64, 5e6);
    Padded whole(200, 64, 0), parts(200, 64, 0);
    rope_table(context, frequencies, 1000, whole.view);
    for (size_t row = 0; row < 200; ++row)
        rope_table(context, frequencies, 1000 + int64_t(row), parts.view.slice(row, 1));
    expect_near(parts.values(), doubles(whole.values()), epsilon_f32 * 2);
}

TEST(Sampling, TheLargestComeFirstAndTheLowerIndexAmongEquals) {
    std::vector<float> x{1, 5, 3, 5, -2};
    EXPECT_EQ(argmax(x), 1u);
    std::vector<uint32_t> top(3);
    EXPECT_EQ(top_k(x, top), 3u);
    EXPECT_EQ(top, (std::vector<uint32_t>{1, 3, 2}));
    top.resize(10);
    EXPECT_EQ(top_k(x, top), 5u);
    EXPECT_EQ(std::vector<uint32_t>(top.begin(), top.begin() + 5), (std::vector<uint32_t>{1, 3, 2, 0, 4}));
    EXPECT_EQ(top_k(x, {}), 0u);

    auto many = random_floats(1000, 8);
    std::vector<uint32_t> order(many.size()), best(40);
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return many[a] > many[b]; });
    top_k(many, best);
    EXPECT_TRUE(std::equal(best.begin(), best.end(), order.begin()));
}

}  // namespace
}  // namespace lv::test
