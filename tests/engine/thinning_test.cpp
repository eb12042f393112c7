// A budget holds for ever, costs the old and the static first, and leaves everything else as it was.
#include "engine/thinning.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>

#include "tests/engine/engine_support.h"

namespace lv::test {

namespace {

MemoryOptions within(const std::shared_ptr<const Model>& model, DType type, size_t more = 0) {
    MemoryOptions options{.cache_type = type, .page_rows = 16};
    options.budget_bytes = Memory(model, options).least_budget() + more;
    return options;
}

// The bytes of the keys of each row, by the time of its frame.
std::map<int64_t, std::vector<std::vector<std::byte>>> keys_by_time(const Memory& memory) {
    std::map<int64_t, std::vector<std::vector<std::byte>>> out;
    std::vector<KvPiece> pieces;
    memory.state().cache.add_pieces(pieces);
    size_t at = 0;
    for (const KvPiece& piece : pieces)
        for (size_t row = 0; row < piece.rows; ++row) {
            const size_t bytes = piece.stride * dtype_bytes(piece.dtype);
            const auto* from = static_cast<const std::byte*>(piece.keys) + row * bytes;
            out[memory.row_time_us(at++)].emplace_back(from, from + bytes);
        }
    return out;
}

class Thinning : public testing::TestWithParam<size_t> {
   protected:
    const Config config = all_mixes()[GetParam()];
    const std::shared_ptr<const Model> model = Model::random(config, 3);
    const Context context{1};
    Workspace work{context, config, {.chunk_rows = 64, .sampled = 20}};
    const std::vector<PromptRow> prompt = some_prompt(20, config.vocab_size);

