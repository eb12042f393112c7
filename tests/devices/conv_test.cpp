// Convolutional nets wherever they run, beside the plain loops. The engines of the host are compared more closely in
// tests/kernels/conv_test.cpp.
#include "kernels/conv.h"

#include "tests/devices/conv_scene.h"
#include "tests/devices/on_device.h"

namespace lv::test {
namespace {

using Kind = ConvLayer::Kind;

class ConvNets : public Everywhere {
   protected:
    // Maps `outputs` of a net for `batch` pictures, a map after the other.
    std::vector<std::vector<float>> run(const Context& context, const Net& net, std::vector<size_t> outputs,
                                        const std::vector<float>& pictures, size_t batch) const {
        const ConvPlan plan(net.layers, net.picture, outputs, {.device = context.shared_device()});
        EXPECT_EQ(std::string(plan.engine()).rfind("cuda", 0) == 0, !on_host());
        Placed<float> in(context, std::span<const float>(pictures));
        std::vector<Placed<float>> maps;
        std::vector<float*> places;
        for (const MapShape& shape : plan.output_shapes())
            maps.emplace_back(context, std::span<const float>(std::vector<float>(batch * shape.size(), NAN)));
        for (Placed<float>& map : maps) places.push_back(map.span().data());
        plan.run(context, batch, in.span().data(), places);
        std::vector<std::vector<float>> found;
        for (const Placed<float>& map : maps) found.push_back(map.values());
        return found;
    }

