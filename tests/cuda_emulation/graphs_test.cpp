// That steps do become graphs, what of a graph is set anew, and in which order all of it runs: counted, emulated.
#include <numeric>

#include "engine/forward.h"
#include "kernels/core/device.cuh"
#include "kernels/core/tape.cuh"
#include "kernels/sampling.h"
#include "tests/cuda_emulation/launches.h"
#include "tests/engine/engine_support.h"

namespace lv::cuda {
namespace {

using emulation::calls;

__global__ void add_times(float* x, float factor, float more) {
    if (threadIdx.x == 0 && blockIdx.x == 0) *x = *x * factor + more;
}
__global__ void count_blocks(float* x) {
    if (threadIdx.x == 0) *x += 1;
}

// The tape's x after a list of launches, from 0 on; only the order given leads there.
class Tapes : public testing::Test {
   protected:
    template <typename... Parameters>
    void add(Tape& tape, dim3 grid, void (*kernel)(Parameters...), std::type_identity_t<Parameters>... arguments) {
        const std::array<size_t, sizeof...(Parameters)> sizes{sizeof(Parameters)...};
        void* places[] = {&arguments...};
        tape.add({address_of(kernel), grid, 32, 0}, places, sizes);
    }
    float digits(Tape& tape, const std::vector<float>& list, unsigned blocks = 1) {
        Floats x(1, device);
        for (const float digit : list) add(tape, 1, add_times, x.span().data(), 10.0f, digit);
        for (unsigned i = 0; i < 7; ++i) add(tape, i == 3 ? blocks : 1, count_blocks, x.span().data());
        tape.run(nullptr);
        EXPECT_TRUE(tape.empty());
        return x.fetch()[0];
    }
    const std::shared_ptr<Device> device = open_cuda({});
};

TEST_F(Tapes, AListBecomesAGraphTheSecondTimeAndKeepsItsOrderWithOtherArguments) {
    Tape tape;
    const auto before = calls();
    EXPECT_EQ(digits(tape, {1, 2, 3}), 130);
    EXPECT_EQ(calls().graph_launches, before.graph_launches) << "once is no habit";
    EXPECT_EQ(calls().launches - before.launches, 10u);
    EXPECT_EQ(digits(tape, {4, 5, 6}), 463);
    EXPECT_EQ(digits(tape, {7, 8, 9}, 5), 800) << "another grid too";
    EXPECT_EQ(calls().graphs_made - before.graphs_made, 1u);
    EXPECT_EQ(calls().graph_launches - before.graph_launches, 2u);
    EXPECT_EQ(calls().launches - before.launches, 10u);
}

TEST_F(Tapes, OnlyLaunchesThatDifferAreSetAnew) {
    Tape tape;
    Floats x(1, device);
    const auto run = [&](float last, unsigned blocks) {
        for (int i = 0; i < 9; ++i) add(tape, 1, add_times, x.span().data(), 2.0f, i == 4 ? last : 1.0f);
        add(tape, blocks, count_blocks, x.span().data());
        tape.run(nullptr);
    };
    run(1, 1);
    run(1, 1);
    const auto before = calls();
    run(1, 1);
    EXPECT_EQ(calls().nodes_set, before.nodes_set);
    run(2, 1);
    EXPECT_EQ(calls().nodes_set, before.nodes_set + 1);
    run(2, 3);
    EXPECT_EQ(calls().nodes_set, before.nodes_set + 2);
    run(2, 3);
    EXPECT_EQ(calls().nodes_set, before.nodes_set + 2);
}

TEST_F(Tapes, OtherListsInBetweenSpoilNothingAndTheOldestIsForgotten) {
    Tape tape;
    const auto list = [](size_t length) { return std::vector<float>(length, 0.0f); };
    EXPECT_EQ(digits(tape, list(2)), 7);
    EXPECT_EQ(digits(tape, list(2)), 7);
    EXPECT_EQ(digits(tape, list(3)), 7);
    const auto before = calls();
    EXPECT_EQ(digits(tape, list(2)), 7);
    EXPECT_EQ(calls().graphs_made, before.graphs_made);
    EXPECT_EQ(calls().graph_launches, before.graph_launches + 1);
    for (size_t length = 4; length < 13; ++length) digits(tape, list(length));
    const auto later = calls();
    EXPECT_EQ(digits(tape, list(2)), 7);
    EXPECT_EQ(calls().graph_launches, later.graph_launches) << "as if it came for the first time";
}

TEST_F(Tapes, AFewLaunchesAreNoGraph) {
    Tape tape;
    Floats x(1, device);
    const auto before = calls();
    for (int round = 0; round < 4; ++round) {
        for (int i = 0; i < 7; ++i) add(tape, 1, add_times, x.span().data(), 1.0f, 1.0f);
        tape.run(nullptr);
    }
    EXPECT_EQ(x.fetch()[0], 28);
    EXPECT_EQ(calls().graphs_made, before.graphs_made);
}

TEST_F(Tapes, ARefusedLaunchIsAnErrorAndNotTriedAgain) {
    Tape tape;
    Floats x(1, device);
    add(tape, dim3(1, 70000), count_blocks, x.span().data());
    EXPECT_THROW(tape.run(nullptr), Error);
    EXPECT_TRUE(tape.empty());
    tape.run(nullptr);
    EXPECT_EQ(x.fetch()[0], 0);
}

}  // namespace
}  // namespace lv::cuda

