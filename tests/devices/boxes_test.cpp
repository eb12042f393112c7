// Boxes listed from a detector's maps, wherever that runs.
#include "kernels/boxes.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/devices/on_device.h"

namespace lv::test {
namespace {

class Boxes : public Everywhere {};
INSTANTIATE_TEST_SUITE_P(On, Boxes, everywhere, where_name);

struct Map {
    size_t height, width;
    float stride;
    std::vector<float> scores, sides;
    std::vector<int32_t> kinds;
};

Map random_map(size_t pictures, size_t height, size_t width, float stride, uint32_t seed) {
    const size_t cells = pictures * height * width;
    Map map{height, width, stride, random_floats(cells, seed, 3), random_floats(cells * 4, seed + 1, 2), {}};
    for (size_t i = 0; i < cells; ++i) map.kinds.push_back(int32_t(i * 7 % 80));
    for (size_t i = 0; i < cells; i += 5) map.sides[i * 4 + i % 4] = 50;  // wider than e^6 strides
    for (size_t i = 3; i < cells; i += 11) map.scores[i] = std::numeric_limits<float>::quiet_NaN();
    return map;
}

// More cells than a block has threads, fewer, one; pictures with all cells and with none.
TEST_P(Boxes, AreThoseOfTheCellsAboveTheFloorInTheirOrder) {
    const Context context = make_context();
    const size_t pictures = 3;
    std::vector<Map> maps{random_map(pictures, 19, 17, 8, 1), random_map(pictures, 5, 4, 16, 5),
                          random_map(pictures, 1, 1, 32, 9)};
    const float floor = 0.5f, height = 152, width = 131;
    for (Map& map : maps) {
        const size_t cells = map.height * map.width;
        std::fill_n(map.scores.begin() + long(cells), cells, -9.0f);
        std::fill_n(map.scores.begin() + long(2 * cells), cells, floor);
    }
    size_t room = 0;
    for (const Map& map : maps) room += map.height * map.width;

    Placed<uint32_t> counts(context, std::span<const uint32_t>(std::vector<uint32_t>(pictures)));
    Placed<FoundBox> boxes(context, std::span<const FoundBox>(std::vector<FoundBox>(room * pictures)));
    std::vector<std::vector<FoundBox>> expected(pictures);
    for (const Map& map : maps) {
        Placed<float> scores(context, std::span<const float>(map.scores));
        Placed<float> sides(context, std::span<const float>(map.sides));
        Placed<int32_t> kinds(context, std::span<const int32_t>(map.kinds));
        append_boxes(context,
                     {.pictures = pictures,
                      .height = map.height,
                      .width = map.width,
                      .stride = map.stride,
                      .scores = scores.span().data(),
                      .kinds = kinds.span().data(),
                      .sides = sides.span().data(),
                      .floor = floor,
                      .picture_height = height,
                      .picture_width = width},
                     counts.span(), boxes.span());
        if (context.device()) context.device()->wait();
        const auto share = [](double px, double side) { return float(std::clamp(px / side, 0.0, 1.0)); };
        for (size_t i = 0; i < map.scores.size(); ++i) {
            if (!(map.scores[i] >= floor)) continue;
            const size_t cell = i % (map.height * map.width);
            const double x = (double(cell % map.width) + 0.5) * map.stride;
            const double y = (double(cell / map.width) + 0.5) * map.stride;
            double side[4];
            for (size_t k = 0; k < 4; ++k) side[k] = map.stride * std::exp(std::min(double(map.sides[i * 4 + k]), 6.0));
            expected[i / (map.height * map.width)].push_back(
                {map.kinds[i], float(1 / (1 + std::exp(-double(map.scores[i])))), share(x - side[0], width),
                 share(y - side[1], height), share(x + side[2], width), share(y + side[3], height)});
        }
    }
    const std::vector<uint32_t> found = counts.values();
    const std::vector<FoundBox> listed = boxes.values();
    EXPECT_EQ(found[1], 0u);
    EXPECT_GT(found[0], 20u);
    for (size_t p = 0; p < pictures; ++p) {
        ASSERT_EQ(found[p], expected[p].size()) << p;
        for (size_t i = 0; i < expected[p].size(); ++i) {
            const FoundBox &box = listed[i * pictures + p], &own = expected[p][i];
            EXPECT_EQ(box.kind, own.kind) << p << ", " << i;
            for (float FoundBox::*part :
                 {&FoundBox::score, &FoundBox::left, &FoundBox::top, &FoundBox::right, &FoundBox::bottom})
                EXPECT_NEAR(box.*part, own.*part, 1e-5) << p << ", " << i;
        }
    }
}

}  // namespace
}  // namespace lv::test
