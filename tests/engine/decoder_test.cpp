// The decoders' promises, for every mix of layers: forms agree, forks do not touch each other, early exit is exact.
#include "engine/forward.h"

#include <algorithm>
#include <numeric>

#include "tests/engine/engine_support.h"

namespace lv::test {

namespace {

class Decoders : public testing::TestWithParam<size_t> {
   protected:
    const Config config = all_mixes()[GetParam()];
    const std::shared_ptr<const Model> model = Model::random(config, 3);
    const Context context{1};
    Workspace work{context, config, {.chunk_rows = 64, .sampled = 64}};

    // Rounding of sums in another order: logits here are of size 5, after few layers.
    static constexpr float rounding = 2e-4f;

    std::vector<float> logits_after(Memory& memory, std::span<const PromptRow> prompt, size_t sampled = 1) {
        return copied(memory.append_prompt(work, prompt, sampled));
    }
};

TEST_P(Decoders, prefill_then_decode_equals_prefill_of_one_row_more) {
    const std::vector<PromptRow> prompt = some_prompt(30, config.vocab_size);
    Memory whole(model, exact), stepped(model, exact);
    watch(work, whole, 0, 50);
    watch(work, stepped, 0, 50);
    const std::vector<float> expected = logits_after(whole, prompt);
    stepped.append_prompt(work, std::span(prompt).first(29), 0);
    const std::vector<float> found = copied(stepped.append_text(work, prompt[29].id, nullptr, prompt[29].time_us));
    EXPECT_LT(difference(found, expected), rounding);
    EXPECT_EQ(whole.rows(), 80u);
    EXPECT_EQ(stepped.rows(), 80u);
}

TEST_P(Decoders, chunks_of_any_size_leave_the_same_memory) {
    constexpr size_t rows = 290;  // more than a window keeps room for
    const std::vector<PromptRow> prompt = some_prompt(12, config.vocab_size);
    Memory whole(model, exact);
    Workspace large(context, config, {.chunk_rows = 256, .sampled = 1});
    watch(large, whole, 0, rows);
    const std::vector<float> expected = logits_after(whole, prompt);
    for (size_t chunk : {1, 5, 7, 8, 64}) {
        Workspace small(context, config, {.chunk_rows = chunk, .sampled = 1});
        Memory memory(model, exact);
        watch(small, memory, 0, rows);
        EXPECT_LT(difference(logits_after(memory, prompt), expected), rounding) << "chunk of " << chunk;
    }
}

TEST_P(Decoders, a_fork_leaves_its_parent_bit_identical_and_the_parent_its_fork) {
    const std::vector<PromptRow> prompt = some_prompt(20, config.vocab_size);
    Memory alone(model, exact), parent(model, exact);
    watch(work, alone, 0, 75);
    watch(work, parent, 0, 75);

    Memory fork = parent.fork(), other = parent.fork();
    const std::vector<float> first = logits_after(fork, prompt);
    watch(work, parent, 75, 120);  // the parent goes on
    watch(work, alone, 75, 120);
    EXPECT_EQ(logits_after(other, prompt), first);

    Memory after = parent.fork(), expected = alone.fork();
    EXPECT_EQ(logits_after(after, prompt), logits_after(expected, prompt));
    EXPECT_EQ(parent.rows(), 120u);
    EXPECT_EQ(fork.rows(), 95u);
    EXPECT_EQ(fork.row_time_us(10), alone.row_time_us(10));
    EXPECT_EQ(fork.cache_rows(), config.cross_text ? 95u : 75u);
    if (config.cross_text) {
        EXPECT_EQ(fork.row_time_us(80), no_time);
    }
    EXPECT_NE(parent.row_time_us(80), no_time);
}

TEST_P(Decoders, forks_of_forks_read_what_each_of_them_read) {
    const std::vector<PromptRow> prompt = some_prompt(40, config.vocab_size);
    Memory straight(model, exact), video(model, exact);
    watch(work, straight, 0, 33);
    watch(work, video, 0, 33);
    const std::vector<float> expected = logits_after(straight, prompt);
    Memory first = video.fork();
    first.append_prompt(work, std::span(prompt).first(15), 0);
    Memory second = first.fork();
    first.append_prompt(work, std::span(prompt).first(9), 0);  // what happens to the first now is its own affair
    second.append_prompt(work, std::span(prompt).subspan(15, 20), 0);
    Memory third = second.fork();
    EXPECT_LT(difference(logits_after(third, std::span(prompt).subspan(35)), expected), rounding);
}

TEST_P(Decoders, rows_that_nobody_samples_change_no_logit_by_leaving_early) {
    // All rows through everything at once, against only the last ones.
    const std::vector<PromptRow> prompt = some_prompt(60, config.vocab_size);
    Memory all(model, exact), few(model, exact);
    watch(work, all, 0, 40);
    watch(work, few, 0, 40);
    const std::vector<float> every = logits_after(all, prompt, 60), last = logits_after(few, prompt, 3);
    EXPECT_LT(difference(last, std::span(every).last(last.size())), rounding);
    // And what comes later does not know the difference either.
    const std::vector<float> later_all = copied(all.append_text(work, 9)), later_few = copied(few.append_text(work, 9));
    EXPECT_LT(difference(later_all, later_few), rounding);
}

TEST_P(Decoders, a_page_boundary_anywhere_changes_nothing) {
    const std::vector<PromptRow> prompt = some_prompt(9, config.vocab_size);
    Memory whole(model, {.cache_type = DType::f32, .page_rows = 4096});
    watch(work, whole, 0, 64);
    const std::vector<float> expected = logits_after(whole, prompt);
    for (size_t page_rows : {1, 2, 31, 32, 63, 64, 65}) {
        Memory paged(model, {.cache_type = DType::f32, .page_rows = page_rows});
        watch(work, paged, 0, 64);
        EXPECT_LT(difference(logits_after(paged, prompt), expected), rounding) << "pages of " << page_rows;
    }
}

TEST_P(Decoders, an_f16_cache_stays_near_an_f32_one) {
    const std::vector<PromptRow> prompt = some_prompt(9, config.vocab_size);
    Memory fine(model, exact), coarse(model, {.cache_type = DType::f16, .page_rows = 16});
    watch(work, fine, 0, 100);
    watch(work, coarse, 0, 100);
    const float distance = difference(logits_after(fine, prompt), logits_after(coarse, prompt));
    EXPECT_LT(distance, 0.05f);
    EXPECT_GT(distance, 0.0f);
}

TEST_P(Decoders, threads_do_not_change_the_answer) {
    const std::vector<PromptRow> prompt = some_prompt(9, config.vocab_size);
    const Context many(4);
    Workspace wide(many, config, {.chunk_rows = 64, .sampled = 1});
    Memory one(model), four(model);
    watch(work, one, 0, 200);
    watch(wide, four, 0, 200);
    EXPECT_LT(difference(logits_after(one, prompt), copied(four.append_prompt(wide, prompt))), rounding);
}

INSTANTIATE_TEST_SUITE_P(Mixes, Decoders, testing::Range<size_t>(0, 5), mix_name);

}  // namespace

TEST(Decoder, a_sliding_window_forgets_what_is_outside_it) {
    Config config = small_config({LayerKind::sliding, LayerKind::sliding, LayerKind::cross});
    const auto model = Model::random(config, 3);
    const Context context(1);
    Workspace work(context, config);
    // Two sliding layers of 7 reach 12 rows back. Behind that, the self-decoder's output is the same.
    const auto last_keys = [&](size_t changed) {
        Memory memory(model, exact);
        SampleRows sample = sample_rows(config, 30);
        sample.features[changed * config.rows.feature_dim + 3] += 5.0f;
        memory.append(work, sample.matrix(config), sample.times_us);
        std::vector<KvPiece> pieces;
        memory.state().cache.add_pieces(pieces);
        const KvPiece& last = pieces.back();
        const float* keys = static_cast<const float*>(last.keys) + (last.rows - 1) * last.stride;
        return std::vector<float>(keys, keys + last.stride);
    };
    EXPECT_EQ(last_keys(29 - 13), last_keys(0));
    EXPECT_NE(last_keys(29 - 12), last_keys(0));
}

TEST(Decoder, asking_adds_nothing_to_a_cache_that_holds_the_video_only) {
    const Config config = all_mixes()[4];
    const auto model = Model::random(config, 3);
    const Context context(1);
    Workspace work(context, config);
    Memory memory(model, exact);
    watch(work, memory, 0, 24);
    Memory turn = memory.fork();
    turn.append_prompt(work, some_prompt(30, config.vocab_size));
    EXPECT_EQ(turn.rows(), 54u);
    EXPECT_EQ(turn.cache_rows(), 24u);
    EXPECT_EQ(turn.bytes().cache, memory.bytes().cache);
    EXPECT_EQ(turn.bytes().index, memory.bytes().index);
}

TEST(Decoder, a_sink_above_all_logits_takes_the_attention_away) {
    // Without a sink the video matters; with one, less and less, down to not at all. None is as good as -infinity.
    const Config config = all_mixes()[4];
    const Context context(1);
    Workspace work(context, config);
    const TemporaryFolder folder;
    const auto mass_with_sink = [&](float sink) {
        std::vector<NamedTensor> tensors = model_tensors(config);
        for (NamedTensor& tensor : tensors)
            if (tensor.name.ends_with("sink")) std::ranges::fill(tensor.values, sink);
        write_tensors(folder.path() / "m.safetensors", tensors);
        Memory memory(Model::load(config, folder.path() / "m.safetensors"), exact);
        watch(work, memory, 0, 24);
        std::vector<float> gathered(24);
        AttentionMass mass{.layers = 1, .rows = gathered, .sampled = 0};
        memory.append_prompt(work, some_prompt(5, config.vocab_size), 1, &mass);
        return std::accumulate(mass.rows.begin(), mass.rows.end(), 0.0f);
    };
    EXPECT_NEAR(mass_with_sink(-200), 1, 1e-5);
    EXPECT_LT(mass_with_sink(3), 0.99f);
    EXPECT_LT(mass_with_sink(5), mass_with_sink(3));
    EXPECT_NEAR(mass_with_sink(200), 0, 1e-5);
}

TEST(Decoder, state_is_constant_in_length_and_cache_linear) {
    for (const Config& config : all_mixes()) {
        const auto model = Model::random(config, 3);
        const Context context(1);
        Workspace work(context, config);
        Memory memory(model, exact);
        watch(work, memory, 0, 160);
        const MemoryBytes before = memory.bytes();
        watch(work, memory, 160, 320);
        const MemoryBytes after = memory.bytes();
        EXPECT_EQ(after.state, before.state);
        EXPECT_EQ(after.cache, 2 * before.cache);
        EXPECT_NEAR(double(after.index), 2.0 * double(before.index), 0.25 * double(before.index)) << "and room to grow";
    }
}

}  // namespace lv::test