    std::vector<float> logits(const Memory& memory, size_t sampled = 1) {
        return copied(memory.fork().append_prompt(work, prompt, sampled));
    }
};

TEST_P(Thinning, a_budget_holds_however_much_is_read_and_however_it_comes) {
    for (DType type : {DType::f32, DType::f16, DType::i8})
        for (size_t at_once : {5, 64, 333}) {
            const MemoryOptions options = within(model, type, 5'000);
            Memory memory(model, options);
            for (size_t rows = 0; rows < 4000; rows += at_once) {
                watch(work, memory, rows, rows + at_once);
                ASSERT_LE(memory.bytes().total(), options.budget_bytes);
                ASSERT_EQ(memory.cache_rows() + memory.forgotten().rows, memory.rows());
                ASSERT_EQ(memory.state().cache.rows(), config.has_cross() ? memory.cache_rows() : 0);
            }
            EXPECT_GT(memory.bytes().total(), options.budget_bytes * 7 / 10) << "nor is it wasted";
            EXPECT_GT(memory.forgotten().frames, 0);
            EXPECT_LE(size_t(memory.forgotten().frames) * 5, memory.forgotten().rows);
            EXPECT_LT(memory.forgotten().last_us, memory.last_time_us());
        }
}

TEST_P(Thinning, what_stays_keeps_its_times_and_keys_and_comes_in_order) {
    if (config.count(LayerKind::full) > 0) GTEST_SKIP() << "what a full layer forgot changes the rows that follow";
    const MemoryOptions options = within(model, DType::f16);
    Memory memory(model, options), all(model, {.cache_type = DType::f16, .page_rows = 16});
    watch(work, memory, 0, 3000);
    watch(work, all, 0, 3000);
    const auto some = keys_by_time(memory), whole = keys_by_time(all);
    EXPECT_LT(some.size(), whole.size());
    EXPECT_EQ(whole.size(), some.size() + size_t(memory.forgotten().frames));
    for (const auto& [time_us, keys] : some) EXPECT_EQ(keys, whole.at(time_us)) << "frames stay whole";
    EXPECT_TRUE(some.contains(0)) << "the first frame stays";
    for (size_t row = 1; row < memory.cache_rows(); ++row)
        ASSERT_LE(memory.row_time_us(row - 1), memory.row_time_us(row));
    // The newest quarter of the pages beside the state.
    const size_t pages = (options.budget_bytes - memory.bytes().state) / 4 / memory.state().cache.shape().page_bytes();
    const size_t stays = pages * 16 - 16;
    for (size_t row = 3000 - stays; row < 3000; ++row) ASSERT_TRUE(some.contains(int64_t(row / 5) * 1'000'000));
}

TEST_P(Thinning, forms_agree_after_it_and_forks_keep_what_they_had) {
    Memory memory(model, within(model, DType::f32));
    watch(work, memory, 0, 500);
    const Memory before = memory.fork();
    const std::vector<float> expected = logits(before);
    watch(work, memory, 500, 3000);
    ASSERT_GT(memory.forgotten().rows, 0u);
    EXPECT_EQ(before.forgotten().rows, 0u);
    EXPECT_EQ(logits(before), expected);

    Memory whole = memory.fork(), stepped = memory.fork();
    const std::vector<float> last = copied(whole.append_prompt(work, prompt));
    const std::vector<float> every = logits(memory, 20);
    EXPECT_LT(difference(std::span(every).last(last.size()), last), 2e-4f);
    stepped.append_prompt(work, std::span(prompt).first(19), 0);
    EXPECT_LT(difference(copied(stepped.append_text(work, prompt[19].id, nullptr, prompt[19].time_us)), last), 2e-4f);
}

TEST_P(Thinning, a_fork_may_forget_by_itself) {
    const MemoryOptions free{.cache_type = DType::f16, .page_rows = 16};
    Memory memory(model, free);
    watch(work, memory, 0, 2005);
    const std::vector<float> expected = logits(memory);
    const size_t bytes = memory.bytes().total();
    Memory fork = memory.fork();
    const size_t freed = fork.thin(fork.least_budget());
    EXPECT_EQ(fork.bytes().total() + freed, bytes);
    EXPECT_LE(fork.bytes().total(), fork.least_budget());
    watch(work, fork, 2005, 2105);  // into its own last page
    EXPECT_EQ(logits(memory), expected);
    EXPECT_EQ(fork.thin(1'000'000'000), 0u);
}

TEST_P(Thinning, mass_counts_the_rows_that_are_left) {
    Memory memory(model, within(model, DType::f16));
    watch(work, memory, 0, 3000);
    Memory turn = memory.fork();
    std::vector<float> gathered(memory.cache_rows() + 20);
    AttentionMass mass{.layers = 1, .rows = gathered};
    turn.append_prompt(work, prompt, 1, &mass);
    EXPECT_GT(mass.rows[0], 0);
    const float sum = std::accumulate(mass.rows.begin(), mass.rows.end(), 0.0f);
    EXPECT_LE(sum, 1 + 1e-4);
    EXPECT_GT(sum, config.attention_sink ? 0.1 : 1 - 1e-4);
    EXPECT_EQ(mass.rows[turn.cache_rows() - 1] > 0, true);
}

TEST_P(Thinning, a_budget_below_the_state_is_refused_with_the_sum) {
    const size_t least = Memory(model, exact).least_budget();
    EXPECT_TRUE(says(error_of([&] {
                         Memory(model, {DType::f32, 16, least - 1});
                     }),
                     "give it at least " + std::to_string(least) + " bytes"));
    EXPECT_NO_THROW(Memory(model, {DType::f32, 16, least}));
}

// Not a share of the state, which cannot be forgotten.
TEST(Budget, the_least_is_enough_for_ever_beside_a_large_state) {
    Config config = yoco_config();
    config.dim = 256;
    config.n_self_heads = 1;
    const auto model = Model::random(config, 3);
    MemoryOptions options{.cache_type = DType::i8};
    options.budget_bytes = Memory(model, options).least_budget();
    const Context context{1};
    Workspace work{context, config, {.chunk_rows = 256, .sampled = 1}};
    Memory memory(model, options);
    ASSERT_GT(memory.bytes().state, 25 * memory.state().cache.shape().page_bytes());
    for (size_t rows = 0; rows < 12'000; rows += 200) {
        watch(work, memory, rows, rows + 200);
        ASSERT_LE(memory.bytes().total(), options.budget_bytes);
    }
    EXPECT_GT(memory.forgotten().rows, 0u);
}

INSTANTIATE_TEST_SUITE_P(Mixes, Thinning, testing::Range<size_t>(0, 5), mix_name);

// Rows of one frame each; the change of each is given.
struct Made {
    Cache cache{{1, 4, 8, DType::f32}};
    FrameIndex frames{RowLayout{.feature_dim = 1}};

    explicit Made(const std::vector<float>& changes, uint32_t rows = 2) {
        PrefixList<FrameMark> marks;
        for (float change : changes) {
            marks.push_back({rows, change});
            const std::vector<float> row(rows * 4, float(marks.size() - 1));
            cache.append({row.data(), rows, 4}, {row.data(), rows, 4});
        }
        frames = FrameIndex({.feature_dim = 1}, std::move(marks), {.sum = {0}, .before = {0}});
    }
    // How many frames stay of [first, last).
    size_t left(const Thinned& plan, size_t first, size_t last, uint32_t rows = 2) const {
        size_t count = 0;
        for (const RowRun& run : plan.rows) count += run.first / rows >= first && run.first / rows < last;
        return count;
    }
};

TEST(PlanThinning, takes_static_stretches_first_and_of_equal_ones_the_older) {
    std::vector<float> changes(400, 0.5f);
    std::fill(changes.begin() + 200, changes.begin() + 300, 0.0f);
    const Made made(changes);
    const Thinned some = plan_thinning(made.cache, made.frames, 10, 90);
    EXPECT_EQ(some.pages_gone, 10u);
    EXPECT_EQ(made.left(some, 0, 200), 200u);
    EXPECT_EQ(made.left(some, 200, 300), 60u) << "four frames a page";
    EXPECT_EQ(made.left(some, 300, 400), 100u);

    const Made even(std::vector<float>(400, 0.5f));
    const Thinned half = plan_thinning(even.cache, even.frames, 45, 90);
    EXPECT_EQ(half.pages_gone, 45u);
    EXPECT_LT(even.left(half, 0, 120), even.left(half, 120, 240));
    EXPECT_LT(even.left(half, 120, 240), even.left(half, 240, 360));
    EXPECT_EQ(even.left(half, 360, 400), 40u) << "protected";
    EXPECT_EQ(plan_thinning(even.cache, even.frames, 1000, 90).pages_gone, 89u);
    EXPECT_EQ(plan_thinning(even.cache, even.frames, 1, 1).pages_gone, 0u);
}

TEST(PlanThinning, keeps_the_frame_that_brought_the_change_and_hands_its_change_on) {
    //                     page 0                    page 1
    const Made made({2, 0.1f, 0.1f, 0.9f, 0.0f, 0.3f, 0.0f, 0.8f, 1, 1, 1, 1});
    const Thinned plan = plan_thinning(made.cache, made.frames, 1, 2);
    ASSERT_EQ(plan.pages.size(), 2u);
    std::vector<size_t> stay;
    for (const RowRun& run : plan.pages[0].runs) stay.push_back(run.first / 2);
    EXPECT_EQ(stay, (std::vector<size_t>{0, 3, 5, 7}));
    EXPECT_TRUE(plan.pages[1].runs.empty());
    EXPECT_EQ(plan.frames_gone, 4u);
    double before = 0, after = 0;
    for (float change : {2.0f, 0.1f, 0.1f, 0.9f, 0.0f, 0.3f, 0.0f, 0.8f}) before += change;
    for (size_t frame = 0; frame < 4; ++frame) after += plan.marks[frame].change;
    EXPECT_NEAR(after, before + 4 * 0.01, 1e-5) << "and what the time of those that went was worth";
}

TEST(PlanThinning, frames_larger_than_a_page_go_by_pages) {
    const Made made(std::vector<float>(6, 0.5f), 20);
    const Thinned plan = plan_thinning(made.cache, made.frames, 5, 12);
    EXPECT_EQ(plan.pages_gone, 5u);
    size_t rows = 0, marked = 0;
    for (const RowRun& run : plan.rows) rows += run.rows;
    for (size_t frame = 0; frame < plan.marks.size(); ++frame) marked += plan.marks[frame].rows;
    EXPECT_EQ(rows, marked + plan.open_rows);
    EXPECT_EQ(rows + std::accumulate(plan.gone.begin(), plan.gone.end(), size_t{0},
                                     [](size_t sum, const RowRun& run) { return sum + run.rows; }),
              120u);
}

TEST(PlanThinning, a_cache_keeps_exactly_the_rows_of_the_plan) {
    for (DType type : {DType::f32, DType::f16, DType::i8}) {
        Cache cache({1, 4, 8, type});
        for (size_t row = 0; row < 45; ++row) {
            const std::vector<float> values(4, float(row));
            cache.append({values.data(), 1, 4}, {values.data(), 1, 4});
        }
        const Cache copy = cache;
        const std::vector<KeptPage> pages{{0, {{0, 2}, {5, 6}}}, {2, {}}, {3, {{30, 3}}}, {5, {}}};
        cache.keep(pages);
        ASSERT_EQ(cache.pages(), 4u);
        EXPECT_EQ(cache.rows(), 8u + 8 + 3 + 5);
        EXPECT_EQ(cache.dropped(), 45 - cache.rows());
        const std::vector<float> more(4, 99.0f);
        cache.append({more.data(), 1, 4}, {more.data(), 1, 4});
        std::vector<float> found;
        for (size_t page = 0; page < cache.pages(); ++page) {
            const CachePage one = cache.page(page);
            for (size_t row = 0; row < one.piece.rows; ++row) {
                const size_t at = row * 4;
                float value = type == DType::f32   ? static_cast<const float*>(one.piece.keys)[at]
                              : type == DType::f16 ? to_float(static_cast<const Half*>(one.piece.keys)[at])
                                                   : float(static_cast<const int8_t*>(one.piece.values)[at]) *
                                                         one.piece.value_scales[row];
                found.push_back(std::round(value));
            }
        }
        std::vector<float> expected{0,  1,  5,  6,  7,  8,  9,  10, 16, 17, 18, 19, 20,
                                    21, 22, 23, 30, 31, 32, 40, 41, 42, 43, 44, 99};
        EXPECT_EQ(found, expected);
        const auto* ends = reinterpret_cast<const Half*>(cache.page(2).codes.data());  // least [4], step [4]
        EXPECT_NEAR(to_float(ends[0]), 30, 0.3) << "a short page has its own codes";
        EXPECT_NEAR(to_float(ends[0]) + 15 * to_float(ends[4]), 32, 0.3);
        EXPECT_EQ(copy.rows(), 45u);
    }
}

}  // namespace
}  // namespace lv::test
