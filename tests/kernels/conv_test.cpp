#include "kernels/conv.h"

#include <thread>

#include "kernels/conv_engine.h"
#include "kernels/core/error.h"
#include "tests/devices/conv_scene.h"

namespace lv {
namespace {

using Kind = ConvLayer::Kind;
using test::doubles;
using test::Net;
using test::plain_maps;
using test::random_floats;

void expect_net(const Net& net, std::vector<size_t> outputs, const ConvOptions& options, double tolerance,
                size_t batch = 3) {
    Context context(2);
    ConvPlan plan(net.layers, net.picture, outputs, options);
    size_t size = net.picture.size();
    std::vector<float> pictures = random_floats(batch * size, 77);
    std::vector<std::vector<float>> found;
    std::vector<float*> places;
    for (const MapShape& shape : plan.output_shapes()) found.emplace_back(batch * shape.size(), NAN);
    for (auto& map : found) places.push_back(map.data());
    plan.run(context, batch, pictures.data(), places);
    for (size_t index = 0; index < batch; ++index) {
        auto maps =
            plain_maps(net, {pictures.begin() + long(index * size), pictures.begin() + long((index + 1) * size)});
        for (size_t i = 0; i < outputs.size(); ++i) {
            size_t map_size = plan.output_shapes()[i].size();
            test::expect_near(std::span(found[i]).subspan(index * map_size, map_size), doubles(maps[outputs[i]]),
                              tolerance, std::string(plan.engine()) + ", map " + std::to_string(outputs[i]));
        }
    }
}

TEST(Conv, PlainConvolutionMatchesTheReference) {
    for (size_t kernel : {1u, 2u, 3u, 5u})
        for (size_t stride : {1u, 2u, 3u})
            for (size_t groups : {1u, 2u, 6u}) {
                Net net{{9, 7, 6}, {}, {}};
                net.conv(0, 12, kernel, stride, groups);
                const ConvLayer& layer = net.layers[0];
                std::vector<float> picture = random_floats(net.picture.size(), 5);
                MapShape shape = conv_shapes(net.layers, net.picture)[1];
                EXPECT_EQ(shape.height, (9 + stride - 1) / stride);
                EXPECT_EQ(shape.width, (7 + stride - 1) / stride);
                Padding pad = same_padding(9, 7, kernel, stride);
                auto expected =
                    reference::conv(doubles(picture), 9, 7, 6, doubles(layer.weight), doubles(layer.bias), 12, groups,
                                    kernel, stride, pad.top, pad.left, shape.height, shape.width);
                test::expect_near(plain_maps(net, picture)[1], expected,
                                  test::sum_tolerance(6 * kernel * kernel, 40, 10));
            }
}

TEST(Conv, SamePaddingPutsTheOddPixelLast) {
    EXPECT_EQ(same_padding(320, 320, 3, 2), (Padding{0, 0, 1, 1}));
    EXPECT_EQ(same_padding(5, 5, 3, 2), (Padding{1, 1, 1, 1}));
    EXPECT_EQ(same_padding(8, 7, 5, 1), (Padding{2, 2, 2, 2}));
    EXPECT_EQ(same_padding(8, 8, 1, 2), (Padding{}));
}

class Engines : public testing::TestWithParam<ConvOptions> {
   protected:
    // Activations of size 1, some layers deep; bf16 keeps 8 bits of each.
    double tolerance() const { return GetParam().bf16 ? 0.3 : 2e-4; }
};

TEST_P(Engines, EveryKindOfConvolutionMatchesThePlainLoops) {
    for (Activation activation : {Activation::none, Activation::relu, Activation::relu6, Activation::silu})
        for (size_t kernel : {1u, 3u, 5u})
            for (size_t stride : {1u, 2u})
                for (auto [in, out, groups] : {std::tuple<size_t, size_t, size_t>{3, 32, 1},
                                               {16, 24, 1},
                                               {24, 24, 24},
                                               {40, 16, 1},
                                               {112, 112, 112},
                                               {8, 16, 2}}) {
                    Net net{{11, 8, in}, {}, {}};
                    net.conv(0, out, kernel, stride, groups, activation, kernel != 3);
                    expect_net(net, {1}, GetParam(), tolerance());
                }
}

TEST_P(Engines, PaddingOnEachSideIsItsOwn) {
    Net net{{6, 9, 16}, {}, {}};
    net.conv(0, 16, 3, 2);
    net.layers[0].same = false;
    net.layers[0].padding = {0, 2, 1, 0};
    expect_net(net, {1}, GetParam(), tolerance());
    net.layers[0].padding = {2, 0, 0, 1};
    expect_net(net, {1}, GetParam(), tolerance());
}

TEST_P(Engines, PoolsSumsJoinsAndUpsamplesMatchThePlainLoops) {
    Net net{{12, 8, 16}, {}, {}};
    size_t a = net.conv(0, 24, 3, 2, 1, Activation::relu6);
    size_t pooled = net.other(Kind::max_pool, {a});
    net.layers.back().kernel = 3;
    net.layers.back().stride = 2;
    net.layers.back().same = true;
    size_t up = net.other(Kind::upsample, {pooled});
    size_t joined = net.other(Kind::concat, {up, a, up});
    size_t b = net.conv(joined, 24, 1);
    size_t sum = net.other(Kind::add, {b, a}, Activation::silu);
    size_t mean = net.other(Kind::global_average_pool, {sum});
    size_t head = net.conv(mean, 10, 1);
    expect_net(net, {head, a, pooled, up, joined, sum, mean, 0}, GetParam(), tolerance());
}

// Blocks as in EfficientNet, where the sum can be fused; every way in which it may not be fused too.
TEST_P(Engines, ResidualSumsAreRightWhereverTheyAreFused) {
    for (int variant = 0; variant < 6; ++variant) {
        Net net{{10, 10, 3}, {}, {}};
        size_t x = net.conv(0, 16, 3, 2, 1, Activation::relu6);
        std::vector<size_t> outputs;
        for (int block = 0; block < 3; ++block) {
            size_t wide = net.conv(x, 48, 1, 1, 1, Activation::relu6);
            size_t deep = net.conv(wide, 48, 3, 1, 48, Activation::relu6);
            size_t back = net.conv(deep, 16, 1, 1, 1, variant == 1 ? Activation::relu : Activation::none);
            size_t before = x;
            x = net.other(Kind::add, variant == 2 ? std::vector{before, back} : std::vector{back, before},
                          variant == 5 ? Activation::relu6 : Activation::none);
            if (variant == 3) outputs.push_back(before);              // the other summand is wanted later
            if (variant == 4 && block == 1) outputs.push_back(back);  // the convolution's own map is wanted
        }
        outputs.push_back(x);
        expect_net(net, outputs, GetParam(), tolerance());
    }
}

TEST_P(Engines, AConvolutionAddedToItsOwnInputKeepsThatInput) {
    Net net{{5, 5, 16}, {}, {}};
    size_t a = net.conv(0, 16, 3);
    size_t b = net.conv(a, 16, 3);
    size_t sum = net.other(Kind::add, {b, a});
    size_t twice = net.other(Kind::add, {sum, sum});
    expect_net(net, {sum, twice}, GetParam(), tolerance());
}

TEST_P(Engines, OneOrNoPictureAndAnyThreadsGiveTheSame) {
    Net net{{16, 16, 3}, {}, {}};
    net.conv(0, 16, 3, 2, 1, Activation::silu);
    size_t out = 1;
    ConvPlan plan(net.layers, net.picture, {&out, 1}, GetParam());
    std::vector<float> picture = random_floats(16 * 16 * 3, 3), first(8 * 8 * 16), again(8 * 8 * 16);
    float* place = first.data();
    plan.run(Context(1), 0, static_cast<const float*>(nullptr), {&place, 1});
    plan.run(Context(1), 1, picture.data(), {&place, 1});
    place = again.data();
    plan.run(Context(4), 1, picture.data(), {&place, 1});
    EXPECT_EQ(first, again);
    EXPECT_GT(plan.bytes(), 0u);
    EXPECT_EQ(plan.flops(), 2.0 * 8 * 8 * 16 * 27);
}

INSTANTIATE_TEST_SUITE_P(Engines, Engines,
                         testing::Values(ConvOptions{false, false}, ConvOptions{false, true}, ConvOptions{true, true}),
                         [](const auto& info) {
                             return std::string(info.param.onednn ? "onednn" : "own") +
                                    (info.param.bf16 ? "_bf16" : "");
                         });

TEST(Conv, NetsThatDoNotFitAreRefusedByTheLayersName) {
    auto refusal = [](const Net& net, std::vector<size_t> outputs = {1}) {
        try {
            ConvPlan plan(net.layers, net.picture, outputs);
        } catch (const Error& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    auto net = [] {
        Net net{{8, 8, 4}, {}, {}};
        net.conv(0, 8, 3);
        return net;
    };
    Net good = net();
    EXPECT_EQ(refusal(good), "");
    EXPECT_NE(refusal(good, {2}).find("map 2"), std::string::npos);
    auto broken = [&](auto change) {
        Net bad = net();
        change(bad.layers[0]);
        std::string message = refusal(bad);
        EXPECT_NE(message.find("conv 0"), std::string::npos) << message;
    };
    broken([](ConvLayer& layer) { layer.inputs = {1}; });
    broken([](ConvLayer& layer) { layer.inputs = {}; });
    broken([](ConvLayer& layer) { layer.inputs = {0, 0}; });
    broken([](ConvLayer& layer) { layer.groups = 3; });
    broken([](ConvLayer& layer) { layer.groups = 0; });
    broken([](ConvLayer& layer) { layer.kernel = 0; });
    broken([](ConvLayer& layer) { layer.stride = 0; });
    broken([](ConvLayer& layer) { layer.out_channels = 9; });
    broken([](ConvLayer& layer) { layer.weight = layer.weight.first(5); });
    broken([](ConvLayer& layer) { layer.bias = layer.bias.first(5); });
    broken([](ConvLayer& layer) { layer.same = false, layer.padding = {3, 0, 0, 0}; });
    Net sizes = net();
    sizes.other(Kind::concat, {0, 1});
    sizes.other(Kind::add, {0, 1});
    EXPECT_NE(refusal(sizes).find("layer 2"), std::string::npos) << refusal(sizes);
    Net small{{1, 1, 4}, {}, {}};
    small.conv(0, 8, 3);
    small.layers[0].same = false;
    EXPECT_NE(refusal(small).find("smaller than the kernel"), std::string::npos);
}

TEST(Conv, MapsNeededTogetherNeverShareRoom) {
    Net net{{4, 4, 2}, {}, {}};
    size_t a = net.conv(0, 4, 1), b = net.conv(a, 6, 1), c = net.conv(b, 4, 1);
    size_t d = net.other(Kind::add, {c, a});
    net.conv(d, 3, 1);
    std::vector<MapShape> shapes = conv_shapes(net.layers, net.picture);
    std::vector<size_t> outputs{5};
    ConvNetParts parts{net.layers, shapes, outputs};
    std::vector<size_t> sizes, last = last_uses(parts);
    for (const MapShape& shape : shapes) sizes.push_back(shape.size());
    MapPlaces places = place_maps(sizes, last);
    size_t total = 0;
    for (size_t i = 0; i < sizes.size(); ++i) {
        total += sizes[i];
        EXPECT_LE(places.place[i] + sizes[i], places.floats);
        for (size_t j = i + 1; j < sizes.size(); ++j) {
            bool together = last[i] + 1 >= j;  // map j is made by layer j - 1
            bool apart = places.place[i] + sizes[i] <= places.place[j] || places.place[j] + sizes[j] <= places.place[i];
            EXPECT_TRUE(!together || apart) << i << " and " << j;
        }
    }
    EXPECT_LT(places.floats, total);
}

TEST(Conv, SeveralThreadsRunOnePlanAtOnce) {
    Net net{{16, 16, 3}, {}, {}};
    net.conv(net.conv(0, 16, 3, 2, 1, Activation::relu), 8, 3);
    size_t out = 2;
    ConvPlan plan(net.layers, net.picture, {&out, 1});
    std::vector<float> picture = random_floats(16 * 16 * 3, 3), expected(8 * 8 * 8);
    float* place = expected.data();
    plan.run(Context(1), 1, picture.data(), {&place, 1});
    std::vector<std::vector<float>> found(4, std::vector<float>(expected.size()));
    {
        std::vector<std::jthread> threads;
        for (auto& map : found)
            threads.emplace_back([&] {
                float* own = map.data();
                for (int round = 0; round < 20; ++round) plan.run(Context(1), 1, picture.data(), {&own, 1});
            });
    }
    for (const auto& map : found) EXPECT_EQ(map, expected);
}

}  // namespace
}  // namespace lv
