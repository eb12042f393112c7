// Decode steps that are held back and run together: bit for bit what they are kernel by kernel.
#include "tests/devices/on_device.h"
#include "tests/engine/engine_support.h"

namespace lv::test {
namespace {

struct Stepped {
    std::vector<float> logits, mass;
};

class Steps : public testing::TestWithParam<size_t> {
   protected:
    void SetUp() override {
        if (!why_no_cuda().empty()) GTEST_SKIP() << why_no_cuda();
    }

    // A prompt and `steps` words after a video of `rows` rows; each word from the logits before it.
    Stepped decode(bool graphs, DType cache, size_t top, size_t rows, size_t steps) const {
        const std::shared_ptr<Device> device = open_cuda({.graphs = graphs});
        const Context context(1, device);
        const auto model = Model::random(config, 3, DType::f16, device);
        Workspace work(context, config, {.chunk_rows = 16, .sampled = 1, .top_pages = top});
        Memory turn(model, {.cache_type = cache, .page_rows = 16});
        watch(work, turn, 0, rows);
        return words(work, turn, steps);
    }
    Stepped words(Workspace& work, Memory& turn, size_t steps) const {
        Stepped out;
        turn.reserve_text(steps + 6);
        Floats gathered(turn.rows() + steps + 6, work.context().shared_device());
        AttentionMass mass{.layers = 1, .rows = gathered.span()};
        ConstMatrix logits = turn.append_prompt(work, some_prompt(6, config.vocab_size), 1, &mass);
        for (size_t step = 0; step < steps; ++step) {
            const std::span<const float> row = logits.row(0);
            out.logits.insert(out.logits.end(), row.begin(), row.end());
            const auto best = std::max_element(row.begin(), row.end());
            logits = turn.append_text(work, int(best - row.begin()), &mass, step % 3 ? no_time : 5'000'000);
        }
        out.mass = gathered.fetch();
        return out;
    }
    const Config config = all_mixes()[GetParam()];
};

INSTANTIATE_TEST_SUITE_P(Mixes, Steps, testing::Range<size_t>(0, 5), mix_name);

TEST_P(Steps, TellTheSameAsGraphsAndKernelByKernelOverEndsOfPages) {
    for (DType cache : {DType::f16, DType::i8}) {
        const size_t steps = cache == DType::f16 ? 22 : 8;
        const Stepped graphs = decode(true, cache, 0, 37, steps), plain = decode(false, cache, 0, 37, steps);
        EXPECT_EQ(graphs.logits, plain.logits) << dtype_name(cache);
        EXPECT_EQ(graphs.mass, plain.mass) << dtype_name(cache);
    }
}

TEST_P(Steps, TellTheSameWhenTheyChoosePages) {
    const Stepped graphs = decode(true, DType::f16, 2, 85, 8), plain = decode(false, DType::f16, 2, 85, 8);
    EXPECT_EQ(graphs.logits, plain.logits);
    EXPECT_EQ(graphs.mass, plain.mass);
}

// Two memories in turn, as two askers in one thread: each step has other pages, states and lengths.
TEST_P(Steps, OfMemoriesInTurnStayApart) {
    const auto both = [&](bool graphs) {
        const std::shared_ptr<Device> device = open_cuda({.graphs = graphs});
        const Context context(1, device);
        const auto model = Model::random(config, 3, DType::f16, device);
        Workspace work(context, config, {.chunk_rows = 16, .sampled = 1});
        Memory one(model, {.cache_type = DType::f16, .page_rows = 16});
        watch(work, one, 0, 20);
        Memory other = one.fork();
        watch(work, other, 20, 31);
        std::vector<float> out;
        for (int step = 0; step < 8; ++step)
            for (Memory* memory : {&one, &other, &one}) {
                const std::vector<float> logits = copied(memory->append_text(work, 9 + step));
                out.insert(out.end(), logits.begin(), logits.end());
            }
        return out;
    };
    EXPECT_EQ(both(true), both(false));
}

TEST_P(Steps, TellTheSameWhereAWindowMovesToItsFront) {
    if (config.count(LayerKind::sliding) == 0) GTEST_SKIP() << "no window";
    const auto tell = [&](bool graphs) {
        const std::shared_ptr<Device> device = open_cuda({.graphs = graphs});
        const Context context(1, device);
        const auto model = Model::random(config, 3, DType::f16, device);
        Workspace work(context, config, {.chunk_rows = 16, .sampled = 1});
        // A window has room for most_device_chunk_rows rows beside its own: the last are used up by these words.
        Memory memory = made_up_memory(model, most_device_chunk_rows - 4, {.cache_type = DType::f16, .page_rows = 256});
        return words(work, memory, 8).logits;
    };
    EXPECT_EQ(tell(true), tell(false));
}

TEST(Step, WhatIsAskedForInBetweenFindsAllThatCameBefore) {
    if (!why_no_cuda().empty()) GTEST_SKIP() << why_no_cuda();
    const Context context(1, open_cuda({}));
    Device& device = *context.device();
    PlacedMatrix x(context, 1, 40), y(context, 1, 40);
    for (int round = 0; round < 4; ++round) {  // plain, made, used
        const std::vector<float> values(40, float(round + 1));
        device.begin_step();
        device.upload(values.data(), x.view().data, 40 * sizeof(float));  // few bytes: held back too
        for (int i = 0; i < 10; ++i) device.add(x.view(), x.view(), x.view());
        EXPECT_EQ(x.values(), std::vector<float>(40, 1024.0f * float(round + 1)));
        device.scale(x.view(), 0.5f, y.view());
        device.copy(y.view().data, x.view().data, 40 * sizeof(float));
        device.add(x.view(), y.view(), y.view());
        device.end_step();
        device.scale(y.view(), 2, y.view());
        EXPECT_EQ(y.values(), std::vector<float>(40, 2048.0f * float(round + 1)));
    }
}

}  // namespace
}  // namespace lv::test
