// Caches and windows of int8: within the bound that their rounding sets, and equal in everything else.
#include <cmath>
#include <random>

#include "tests/engine/engine_support.h"

namespace lv::test {

namespace {

std::vector<float> normal(size_t count, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> draw;
    std::vector<float> out(count);
    for (float& value : out) value = draw(random);
    return out;
}

TEST(Int8Cache, attention_stays_within_the_bound_of_the_rounding) {
    constexpr size_t kv_heads = 2, heads = 6, dim = 64, cols = kv_heads * dim;
    const Context context(1);
    for (size_t rows : {1, 40, 300}) {
        const std::vector<float> keys = normal(rows * cols, 1), values = normal(rows * cols, 2),
                                 q = normal(heads * dim, 3);
        const float scale = 1 / std::sqrt(float(dim));
        // A value is stored within half a step of its row and head; the step is the largest of these by 127.
        const auto half_step = [&](const std::vector<float>& x, size_t head) {
            float largest = 0;
            for (size_t row = 0; row < rows; ++row)
                for (size_t i = 0; i < dim; ++i) largest = std::max(largest, std::abs(x[row * cols + head * dim + i]));
            return double(largest) / 254;
        };
        const auto attended = [&](DType type) {
            Cache cache({kv_heads, dim, 32, type});
            cache.append({keys.data(), rows, cols}, {values.data(), rows, cols});
            std::vector<KvPiece> pieces;
            cache.add_pieces(pieces);
            AttentionInput input;
            input.heads = heads;
            input.kv_heads = kv_heads;
            input.head_dim = dim;
            input.q = {q.data(), 1, heads * dim};
            input.pieces = pieces;
            input.scale = scale;
            input.causal = false;
            std::vector<float> out(heads * dim);
            attend(context, input, {out.data(), 1, heads * dim});
            return out;
        };
        const std::vector<float> exact_out = attended(DType::f32), out = attended(DType::i8);
        for (size_t head = 0; head < heads; ++head) {
            double q_sum = 0, largest_value = 0;
            for (size_t i = 0; i < dim; ++i) q_sum += std::abs(q[head * dim + i]);
            for (float value : values) largest_value = std::max<double>(largest_value, std::abs(value));
            // Each logit moves by at most e, so each weight by a factor within exp(2 e); the values by half a step.
            const double e = q_sum * scale * half_step(keys, head / 3);
            const double bound = std::expm1(2 * e) * largest_value + half_step(values, head / 3) + 1e-5;
            for (size_t i = head * dim; i < (head + 1) * dim; ++i) EXPECT_LE(std::abs(out[i] - exact_out[i]), bound);
            // And far less than that on the whole: the errors of many values cancel.
            double squares = 0, sum = 0;
            for (size_t i = head * dim; i < (head + 1) * dim; ++i) {
                squares += std::pow(out[i] - exact_out[i], 2);
                sum += std::pow(exact_out[i], 2);
            }
            EXPECT_LT(std::sqrt(squares / sum), 0.03);
            EXPECT_GT(squares, 0) << "it is int8";
        }
    }
}

class Int8Memory : public testing::TestWithParam<size_t> {
   protected:
    const Config config = all_mixes()[GetParam()];
    const std::shared_ptr<const Model> model = Model::random(config, 3);
    const Context context{1};
    Workspace work{context, config, {.chunk_rows = 64, .sampled = 1}};
    const MemoryOptions int8{.cache_type = DType::i8, .page_rows = 16};
    const std::vector<PromptRow> prompt = some_prompt(20, config.vocab_size);

    std::vector<float> logits_after(Memory& memory) { return copied(memory.append_prompt(work, prompt)); }
    // What int8 costs against f32. Sums in another order may round a stored value to the next step, but seldom: what
    // must be equal is compared with a tenth of this.
    float cost_of_int8() {
        Memory coarse(model, int8), fine(model, exact);
        watch(work, coarse, 0, 290);
        watch(work, fine, 0, 290);
        const float cost = difference(logits_after(coarse), logits_after(fine));
        EXPECT_GT(cost, 1e-4f);
        EXPECT_LT(cost, 0.5f) << "logits are of size 5";
        return cost;
    }
};

TEST_P(Int8Memory, chunks_of_any_size_leave_the_same_memory) {
    const float near = cost_of_int8() / 10;
    Memory whole(model, int8);
    watch(work, whole, 0, 290);
    const std::vector<float> expected = logits_after(whole);
    for (size_t chunk : {1, 7, 256}) {
        Workspace other(context, config, {.chunk_rows = chunk, .sampled = 1});
        Memory memory(model, int8);
        watch(other, memory, 0, 290);
        EXPECT_LT(difference(logits_after(memory), expected), near) << "chunk of " << chunk;
    }
}

TEST_P(Int8Memory, prefill_then_decode_equals_prefill_of_one_row_more) {
    const float near = cost_of_int8() / 10;
    Memory whole(model, int8), stepped(model, int8);
    watch(work, whole, 0, 50);
    watch(work, stepped, 0, 50);
    stepped.append_prompt(work, std::span(prompt).first(19), 0);
    const std::vector<float> found = copied(stepped.append_text(work, prompt[19].id, nullptr, prompt[19].time_us));
    EXPECT_LT(difference(found, logits_after(whole)), near);
}

TEST_P(Int8Memory, a_fork_leaves_its_parent_bit_identical) {
    Memory alone(model, int8), parent(model, int8);
    watch(work, alone, 0, 75);
    watch(work, parent, 0, 75);
    Memory fork = parent.fork(), other = parent.fork();
    const std::vector<float> first = logits_after(fork);
    watch(work, parent, 75, 120);
    watch(work, alone, 75, 120);
    EXPECT_EQ(logits_after(other), first);
    EXPECT_EQ(logits_after(parent), logits_after(alone));
}

TEST_P(Int8Memory, takes_little_more_than_half_of_f16) {
    const size_t rows = 4096;
    const auto cache = [&](DType type) {
        Config wide = config;
        wide.attn_head_dim = 64;
        return reckon_memory(wide, rows, {.cache_type = type}).cache;
    };
    // A scale of 4 bytes beside 64 values, and 4-bit codes of the keys.
    EXPECT_LT(double(cache(DType::i8)), 0.6 * double(cache(DType::f16)));
}

INSTANTIATE_TEST_SUITE_P(Mixes, Int8Memory, testing::Range<size_t>(0, 5), mix_name);

}  // namespace
}  // namespace lv::test
