#include "vision/vision_config.h"

#include "tests/vision/support.h"

namespace lv {
namespace {

const std::string good = R"({
 "input": {"long_side": 64, "multiple": 32, "pad": 114, "mean": 127.0, "std": 128.0, "order": "RGB"},
 "layers": [
  {"op": "conv", "name": "stem", "in": "image", "in_channels": 3, "out_channels": 8, "kernel": 3, "stride": 2, "groups": 1, "act": "relu6", "pad": [0, 0, 1, 1]},
  {"op": "add", "name": "twice", "in": ["stem", "stem"], "act": "none"},
  {"op": "upsample2", "name": "wide", "in": "twice"},
  {"op": "global_pool", "name": "pooled", "in": "stem"},
  {"op": "linear", "name": "classes", "in": "pooled", "in_channels": 8, "out_channels": 1000}],
 "outputs": {"classes": "classes", "scores": ["stem"], "boxes": ["twice"]},
 "objects": {"strides": [2], "classes": ["person", "car"], "score_floor": 0.1, "iou_same_class": 0.5, "iou_any_class": 0.8, "max_boxes": 64}})";

std::string with(const std::string& from, const std::string& to) {
    std::string text = good;
    const size_t place = text.find(from);
    EXPECT_NE(place, std::string::npos) << from;
    return text.replace(place, from.size(), to);
}

std::string message(const std::string& json) {
    return test::message_of([&] { parse_vision_config(json, "config.json"); });
}

TEST(VisionConfig, ReadsEveryField) {
    const VisionConfig config = parse_vision_config("{\"vision\": " + good + "}", "config.json");
    EXPECT_EQ(config.input.long_side, 64);
    EXPECT_EQ(config.input.std, 128);
    ASSERT_EQ(config.layers.size(), 5u);
    EXPECT_EQ(config.layers[0].act, NetLayer::Act::relu6);
    EXPECT_EQ(config.layers[0].bottom, 1u);
    EXPECT_EQ(config.layers[1].in, (std::vector<std::string>{"stem", "stem"}));
    EXPECT_EQ(config.layers[4].op, NetLayer::Op::linear);
    EXPECT_EQ(config.objects.classes[1], "car");
    EXPECT_EQ(parse_vision_config(good, "vision.json").classes, "classes");
}

TEST(VisionConfig, EveryWrongFieldIsNamedOnce) {
    const std::vector<std::pair<std::string, std::string>> wrong = {
        {with("\"long_side\": 64", "\"long_side\": -1"), "\"long_side\" holds -1"},
        {with("\"multiple\": 32, ", ""), "\"multiple\" is missing"},
        {with("\"std\": 128.0", "\"std\": 0"), "\"std\" is 0"},
        {with("\"pad\": 114", "\"pad\": 256"), "\"pad\" holds 256"},
        {with("RGB", "BGR"), "order is BGR"},
        {with("\"layers\": [", "\"layers\": 3, \"x\": ["), "\"layers\" must be a list"},
        {with("\"op\": \"add\"", "\"op\": \"sub\""), "op is sub"},
        {with("\"act\": \"relu6\"", "\"act\": \"tanh\""), "act is tanh"},
        {with("\"kernel\": 3", "\"kernel\": 0"), "\"kernel\" holds 0"},
        {with("\"stride\": 2", "\"stride\": 2.5"), "\"stride\" holds 2.5"},
        {with("\"groups\": 1", "\"groups\": 5"), "5 groups do not divide"},
        {with("[0, 0, 1, 1]", "[0, 0, 1]"), "\"pad\" has 3 numbers"},
        {with("\"in\": \"twice\"", "\"in\": \"nobody\""), "its input nobody is no earlier layer"},
        {with("\"name\": \"wide\"", "\"name\": \"stem\""), "the name stands twice"},
        {with("[\"stem\", \"stem\"]", "\"stem\""), "op add has 1 inputs; expected 2"},
        {with("\"classes\": \"classes\"", "\"classes\": 3"), "\"classes\" is 3"},
        {with("\"boxes\": [\"twice\"]", "\"boxes\": [\"twice\", \"wide\"]"), "1 score maps, 2 box maps and 1 strides"},
        {with("\"score_floor\": 0.1", "\"score_floor\": \"low\""), "\"score_floor\" is \"low\""},
        {with("\"max_boxes\": 64", "\"max_boxes\": 64, \"iou_fused\": 2"), "\"iou_fused\" is 2"},
        {with("\"max_boxes\": 64", "\"max_boxes\": 0"), "\"max_boxes\" holds 0"},
        {"[1, 2", "this is not JSON"},
        {"[1, 2]", "expected an object"}};
    for (const auto& [json, part] : wrong) {
        const std::string text = message(json);
        test::expect_in(text, part);
        test::expect_in(text, "config.json");
    }
}

TEST(VisionConfig, OfTheShippedModelIsRead) {
    const VisionConfig config = read_vision_config(test::model_dir());
    EXPECT_EQ(config.input.long_side, 320);
    EXPECT_EQ(config.objects.classes.size(), 80u);
    EXPECT_EQ(config.objects.classes[39], "bottle");
}

TEST(VisionConfig, AMissingModelIsNamed) {
    test::expect_in(test::message_of([] { read_vision_config("/nowhere"); }), "opening /nowhere/config.json");
}

TEST(VisionConfig, SurvivesCutsAnywhere) {
    for (size_t length = 0; length < good.size(); length += 3) EXPECT_FALSE(message(good.substr(0, length)).empty());
}

}  // namespace
}  // namespace lv
