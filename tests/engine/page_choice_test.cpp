// Reading the best pages only: the right ones are chosen, and all of them are exactly as reading everything.
#include "engine/page_choice.h"

#include <algorithm>
#include <numeric>

#include "tests/engine/allocations.h"
#include "tests/engine/engine_support.h"

namespace lv::test {

namespace {

constexpr size_t dim = 8, page_rows = 4;

// A cache of one kv head whose keys are small, but for some that point along one axis.
Cache with_keys(size_t rows, const std::vector<std::pair<size_t, size_t>>& row_axis, DType type = DType::f16) {
    std::vector<float> keys(rows * dim), values(rows * dim);
    for (size_t i = 0; i < keys.size(); ++i) {
        keys[i] = 0.01f * float(i * 7 % 13);
        values[i] = float(i % 5);
    }
    for (auto [row, axis] : row_axis) keys[row * dim + axis] = 4;
    Cache cache({1, dim, page_rows, type});
    cache.append({keys.data(), rows, dim}, {values.data(), rows, dim});
    return cache;
}

// Two heads: the first looks along axis 0 ten times as hard as the second along axis 1.
std::vector<size_t> chosen(const Cache& cache, size_t top, float second = 1, uint64_t first_row = 1'000'000) {
    const Context context(1);
    std::vector<float> q(2 * dim);
    q[0] = 10;
    q[dim + 1] = second;
    AttentionInput input;
    input.heads = 2;
    input.kv_heads = 1;
    input.head_dim = dim;
    input.q = {q.data(), 1, 2 * dim};
    input.causal = false;
    CachePages pages;
    list_pages(cache, first_row, pages);
    std::vector<size_t> out;
    input.pieces = pages.pieces;
    for (const KvPiece& piece : choose_pieces(context, input, pages.codes, top, pages.choice).pieces)
        out.push_back(piece.first_row / page_rows);
    return out;
}

TEST(PageChoice, takes_the_page_that_each_head_looks_for_however_large_its_logits) {
    for (DType type : {DType::f32, DType::f16, DType::i8}) {
        const Cache cache = with_keys(41, {{9, 0}, {22, 1}}, type);  // pages 2 and 5; the newest is 10
        EXPECT_EQ(chosen(cache, 1, 0), (std::vector<size_t>{2, 10}));
        EXPECT_EQ(chosen(cache, 2, 2), (std::vector<size_t>{2, 5, 10})) << "though others bound head 0 higher";
        EXPECT_EQ(chosen(cache, 100).size(), 11u);
    }
}

TEST(PageChoice, never_leaves_out_the_newest_nor_what_the_row_itself_may_be_in) {
    const Cache full = with_keys(40, {{9, 0}});
    EXPECT_EQ(chosen(full, 1), (std::vector<size_t>{2, 9})) << "closed, but the newest";
    EXPECT_EQ(chosen(full, 1, 1, 30), (std::vector<size_t>{2, 7, 8, 9})) << "row 30 lies in page 7";
    EXPECT_EQ(chosen(with_keys(3, {}), 1), (std::vector<size_t>{0}));
    EXPECT_EQ(chosen(Cache({1, dim, page_rows, DType::f16}), 1), (std::vector<size_t>{}));
}

TEST(PageChoice, takes_the_newer_of_equal_pages) {
    std::vector<float> same(40 * dim, 0.5f);
    Cache cache({1, dim, page_rows, DType::f16});
    cache.append({same.data(), 40, dim}, {same.data(), 40, dim});
    EXPECT_EQ(chosen(cache, 2), (std::vector<size_t>{7, 8, 9}));
}

class Choosing : public testing::TestWithParam<size_t> {
   protected:
    const Config config = all_mixes()[GetParam()];
    const std::shared_ptr<const Model> model = Model::random(config, 3);
    const Context context{1};
    const std::vector<PromptRow> prompt = some_prompt(20, config.vocab_size);

