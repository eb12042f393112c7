// The encoder wherever it runs: what is seen on a GPU is what is seen on the host.
#include <set>

#include "tests/devices/on_device.h"
#include "tests/vision/support.h"
#include "vision/encoder.h"
#include "vision/ffmpeg_source.h"

namespace lv::test {
namespace {

// The default model with small pictures: the emulated device takes its time.
const VisionModel& small_model() {
    static const VisionModel model = [] {
        VisionConfig config = read_vision_config(model_dir());
        config.input.long_side = 64;
        config.objects.score_floor = 0.02f;
        return VisionModel(config, vision_weights());
    }();
    return model;
}

// A part of a street with people in it.
Picture street(int left, int top, int width, int height) {
    static const auto whole = open_source(clip(), {.max_side = 320})->show(8'000'000)->picture;
    Picture part{width, height, {}};
    for (int y = top; y < top + height; ++y) {
        const auto row = whole->rgb.begin() + (static_cast<ptrdiff_t>(y) * whole->width + left) * 3;
        part.rgb.insert(part.rgb.end(), row, row + width * 3);
    }
    return part;
}

class Eyes : public Everywhere {
   protected:
    // Of a logit or a side after 70 layers.
    double tolerance() const { return GetParam() == Where::gpu ? 0.05 : 1e-3; }
};
INSTANTIATE_TEST_SUITE_P(On, Eyes, everywhere, where_name);

void expect_alike(const Sight& found, const Sight& expected, double tolerance) {
    for (size_t i = 0; i < expected.scene.size(); ++i)
        EXPECT_NEAR(found.scene[i].probability, expected.scene[i].probability, tolerance);
    EXPECT_EQ(found.scene[0].scene, expected.scene[0].scene);
    // Boxes near the floor, or of like scores, may come and go and change places: each clear one has its twin.
    for (const auto& [one, other] : {std::pair{&found, &expected}, {&expected, &found}})
        for (const Object& object : one->objects) {
            if (object.score < 0.02 + tolerance) continue;
            const bool there = std::any_of(other->objects.begin(), other->objects.end(), [&](const Object& twin) {
                return twin.kind == object.kind && std::abs(twin.score - object.score) <= tolerance &&
                       overlap(twin, object) > 1 - 4 * tolerance;
            });
            EXPECT_TRUE(there) << "kind " << object.kind << ", score " << object.score;
        }
}

TEST_P(Eyes, SeeWhatTheHostSees) {
    const Context context = make_context(), host(1);
    const std::vector<Picture> pictures{street(160, 24, 96, 96), street(96, 48, 64, 64), street(160, 40, 160, 90)};
    std::vector<const Picture*> all;
    for (const Picture& picture : pictures) all.push_back(&picture);
    const std::vector<Sight> expected = small_model().look(host, all);
    Picture there = pictures[1];  // lies on the device, and is not sent there again
    if (const std::shared_ptr<Device>& device = context.shared_device()) {
        Buffer bytes(there.rgb.size(), device);
        device->upload(there.rgb.data(), bytes.data(), bytes.bytes());
        there.on_device = std::make_shared<const Buffer>(std::move(bytes));
        std::fill(there.rgb.begin(), there.rgb.end(), uint8_t{0});
        all[1] = &there;
    }
    const std::vector<Sight> found = small_model().look(context, all);
    ASSERT_EQ(found.size(), pictures.size());
    size_t clear = 0;
    for (size_t i = 0; i < found.size(); ++i) {
        SCOPED_TRACE("picture " + std::to_string(i));
        expect_alike(found[i], expected[i], tolerance());
        for (const Object& object : expected[i].objects) clear += object.score > 0.2;
    }
    EXPECT_GE(clear, 5u) << "or little was compared";
    EXPECT_TRUE(small_model().look(context, {}).empty());
}

// Boxes of every cell: more than come down at once.
TEST_P(Eyes, TellOfEveryBoxHoweverManyThereAre) {
    if (GetParam() != Where::exact_gpu) GTEST_SKIP() << "once is enough";
    VisionConfig config = read_vision_config(model_dir());
    config.input.long_side = 64;
    config.objects.score_floor = 1e-9f;
    config.objects.iou_same_class = config.objects.iou_any_class = 1;  // all stay
    config.objects.max_boxes = 1000;
    const VisionModel model(config, vision_weights());
    const Picture picture = street(96, 48, 64, 64), other = street(160, 24, 64, 64);
    const std::vector<const Picture*> all{&picture, &other};
    const std::vector<Sight> found = model.look(make_context(), all), expected = model.look(Context(1), all);
    for (size_t i = 0; i < all.size(); ++i) {
        EXPECT_GT(expected[i].objects.size(), 70u);
        ASSERT_EQ(found[i].objects.size(), expected[i].objects.size());
        for (size_t k = 0; k < expected[i].objects.size(); ++k)
            EXPECT_NEAR(found[i].objects[k].score, expected[i].objects[k].score, tolerance()) << i << ", " << k;
    }
}

// Every convolution of the shipped net with its own weights, alone, on a small map: nothing hides behind later layers.
// f16: inputs and weights are rounded once, sums are f32, and what a net's output is stays f32.
TEST_P(Eyes, HaveEachConvolutionOfTheShippedNetRight) {
    if (on_host()) GTEST_SKIP() << "the host is what is compared with";
    const VisionConfig config = read_vision_config(model_dir());
    const WeightFile weights = WeightFile::open(model_dir() / "vision.safetensors");
    const Context context = make_context(), host(1);
    std::set<std::vector<size_t>> met;
    for (const NetLayer& layer : config.layers) {
        if (layer.op != NetLayer::Op::conv) continue;
        if (!met.insert({layer.in_channels, layer.out_channels, layer.kernel, layer.stride, layer.groups}).second)
            continue;
        const std::vector<float> weight = weights.floats(
            layer.name + ".weight", {layer.out_channels, layer.in_channels / layer.groups, layer.kernel, layer.kernel});
        const std::vector<float> bias = weights.floats(layer.name + ".bias", {layer.out_channels});
        const ConvLayer alone{.name = layer.name,
                              .inputs = {0},
                              .kernel = layer.kernel,
                              .stride = layer.stride,
                              .padding = {layer.top, layer.left, layer.bottom, layer.right},
                              .out_channels = layer.out_channels,
                              .groups = layer.groups,
                              .weight = weight,
                              .bias = bias};
        const size_t output = 1;
        const MapShape picture{5, 6, layer.in_channels};
        const std::vector<float> in = random_floats(picture.size(), uint32_t(met.size()), 2);
        const auto made = [&](const Context& where) {
            const ConvPlan plan({&alone, 1}, picture, {&output, 1}, {.device = where.shared_device()});
            Placed<float> from(where, std::span<const float>(in));
            Placed<float> to(where, std::span<const float>(std::vector<float>(plan.output_shapes()[0].size())));
            float* const place = to.span().data();
            plan.run(where, 1, from.span().data(), {&place, 1});
            return to.values();
        };
        const std::vector<float> expected = made(host);
        expect_close(made(context), reference::Doubles(expected.begin(), expected.end()),
                     epsilon(epsilon_f16) * (GetParam() == Where::gpu ? 1 : 16), layer.name);
    }
    EXPECT_GE(met.size(), 40u);
}

TEST_P(Eyes, DoNotDependOnHowFramesAreSplitIntoCalls) {
    const Context context = make_context();
    std::vector<Frame> frames;
    for (int i = 0; i < 3; ++i)
        frames.push_back(
            {std::make_shared<const Picture>(street(100 + 20 * i, 40, 64, 48)), i * 500'000, i * 500'000, 64, 48});
    Encoder whole(small_model()), parts(small_model());
    const EncodedFrames all = whole.encode(context, frames);
    EXPECT_EQ(whole.looked_at(), 3);
    std::vector<float> values;
    for (size_t first : {0u, 1u}) {
        const EncodedFrames part = parts.encode(context, std::span(frames).subspan(first, 1 + first));
        values.insert(values.end(), part.values.begin(), part.values.end());
    }
    EXPECT_EQ(values, all.values) << "to the last bit";
}

}  // namespace
}  // namespace lv::test