    // Each layer rounds its inputs, weights and outputs once: their errors add up like independent ones.
    void expect_net(const Net& net, std::vector<size_t> outputs, const std::string& what = "", size_t batch = 3) const {
        const Context context = make_context();
        const size_t size = net.picture.size();
        const std::vector<float> pictures = random_floats(batch * size, 77);
        const auto found = run(context, net, outputs, pictures, batch);
        std::vector<reference::Doubles> expected(outputs.size());
        for (size_t index = 0; index < batch; ++index) {
            const auto maps =
                plain_maps(net, {pictures.begin() + long(index * size), pictures.begin() + long((index + 1) * size)});
            for (size_t i = 0; i < outputs.size(); ++i)
                expected[i].insert(expected[i].end(), maps[outputs[i]].begin(), maps[outputs[i]].end());
        }
        for (size_t i = 0; i < outputs.size(); ++i) {
            const std::string where = what + ", map " + std::to_string(outputs[i]);
            expect_close(found[i], expected[i],
                         epsilon(epsilon_f16) * (on_gpu() ? 1 : 16) * std::sqrt(double(net.layers.size())), where);
            if (!on_gpu()) expect_near(found[i], expected[i], 2e-4, where);
        }
    }
    bool on_gpu() const { return GetParam() == Where::gpu; }
};
INSTANTIATE_TEST_SUITE_P(On, ConvNets, everywhere, where_name);

struct Shape {
    size_t in, out, groups;
};

TEST_P(ConvNets, EveryKindOfConvolutionMatchesThePlainLoops) {
    size_t turn = 0;
    for (size_t kernel : {1u, 2u, 3u, 5u})
        for (size_t stride : {1u, 2u, 3u})
            // Channels that come in whole loads of 16 bytes and not, over a tile of 64 outputs and of its depth.
            for (const Shape& shape : {Shape{3, 32, 1},
                                       {16, 24, 1},
                                       {20, 70, 1},
                                       {72, 8, 1},
                                       {8, 16, 2},
                                       {6, 9, 3},
                                       {24, 24, 24},
                                       {13, 13, 13},
                                       {4, 8, 4}}) {
                const auto activation = Activation(turn++ % 4);
                Net net{{11, 7, shape.in}, {}, {}};
                net.conv(0, shape.out, kernel, stride, shape.groups, activation, turn % 3 != 0);
                expect_net(net, {1},
                           std::to_string(shape.in) + " to " + std::to_string(shape.out) + " in " +
                               std::to_string(shape.groups) + " groups, kernel " + std::to_string(kernel) +
                               ", stride " + std::to_string(stride) + ", activation " +
                               std::to_string(int(activation)));
            }
}

TEST_P(ConvNets, PaddingOnEachSideIsItsOwn) {
    for (size_t groups : {1u, 16u}) {
        Net net{{6, 9, 16}, {}, {}};
        net.conv(0, 16, 3, 2, groups);
        net.layers[0].same = false;
        for (const Padding& padding : {Padding{0, 2, 1, 0}, Padding{2, 0, 0, 1}, Padding{}}) {
            net.layers[0].padding = padding;
            expect_net(net, {1});
        }
    }
}

TEST_P(ConvNets, MapsOfOnePixelAndOfOneColumn) {
    for (const MapShape& picture : {MapShape{1, 1, 8}, {5, 1, 8}, {1, 9, 8}}) {
        Net net{picture, {}, {}};
        net.conv(net.conv(net.conv(0, 8, 3, 1, 8), 16, 1), 5, 5, 2);
        expect_net(net, {1, 2, 3}, std::to_string(picture.height) + " x " + std::to_string(picture.width), 1);
    }
}

TEST_P(ConvNets, PoolsSumsJoinsAndUpsamplesMatchThePlainLoops) {
    Net net{{12, 8, 16}, {}, {}};
    const size_t a = net.conv(0, 24, 3, 2, 1, Activation::relu6);
    const size_t pooled = net.other(Kind::max_pool, {a});
    net.layers.back().kernel = 3;
    net.layers.back().stride = 2;
    net.layers.back().same = true;
    const size_t up = net.other(Kind::upsample, {pooled});
    const size_t joined = net.other(Kind::concat, {up, a, up});
    const size_t b = net.conv(joined, 24, 1);
    const size_t sum = net.other(Kind::add, {up, b}, Activation::silu);
    const size_t mean = net.other(Kind::global_average_pool, {sum});
    const size_t head = net.conv(mean, 10, 1);
    const size_t twice = net.other(Kind::add, {sum, sum}, Activation::relu);
    expect_net(net, {head, a, pooled, up, joined, sum, mean, twice, 0, head});
}

// Blocks as in EfficientNet, where the sum can be fused; every way in which it may not be fused too.
TEST_P(ConvNets, ResidualSumsAreRightWhereverTheyAreFused) {
    for (int variant = 0; variant < 7; ++variant) {
        Net net{{10, 10, 3}, {}, {}};
        size_t x = net.conv(0, 16, 3, 2, 1, Activation::relu6);
        std::vector<size_t> outputs;
        for (int block = 0; block < 2; ++block) {
            const size_t wide = net.conv(x, 24, 1, 1, 1, Activation::relu6);
            const size_t deep = net.conv(wide, 24, 3, 1, 24, Activation::relu6);
            const size_t back = net.conv(deep, 16, 1, 1, 1, variant == 1 ? Activation::relu : Activation::none);
            const size_t before = x;
            if (variant == 6) net.conv(before, 16, 1);  // stands between the convolution and the sum
            x = net.other(Kind::add, variant == 2 ? std::vector{before, back} : std::vector{back, before},
                          variant == 5 ? Activation::relu6 : Activation::none);
            if (variant == 3) outputs.push_back(before);              // the other summand is wanted later
            if (variant == 4 && block == 1) outputs.push_back(back);  // the convolution's own map is wanted
        }
        outputs.push_back(x);
        expect_net(net, outputs, "variant " + std::to_string(variant));
    }
}

TEST_P(ConvNets, AConvolutionAddedToItsOwnInputKeepsThatInput) {
    Net net{{5, 5, 16}, {}, {}};
    const size_t a = net.conv(0, 16, 3);
    const size_t b = net.conv(a, 16, 3);
    const size_t sum = net.other(Kind::add, {b, a});
    const size_t deep = net.conv(sum, 16, 3, 1, 16);
    const size_t again = net.other(Kind::add, {sum, deep}, Activation::relu6);
    expect_net(net, {again});
    expect_net(net, {sum, again, a});
}

// The sum is written while the convolution still reads: not into that map's room.
TEST_P(ConvNets, AFusedSumLeavesWhatItsConvolutionReads) {
    Net net{{9, 9, 16}, {}, {}};
    const size_t a = net.conv(0, 16, 1);
    const size_t back = net.conv(net.conv(a, 16, 3), 16, 3);
    expect_net(net, {net.conv(net.other(Kind::add, {back, a}), 8, 1)});
}

TEST_P(ConvNets, APictureGivesTheSameInAnyBatch) {
    Net net{{9, 9, 3}, {}, {}};
    const size_t a = net.conv(0, 24, 3, 2, 1, Activation::silu);
    const size_t b = net.conv(net.conv(a, 24, 3, 1, 24), 72, 1, 1, 1, Activation::relu6);
    const size_t mean = net.other(Kind::global_average_pool, {b});
    const size_t head = net.conv(mean, 7, 1);
    const Context context = make_context();
    const size_t batch = 5, size = net.picture.size();
    const std::vector<float> pictures = random_floats(batch * size, 3);
    const auto all = run(context, net, {b, head}, pictures, batch);
    for (size_t index = 0; index < batch; ++index) {
        const auto one = run(context, net, {b, head},
                             {pictures.begin() + long(index * size), pictures.begin() + long((index + 1) * size)}, 1);
        for (size_t i = 0; i < one.size(); ++i)
            EXPECT_TRUE(std::equal(one[i].begin(), one[i].end(), all[i].begin() + long(index * one[i].size())))
                << "picture " << index << ", output " << i;
    }
    EXPECT_TRUE(run(context, net, {b}, {}, 0)[0].empty());
}

TEST_P(ConvNets, PicturesOfF16AreReadWhereTheyLie) {
    Net net{{7, 5, 3}, {}, {}};
    const size_t a = net.conv(0, 24, 3, 2, 1, Activation::relu6);
    const size_t b = net.conv(a, 16, 1);
    const Context context = make_context();
    const size_t batch = 2;
    std::vector<Half> rounded;
    std::vector<float> pictures;
    for (float value : random_floats(batch * net.picture.size(), 5)) {
        rounded.push_back(to_half(value));
        pictures.push_back(to_float(rounded.back()));
    }
    const size_t outputs[] = {b, 0};
    const ConvPlan plan(net.layers, net.picture, outputs, {.device = context.shared_device()});
    EXPECT_EQ(plan.reads_f16(), on_gpu());
    Placed<Half> in(context, std::span<const Half>(rounded));
    Placed<float> map(context, std::span<const float>(std::vector<float>(batch * plan.output_shapes()[0].size())));
    Placed<float> picture(context, std::span<const float>(std::vector<float>(pictures.size())));
    float* const places[] = {map.span().data(), picture.span().data()};
    if (!on_gpu()) {
        EXPECT_THROW(plan.run(context, batch, in.span().data(), places), Error);
        return;
    }
    plan.run(context, batch, in.span().data(), places);
    EXPECT_EQ(map.values(), run(context, net, {b}, pictures, batch)[0]);
    EXPECT_EQ(picture.values(), pictures);
}

TEST_P(ConvNets, ValuesTooLargeForF16AreItsLargest) {
    Net net{{2, 2, 8}, {}, {}};
    const size_t wide = net.conv(0, 8, 1);
    std::vector<float> diagonal(64);
    for (size_t i = 0; i < 8; ++i) diagonal[i * 9] = 60000;
    net.layers[0].weight = diagonal;
    net.layers[0].bias = {};
    const size_t twice = net.other(Kind::add, {wide, wide});
    const Context context = make_context();
    const std::vector<float> picture(2 * 2 * 8, 100.0f);
    const auto found = run(context, net, {twice}, picture, 1);
    for (float value : found[0]) EXPECT_EQ(value, on_gpu() ? 65504.0f : 2 * 6e6f);
}

}  // namespace
}  // namespace lv::test