    std::vector<float> logits(const Memory& memory, size_t top, size_t sampled = 1, AttentionMass* mass = nullptr) {
        Workspace work(context, config, {.chunk_rows = 64, .sampled = sampled, .top_pages = top});
        Memory turn = memory.fork();
        return copied(turn.append_prompt(work, prompt, sampled, mass));
    }
    Memory watched(DType type, size_t rows) {
        Workspace work(context, config);
        Memory memory(model, {.cache_type = type, .page_rows = 16});
        watch(work, memory, 0, rows);
        return memory;
    }
};

TEST_P(Choosing, as_many_pages_as_there_are_is_exact_bit_for_bit) {
    for (DType type : {DType::f32, DType::f16, DType::i8}) {
        const Memory memory = watched(type, 301);
        EXPECT_EQ(logits(memory, 20), logits(memory, 0));
        EXPECT_EQ(logits(memory, 1000, 3), logits(memory, 0, 3));
        if (config.has_cross()) {
            EXPECT_NE(logits(memory, 1), logits(memory, 0));
        } else {
            EXPECT_EQ(logits(memory, 1), logits(memory, 0)) << "a layer with a cache of its own reads all of it";
        }
    }
}

TEST_P(Choosing, more_pages_come_nearer_to_exact) {
    if (!config.has_cross()) GTEST_SKIP() << "nothing to choose";
    const Memory memory = watched(DType::f16, 900);
    const std::vector<float> all = logits(memory, 0);
    EXPECT_LT(difference(logits(memory, 50), all), difference(logits(memory, 2), all));
}

TEST_P(Choosing, mass_lies_on_the_chosen_pages_at_their_places_and_sums_to_the_same) {
    if (!config.has_cross()) GTEST_SKIP() << "nothing to choose";
    const Memory memory = watched(DType::i8, 300);
    const size_t rows = config.cross_text ? 320 : 300;
    std::vector<float> of_some(rows), of_all(rows);
    AttentionMass some{.layers = 1, .rows = of_some}, all{.layers = 1, .rows = of_all};
    logits(memory, 2, 1, &some);
    logits(memory, 0, 1, &all);
    size_t pages_read = 0;
    for (size_t first = 0; first < rows; first += 16) {
        const auto page = std::span(some.rows).subspan(first, std::min<size_t>(16, rows - first));
        const size_t read = size_t(std::ranges::count_if(page, [](float mass) { return mass > 0; }));
        EXPECT_TRUE(read == 0 || read == page.size()) << "page at " << first;
        pages_read += read > 0;
    }
    // The newest; with text in the cache, that and the page in which the sampled row stands are the same.
    EXPECT_EQ(pages_read, 3u);
    EXPECT_GT(some.rows.back(), 0);
    const float sum = std::accumulate(some.rows.begin(), some.rows.end(), 0.0f);
    if (!config.attention_sink) {
        EXPECT_NEAR(sum, 1, 1e-4);
    }
    EXPECT_LE(sum, 1 + 1e-4);
    EXPECT_GT(std::ranges::count_if(all.rows, [](float mass) { return mass > 0; }), 48);
}

TEST_P(Choosing, a_decode_step_after_the_first_allocates_nothing) {
    for (DType type : {DType::f16, DType::i8}) {
        Workspace work(context, config, {.chunk_rows = 64, .sampled = 1, .top_pages = 3});
        Memory turn = watched(type, 300).fork();
        turn.reserve_text(120);
        std::vector<float> gathered(500);
        AttentionMass mass{.layers = 2, .rows = gathered};
        turn.append_text(work, 9, &mass);
        const size_t before = allocations();
        for (size_t step = 0; step < 100; ++step) turn.append_text(work, 9, &mass);  // over several pages
        EXPECT_EQ(allocations(), before);
    }
}

INSTANTIATE_TEST_SUITE_P(Mixes, Choosing, testing::Range<size_t>(0, 5), mix_name);

}  // namespace
}  // namespace lv::test
