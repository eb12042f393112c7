#include "vision/objects.h"

#include <deque>

#include "kernels/core/weight_file.h"
#include "kernels/pictures.h"
#include "tests/vision/support.h"

namespace lv {
namespace {

ObjectConfig config() {
    ObjectConfig config;
    config.strides = {8};
    config.score_floor = 0.1f;
    return config;
}

// The best of each cell's logits [cells, kinds].
struct Best {
    std::vector<float> scores;
    std::vector<int32_t> kinds;
    Best(const float* logits, size_t cells, size_t count) : scores(cells), kinds(cells) {
        best_columns(Context(1), {logits, cells, count}, scores, kinds);
    }
};

// One stride of one picture.
struct Maps {
    int stride = 8;
    size_t height = 0, width = 0;
    const float* scores = nullptr;
    const int32_t* kinds = nullptr;
    const float* boxes = nullptr;
};

std::vector<Object> find_objects(std::span<const Maps> maps, int picture_width, int picture_height,
                                 const ObjectConfig& config) {
    uint32_t count = 0;
    std::vector<FoundBox> boxes;
    for (const Maps& map : maps) {
        boxes.resize(boxes.size() + map.height * map.width);
        append_boxes(Context(1),
                     {.pictures = 1,
                      .height = map.height,
                      .width = map.width,
                      .stride = static_cast<float>(map.stride),
                      .scores = map.scores,
                      .kinds = map.kinds,
                      .sides = map.boxes,
                      .floor = floor_logit(config),
                      .picture_height = static_cast<float>(picture_height),
                      .picture_width = static_cast<float>(picture_width)},
                     {&count, 1}, boxes);
    }
    return suppressed(listed_objects(boxes, 1, 0, count), config);
}

TEST(Objects, ACellIsDecodedAroundItsCentre) {
    // 2 rows of 4 cells at stride 8, three kinds; cell (x 2, y 1) is of kind 1.
    std::vector<float> scores(2 * 4 * 3, -9), boxes(2 * 4 * 4, 0);
    const size_t cell = 1 * 4 + 2;
    scores[cell * 3 + 1] = 1.5f;
    boxes[cell * 4 + 0] = std::log(1.0f), boxes[cell * 4 + 1] = std::log(0.5f);
    boxes[cell * 4 + 2] = std::log(1.25f), boxes[cell * 4 + 3] = 50;  // capped at exp(6), then clipped to the picture
    const Best best(scores.data(), 8, 3);
    const Maps maps{8, 2, 4, best.scores.data(), best.kinds.data(), boxes.data()};
    const std::vector<Object> objects = find_objects({&maps, 1}, 32, 16, config());
    ASSERT_EQ(objects.size(), 1u);
    EXPECT_EQ(objects[0].kind, 1);
    EXPECT_NEAR(objects[0].score, 1 / (1 + std::exp(-1.5)), 1e-6);
    EXPECT_NEAR(objects[0].left, (20 - 8) / 32.0, 1e-6);
    EXPECT_NEAR(objects[0].top, (12 - 4) / 16.0, 1e-6);
    EXPECT_NEAR(objects[0].right, (20 + 10) / 32.0, 1e-6);
    EXPECT_EQ(objects[0].bottom, 1);
}

TEST(Objects, TheScoreFloorIsExact) {
    for (const auto& [logit, found] : std::vector<std::pair<float, size_t>>{{-2.1972f, 1}, {-2.1974f, 0}}) {  // 0.1
        const float boxes[4] = {};
        const int32_t kind = 0;
        const Maps maps{8, 1, 1, &logit, &kind, boxes};
        EXPECT_EQ(find_objects({&maps, 1}, 8, 8, config()).size(), found);
    }
}

TEST(Objects, AreSharesOfThePictureNotOfItsCanvas) {
    const float logit = 3;
    const float boxes[4] = {0, 0, 0, 0};
    const int32_t kind = 0;
    const Maps maps{8, 1, 1, &logit, &kind, boxes};
    const Object object = find_objects({&maps, 1}, 12, 24, config())[0];
    EXPECT_NEAR(object.right, 1, 1e-6);  // 4 + 8 = 12 of 12 px
    EXPECT_NEAR(object.bottom, 0.5, 1e-6);
}

TEST(Objects, ABetterBoxOfTheSameKindSuppresses) {
    const Object best{1, 0.9f, 0, 0, 1, 0.5f}, same{1, 0.8f, 0, 0, 1, 0.3f}, other{2, 0.7f, 0, 0, 1, 0.3f},
        equal{2, 0.6f, 0, 0, 1, 0.48f}, apart{1, 0.5f, 0, 0.6f, 1, 1};
    const std::vector<Object> kept = suppressed({apart, equal, other, same, best}, config());
    ASSERT_EQ(kept.size(), 3u);
    EXPECT_EQ(kept[0].score, 0.9f);
    EXPECT_EQ(kept[1].score, 0.7f) << "another kind, overlap 0.6";
    EXPECT_EQ(kept[2].score, 0.5f);
}

TEST(Objects, TakesTheMeanPlaceOfItsKindWeightedByScore) {
    ObjectConfig fusing = config();
    fusing.iou_fused = 0.5f;
    const Object best{1, 0.8f, 0, 0, 1, 0.5f}, gone{1, 0.2f, 0, 0, 1, 0.4f}, little{1, 0.4f, 0, 0, 1, 0.22f},
        other{2, 0.7f, 0, 0, 1, 0.38f};
    const std::vector<Object> kept = suppressed({gone, other, little, best}, fusing);
    ASSERT_EQ(kept.size(), 3u);
    EXPECT_EQ(kept[0].score, 0.8f);
    EXPECT_NEAR(kept[0].bottom, (0.8 * 0.5 + 0.2 * 0.4) / 1, 1e-6)
        << "another kind, or too small an overlap, counts not";
    EXPECT_NEAR(kept[0].right, 1, 1e-6);
    EXPECT_NEAR(kept[1].bottom, 0.38, 1e-6);
    EXPECT_NEAR(kept[2].bottom, (0.4 * 0.22 + 0.2 * 0.4) / 0.6, 1e-6) << "one that went may count for two that stay";
    EXPECT_EQ(suppressed({gone, best}, config())[0].bottom, 0.5f) << "a model that says nothing does not fuse";
}

TEST(Objects, AreWhatTheTrainerFinds) {
    const WeightFile golden = WeightFile::open(test::tree() / "tests/golden/vision_mini.safetensors");
    VisionConfig vision = read_vision_config(test::model_dir());
    vision.objects.score_floor = 0.02f;      // as tools/train/objects/export.py decoded it
    std::vector<std::vector<float>> values;  // [height, width, channels]
    const auto map = [&](const std::string& name) {
        const TensorView& tensor = golden.get(name);
        const std::vector<float> planes = to_floats(tensor);
        const size_t channels = tensor.shape[0], cells = planes.size() / channels;
        values.emplace_back(planes.size());
        for (size_t c = 0; c < channels; ++c)
            for (size_t i = 0; i < cells; ++i) values.back()[i * channels + c] = planes[c * cells + i];
        return values.back().data();
    };
    std::vector<Maps> maps;
    std::deque<Best> best;
    for (size_t i = 0; i < vision.scores.size(); ++i) {
        const auto& shape = golden.get(vision.scores[i]).shape;
        best.emplace_back(map(vision.scores[i]), shape[1] * shape[2], shape[0]);
        maps.push_back({vision.objects.strides[i], shape[1], shape[2], best[i].scores.data(), best[i].kinds.data(),
                        map(vision.boxes[i])});
    }
    const auto& image = golden.get("image").shape;
    const std::vector<Object> objects =
        find_objects(maps, static_cast<int>(image[2]), static_cast<int>(image[1]), vision.objects);
    const std::vector<float> expected = to_floats(golden.get("objects"));
    ASSERT_EQ(objects.size() * 6, expected.size());
    ASSERT_GE(objects.size(), 3u);
    for (size_t i = 0; i < objects.size(); ++i) {
        const Object& object = objects[i];
        EXPECT_EQ(object.kind, static_cast<int>(expected[i * 6]));
        const float found[] = {object.score, object.left, object.top, object.right, object.bottom};
        for (size_t k = 0; k < 5; ++k) EXPECT_NEAR(found[k], expected[i * 6 + 1 + k], 1e-5) << i << " " << k;
    }
}

TEST(Objects, AreAtMostAsManyAsTheModelSays) {
    ObjectConfig few = config();
    few.max_boxes = 2;
    std::vector<Object> apart;
    for (int i = 0; i < 5; ++i) apart.push_back({0, 0.5f, i * 0.2f, 0, i * 0.2f + 0.1f, 1});
    EXPECT_EQ(suppressed(apart, few).size(), 2u);
}

TEST(Objects, OverlapIsSharedOverJoined) {
    const Object a{0, 1, 0, 0, 0.4f, 0.4f}, b{0, 1, 0.2f, 0, 0.6f, 0.4f}, c{0, 1, 0.5f, 0.5f, 0.5f, 0.5f};
    EXPECT_NEAR(overlap(a, b), 1.0 / 3, 1e-6);
    EXPECT_EQ(overlap(a, c), 0);
    EXPECT_EQ(overlap(c, c), 0) << "a box without area overlaps nothing";
}

}  // namespace
}  // namespace lv
