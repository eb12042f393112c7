#include "vision/conv_net.h"

#include <malloc.h>

#include <thread>

#include "tests/vision/support.h"
#include "vision/encoder.h"

namespace lv {
namespace {

WeightFile golden() { return WeightFile::open(test::tree() / "tests/golden/vision_mini.safetensors"); }

// The golden image [3, H, W] u8 as the net wants it: [H, W, 3] f32, normalised.
std::vector<float> normalised(const TensorView& image, const InputConfig& input) {
    const size_t plane = image.shape[1] * image.shape[2];
    std::vector<float> values(plane * 3);
    for (size_t c = 0; c < 3; ++c)
        for (size_t i = 0; i < plane; ++i)
            values[i * 3 + c] = (static_cast<float>(image.bytes[c * plane + i]) - input.mean) / input.std;
    return values;
}

struct NetMap {
    MapShape shape;
    std::vector<float> values;  // [batch, shape]
};

std::vector<NetMap> run(const ConvNet& net, const Context& context, size_t batch, size_t height, size_t width,
                        const float* pictures) {
    const auto plan = net.plan(context, height, width);
    std::vector<NetMap> maps;
    std::vector<float*> targets;
    for (const MapShape& shape : plan->output_shapes()) maps.push_back({shape, std::vector<float>(batch * shape.size())});
    for (NetMap& map : maps) targets.push_back(map.values.data());
    plan->run(context, batch, pictures, targets);
    return maps;
}

void expect_golden(const ConvOptions& options, double tolerance) {
    const VisionConfig config = read_vision_config(test::model_dir());
    const WeightFile expected = golden();
    std::vector<std::string> names;
    for (const TensorView& tensor : expected.tensors())
        if (tensor.name != "image" && tensor.name != "objects") names.push_back(tensor.name);
    ASSERT_GE(names.size(), 10u);
    const ConvNet net(config.layers, names, test::vision_weights(), options);
    const TensorView& image = expected.get("image");
    const std::vector<float> one = normalised(image, config.input);
    std::vector<float> batch = one;
    batch.insert(batch.end(), one.begin(), one.end());
    const Context context(2);
    const std::vector<NetMap> maps = run(net, context, 2, image.shape[1], image.shape[2], batch.data());
    for (size_t n = 0; n < names.size(); ++n) {
        const TensorView& tensor = expected.get(names[n]);
        const std::vector<float> values = to_floats(tensor);
        const size_t channels = tensor.shape[0], cells = values.size() / channels;
        ASSERT_EQ(maps[n].shape.size(), values.size()) << names[n];
        double largest = 1, difference = 0;
        for (float value : values) largest = std::max<double>(largest, std::abs(value));
        for (size_t b = 0; b < 2; ++b)
            for (size_t c = 0; c < channels; ++c)
                for (size_t i = 0; i < cells; ++i)
                    difference = std::max<double>(difference, std::abs(maps[n].values[b * values.size() + i * channels + c] -
                                                                       values[c * cells + i]));
        EXPECT_LT(difference / largest, tolerance) << names[n] << ", largest value " << largest;
    }
}

TEST(ConvNet, GivesWhatTheTrainerGave) { expect_golden({}, 1e-4); }

TEST(ConvNet, InBf16IsNear) { expect_golden({.bf16 = true}, 0.1); }

TEST(ConvNet, IsSharedByThreadsAndSizes) {
    const VisionModel model(test::model_dir());
    const Context context(1);
    const auto classes = [&](size_t side) {
        const std::vector<float> picture(side * side * 3, 0.25f);
        return run(model.net(), context, 1, side, side, picture.data())[0].values;
    };
    const std::vector<float> small = classes(64), large = classes(96);
    std::vector<std::jthread> threads;
    std::vector<std::vector<float>> found(6);
    for (size_t i = 0; i < found.size(); ++i) threads.emplace_back([&, i] { found[i] = classes(i % 2 ? 64 : 96); });
    threads.clear();
    for (size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i], i % 2 ? small : large);
    for (size_t side = 32; side <= 320; side += 32) classes(side);  // more sizes than are kept
    EXPECT_EQ(classes(64), small);
}

TEST(ConvNet, KeepsNoWeightsBesideThoseOfItsPlans) {
    const auto used = [] {
        const struct mallinfo2 heap = mallinfo2();
        return heap.uordblks + heap.hblkhd;
    };
    const VisionConfig config = read_vision_config(test::model_dir());
    const Context context(1);
    const size_t before = used();
    const ConvNet net(config.layers, {"classes"}, test::vision_weights());
    const auto plan = net.plan(context, 64, 64);
    EXPECT_GT(net.parameters() * sizeof(float), 10u << 20);
    EXPECT_LT(used(), before + plan->bytes() + (4u << 20));
}

TEST(ConvNet, NamesWhatDoesNotFit) {
    const VisionConfig config = read_vision_config(test::model_dir());
    const auto message = [&](const std::function<void(std::vector<NetLayer>&)>& change, std::vector<std::string> outputs = {"classes"}) {
        std::vector<NetLayer> layers = config.layers;
        change(layers);
        return test::message_of([&] { ConvNet(layers, outputs, test::vision_weights()); });
    };
    test::expect_in(message([](auto& layers) { layers[0].out_channels = 31; }), "stem.weight");
    test::expect_in(message([](auto& layers) { layers[1].name = "other"; layers[2].in = {"other"}; }), "other.weight");
    test::expect_in(message([](auto& layers) { layers[3].in = {"nobody"}; }), "nobody");
    test::expect_in(message([](auto&) {}, {"nothing"}), "the output nothing is no layer");
    test::expect_in(message([](auto& layers) { layers[2].in = {"image"}; }), config.layers[2].name);
}

}  // namespace
}  // namespace lv