namespace lv::test {
namespace {

// What one word costs once all is warm: calls of the host.
TEST(DecodeSteps, AreOneGraphWithFewNodesSetAnew) {
    const Config config = yoco_config();
    const auto device = open_cuda({});
    const Context context(1, device);
    const auto model = Model::random(config, 3, DType::f16, device);
    for (const size_t top : {size_t{0}, size_t{2}}) {
        Workspace work(context, config, {.chunk_rows = 16, .sampled = 1, .top_pages = top});
        Memory turn(model, {.cache_type = DType::f16, .page_rows = 64});
        watch(work, turn, 0, 300);
        turn.reserve_text(40);
        Floats gathered(400, device);
        AttentionMass mass{.layers = 2, .rows = gathered.span()};
        for (int word = 0; word < 4; ++word) turn.append_text(work, 9, &mass);
        const auto before = emulation::calls();
        for (int word = 0; word < 10; ++word) turn.append_text(work, 9 + word, &mass);
        const auto after = emulation::calls();
        EXPECT_EQ(after.graph_launches - before.graph_launches, 10u) << "top " << top;
        EXPECT_EQ(after.graphs_made, before.graphs_made);
        EXPECT_EQ(after.launches - before.launches, 10u) << "the row itself, a few bytes, goes ahead of the step";
        // Positions, the two stores of the bridge, the page table, and of each cross layer its length, its attention
        // and its evidence; the choice of pages asks for none, since the open page is none of its choices.
        EXPECT_LE(after.nodes_set - before.nodes_set, 10u * (1 + 2 + 1 + 2 * 4)) << "top " << top;
    }
}

// The word itself comes down and its share (of the likeliest, the largest logit too); neither all logits nor the
// attention to all rows.
TEST(DecodeSteps, BringDownAWordAndNothingElse) {
    const Config config = yoco_config();
    const auto device = open_cuda({});
    const Context context(1, device);
    const auto model = Model::random(config, 3, DType::f16, device);
    Workspace work(context, config, {.chunk_rows = 16, .sampled = 1});
    Memory turn(model, {.cache_type = DType::f16, .page_rows = 64});
    watch(work, turn, 0, 300);
    turn.reserve_text(40);
    Floats gathered(400, device);
    AttentionMass mass{.layers = 2, .rows = gathered.span()};
    turn.append_text(work, 9, &mass, no_time, LogitsAt::context);
    const auto before = emulation::calls();
    likeliest(context, turn.append_text(work, 9, &mass, no_time, LogitsAt::context).row(0));
    EXPECT_EQ(emulation::calls().bytes_down - before.bytes_down, 12u);
    const auto later = emulation::calls();
    const auto logits = turn.append_text(work, 9, &mass, no_time, LogitsAt::context);
    draw(context, logits.row(0), {.temperature = 2, .top_k = 5, .top_p = 0.9f}, 1234567);
    EXPECT_EQ(emulation::calls().bytes_down - later.bytes_down, 8u);
    const std::vector<float> rows = gathered.fetch();
    EXPECT_NEAR(std::accumulate(rows.begin(), rows.end(), 0.0), 6, 1e-3) << "two layers, three rows";
}

// Where many rows are multiplied in 16 bits, whoever makes them rounds them: no kernel does nothing else.
TEST(FeedForward, OfManyRowsIsANormAProductAnActivationAndAProduct) {
    const Config config = yoco_config();
    for (const bool exact : {false, true}) {
        const auto device = open_cuda({.exact = exact});
        const Context context(1, device);
        const auto model = Model::random(config, 3, DType::f16, device);
        Workspace work(context, config, {.chunk_rows = 16, .sampled = 1});
        const Matrix x = work.arena().matrix(16, config.dim);
        device->clear(x.data, x.size() * sizeof(float));
        const auto before = emulation::calls();
        feed_forward(work, *model, model->layers()[0], x);
        EXPECT_EQ(emulation::calls().launches - before.launches, exact ? 4u : 2u) << "beside the library's products";
    }
}

}  // namespace
}  // namespace lv::test
