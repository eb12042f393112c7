// The last row about each kind, read once more at a question; tools/train/timeline.py lets the model learn from the
// same.
#include "engine/roll_call.h"

#include "engine/evidence.h"
#include "engine/memory_file.h"
#include "kernels/core/weight_file.h"
#include "tests/engine/engine_support.h"

namespace lv::test {

namespace {

struct Called {
    std::vector<float> values;
    std::vector<int64_t> times_us;
    explicit Called(const RollCall& roll) { roll.write(values, times_us); }
};

class RollCallRows : public testing::Test {
   protected:
    // A row about the k-th kind; none: about no kind.
    std::vector<float> row_of(std::optional<size_t> kind, float value) const {
        std::vector<float> row(layout.feature_dim);
        row[layout.is_object] = kind.has_value();
        row[0] = value;
        if (kind) row[layout.kind + *kind] = 1;
        return row;
    }
    void add(std::optional<size_t> kind, float value, int64_t time_us) {
        const std::vector<float> row = row_of(kind, value);
        roll.add({row.data(), 1, row.size()}, {&time_us, 1});
    }
    std::vector<float> marked(size_t kind, float value) const {
        std::vector<float> row = row_of(kind, value);
        row[layout.roll] = 1;
        return row;
    }

    const Config config = mini_config();
    const RowLayout layout = config.rows;
    RollCall roll{layout};
};

class RollCallOfAMemory : public testing::Test {
   protected:
    std::vector<float> asked(Memory& turn) {
        return copied(turn.append_prompt(work, some_prompt(9, config.vocab_size)));
    }

    const Config config = mini_config();
    const std::shared_ptr<const Model> model = Model::random(config, 3);
    const Context context{2};
    Workspace work{context, config, {.chunk_rows = 8, .sampled = 1}};  // less than there are kinds
    Memory memory{model, exact};
};

TEST_F(RollCallRows, of_each_kind_the_newest_row_is_kept_by_kind_and_marked) {
    add(7, 0.5f, 1), add(2, 0.25f, 1), add(std::nullopt, 9, 2), add(7, 0.75f, 3);
    const Called called(roll);
    EXPECT_EQ(roll.size(), 2u);
    EXPECT_EQ(called.times_us, (std::vector<int64_t>{1, 3}));
    std::vector<float> expected = marked(2, 0.25f);
    const std::vector<float> second = marked(7, 0.75f);
    expected.insert(expected.end(), second.begin(), second.end());
    EXPECT_EQ(called.values, expected);
}

TEST_F(RollCallRows, copies_part_ways) {
    add(1, 0.5f, 1);
    RollCall copy = roll;
    add(1, 0.75f, 2);
    EXPECT_EQ(Called(copy).times_us, std::vector<int64_t>{1});
    EXPECT_EQ(Called(roll).times_us, std::vector<int64_t>{2});
    EXPECT_EQ(roll.bytes(), RollCall(layout).bytes()) << "whatever has come";
    EXPECT_GT(roll.bytes(), layout.kinds * layout.feature_dim * sizeof(float));
}

TEST_F(RollCallRows, a_layout_without_one_keeps_nothing) {
    RollCall none{yoco_config().rows};
    const std::vector<float> row = row_of(1, 1);
    const int64_t time_us = 0;
    none.add({row.data(), 1, row.size()}, {&time_us, 1});
    EXPECT_EQ(none.size(), 0u);
    EXPECT_EQ(none.bytes(), 0u);
}

TEST_F(RollCallRows, the_trainer_calls_the_same_rows) {
    const WeightFile golden_rows = WeightFile::open(golden("token_rows.safetensors"));
    const size_t rows = golden_rows.get("row_times_us").shape[0], places = golden_rows.get("values").shape[0];
    const size_t called_rows = golden_rows.get("roll").shape[0];
    const auto place = golden_rows.values<int32_t>("places", {places, 2});
    const auto value = golden_rows.values<float>("values", {places});
    const auto times_us = golden_rows.values<int64_t>("row_times_us", {rows});
    const auto again = golden_rows.values<int32_t>("roll", {called_rows});
    // As tools/train/config.py writes it for mini.
    const RowLayout mini{.feature_dim = 1402, .roll = 146, .is_object = 1, .kind = 4, .kinds = 80};
    std::vector<float> values(rows * mini.feature_dim);
    for (size_t i = 0; i < places; ++i)
        values[static_cast<size_t>(place[2 * i]) * mini.feature_dim + static_cast<size_t>(place[2 * i + 1])] = value[i];
    RollCall of_all(mini);
    of_all.add({values.data(), rows, mini.feature_dim}, times_us);
    const Called called(of_all);
    ASSERT_EQ(called.times_us.size(), called_rows);
    for (size_t i = 0; i < called_rows; ++i) {
        const auto row = values.begin() + static_cast<ptrdiff_t>(static_cast<size_t>(again[i]) * mini.feature_dim);
        std::vector<float> expected(row, row + static_cast<ptrdiff_t>(mini.feature_dim));
        expected[mini.roll] = 1;
        const auto found = called.values.begin() + static_cast<ptrdiff_t>(i * mini.feature_dim);
        EXPECT_TRUE(std::equal(expected.begin(), expected.end(), found)) << "row " << i;
        EXPECT_EQ(called.times_us[i], times_us[static_cast<size_t>(again[i])]) << "row " << i;
    }
}

TEST_F(RollCallOfAMemory, a_fork_reads_it_as_rows_of_the_video_and_the_memory_stays_as_it_was) {
    watch(work, memory, 0, 600);
    const Called called(memory.contents().roll);
    ASSERT_GT(called.times_us.size(), work.options().chunk_rows);
    Memory before = memory.fork();
    const std::vector<float> unasked = asked(before);

    Memory turn = memory.fork(), by_hand = memory.fork();
    turn.call_roll(work);
    by_hand.append(work, {called.values.data(), called.times_us.size(), config.rows.feature_dim}, called.times_us);
    EXPECT_EQ(turn.rows(), memory.rows() + called.times_us.size());
    EXPECT_EQ(turn.last_time_us(), memory.last_time_us());
    EXPECT_EQ(asked(turn), asked(by_hand));

    Memory after = memory.fork();
    EXPECT_EQ(asked(after), unasked);
}

TEST_F(RollCallOfAMemory, it_is_saved_and_goes_on_after_a_load) {
    const TemporaryFolder folder;
    watch(work, memory, 0, 40);
    save_memory(memory, {}, folder / "day.lvm");
    Memory again = load_memory(context, model, folder / "day.lvm").memory;
    for (Memory* one : {&memory, &again}) watch(work, *one, 40, 50);
    const Called called(again.contents().roll);
    EXPECT_EQ(called.values, Called(memory.contents().roll).values);
    EXPECT_EQ(called.times_us, Called(memory.contents().roll).times_us);
}

TEST_F(RollCallOfAMemory, what_looks_at_it_looks_at_the_moment_that_it_tells) {
    watch(work, memory, 0, 60);
    Memory turn = memory.fork();
    turn.call_roll(work);
    const Called called(memory.contents().roll);
    const auto oldest = std::ranges::min_element(called.times_us);
    ASSERT_LT(*oldest, memory.last_time_us());
    std::vector<float> mass(turn.cache_rows());
    mass[memory.cache_rows() + static_cast<size_t>(oldest - called.times_us.begin())] = 1;
    const std::vector<Moment> moments = moments_of(turn, mass, 3);
    ASSERT_EQ(moments.size(), 1u);
    EXPECT_EQ(moments[0].start_us, *oldest);
    EXPECT_EQ(moments[0].end_us, *oldest + 1'000'000) << "until the next frame";
    EXPECT_FLOAT_EQ(moments[0].weight, 1);
}

TEST_F(RollCallOfAMemory, it_outlives_what_a_budget_forgets) {
    Memory small(model, {.cache_type = DType::f32, .page_rows = 16, .budget_bytes = memory.least_budget() + 40'000});
    watch(work, small, 0, 3000);
    watch(work, memory, 0, 3000);
    ASSERT_GT(small.forgotten().frames, 0);
    EXPECT_EQ(Called(small.contents().roll).values, Called(memory.contents().roll).values);
}

}  // namespace

}  // namespace lv::test
