// A memory taken apart and made again, as saving and loading do, goes on bit for bit.
#include <cstring>

#include "tests/engine/engine_support.h"

namespace lv::test {

namespace {

// The pages of a cache as blocks at places of their own, as a mapped file holds them.
class Copied {
   public:
    Cache cache(const Cache& from) {
        std::vector<GivenPage> given;
        for (size_t index = 0; index < from.pages(); ++index) {
            auto block = std::make_shared<Buffer>(from.shape().page_bytes());
            from.copy_page(index, {block->data(), block->bytes()});
            const CachePage page = from.page(index);
            if (!page.block.empty()) {
                EXPECT_EQ(std::memcmp(block->data(), page.block.data(), block->bytes()), 0) << "page " << index;
            }
            given.push_back({{block->data(), block->bytes()}, page.piece.rows, block});
        }
        return Cache(from.shape(), given, from.dropped());
    }
};

template <typename T>
PrefixList<T> copied_list(const PrefixList<T>& from) {
    PrefixList<T> out;
    for (size_t i = 0; i < from.size(); ++i) out.push_back(from[i]);
    return out;
}

// Every part through its public doors only.
Memory made_again(const Memory& memory) {
    const MemoryContents& from = memory.contents();
    const MemoryOptions& options = memory.options();
    const Config& config = memory.model().config();
    State state(config, options.cache_type, options.page_rows);
    Copied copied;
    for (size_t layer = 0; layer < state.layers.size(); ++layer) {
        LayerState& to = state.layers[layer];
        const LayerState& source = from.state.layers[layer];
        to.retention = source.retention;
        if (source.window.bytes() > 0) to.window.restore(source.window.piece());
        if (source.cache.shape().kv_heads > 0) to.cache = copied.cache(source.cache);
    }
    if (config.has_cross()) state.cache = copied.cache(from.state.cache);
    state.rows = from.state.rows;
    return Memory(memory.shared_model(), options,
                  {.state = std::move(state),
                   .times = copied_list(from.times),
                   .frames = FrameIndex(config.rows, copied_list(from.frames.marks()), from.frames.open()),
                   .roll = from.roll,
                   .videos = from.videos,
                   .forgotten = from.forgotten,
                   .last_time_us = from.last_time_us});
}

class Contents : public testing::TestWithParam<size_t> {
   protected:
    const Config config = all_mixes()[GetParam()];
    const std::shared_ptr<const Model> model = Model::random(config, 3);
    const Context context{1};
    Workspace work{context, config, {.chunk_rows = 64, .sampled = 1}};
};

TEST_P(Contents, a_thinned_memory_made_again_goes_on_thinning_bit_for_bit) {
    MemoryOptions options{.cache_type = DType::i8, .page_rows = 16};
    options.budget_bytes = Memory(model, options).least_budget() + 10'000;
    Memory memory(model, options);
    watch(work, memory, 0, 2000);
    ASSERT_GT(memory.forgotten().rows, 0u);
    Memory again = made_again(memory);
    EXPECT_EQ(again.bytes().total(), memory.bytes().total());
    for (Memory* each : {&memory, &again}) watch(work, *each, 2000, 3000);
    EXPECT_EQ(again.forgotten().rows, memory.forgotten().rows);
    const std::vector<PromptRow> prompt = some_prompt(9, config.vocab_size);
    EXPECT_EQ(copied(memory.fork().append_prompt(work, prompt)), copied(again.fork().append_prompt(work, prompt)));
    ASSERT_EQ(again.cache_rows(), memory.cache_rows());
    for (size_t row = 0; row < memory.cache_rows(); ++row) ASSERT_EQ(again.row_time_us(row), memory.row_time_us(row));
}

TEST_P(Contents, a_memory_made_again_goes_on_bit_for_bit) {
    const std::vector<PromptRow> prompt = some_prompt(9, config.vocab_size);
    for (DType type : {DType::f32, DType::f16, DType::i8})
        for (size_t rows : {0, 37, 64, 301}) {
            Memory memory(model, {.cache_type = type, .page_rows = 16});
            memory.begin_video("one");
            if (rows > 0) watch(work, memory, 0, rows);
            Memory again = made_again(memory);
            EXPECT_EQ(again.bytes().total(), memory.bytes().total());
            for (Memory* each : {&memory, &again}) {
                each->begin_video("two");
                watch(work, *each, rows, rows + 90);
            }
            Memory turn = memory.fork(), turn_again = again.fork();
            EXPECT_EQ(copied(turn.append_prompt(work, prompt)), copied(turn_again.append_prompt(work, prompt)));
            ASSERT_EQ(again.cache_rows(), memory.cache_rows());
            for (size_t row = 0; row < memory.cache_rows(); ++row)
                ASSERT_EQ(again.row_time_us(row), memory.row_time_us(row));
            ASSERT_EQ(again.contents().frames.marks().size(), memory.contents().frames.marks().size());
            for (size_t frame = 0; frame < memory.contents().frames.marks().size(); ++frame)
                ASSERT_EQ(again.contents().frames.marks()[frame].change,
                          memory.contents().frames.marks()[frame].change);
            EXPECT_EQ(again.last_time_us(), memory.last_time_us());
            ASSERT_EQ(again.videos().size(), rows > 0 ? 2u : 1u) << "a video of no row is none";
            EXPECT_EQ(again.videos().back().name, "two");
            EXPECT_EQ(again.videos().back().first_us, int64_t((rows + 4) / 5) * 1'000'000);
        }
}

INSTANTIATE_TEST_SUITE_P(Mixes, Contents, testing::Range<size_t>(0, 5), mix_name);

}  // namespace

TEST(MemoryContents, what_does_not_fit_is_refused_with_a_sentence) {
    const Config config = yoco_config();
    const auto model = Model::random(config, 1);
    const Context context(1);
    Workspace work(context, config);
    Memory memory(model, exact);
    watch(work, memory, 0, 20);
    const auto contents = [&](const Config& of) {
        return MemoryContents{.state = State(of, DType::f32, 16),
                              .times = {},
                              .frames = FrameIndex(of.rows),
                              .roll = RollCall(of.rows),
                              .videos = nullptr,
                              .forgotten = {},
                              .last_time_us = 0};
    };
    EXPECT_TRUE(
        says(error_of([&] { Memory(model, exact, contents(transformer_config())); }), "its state has 3 layers"));
    EXPECT_TRUE(says(error_of([&] { Memory(model, {.cache_type = DType::f16}, contents(config)); }), "does not fit"));
    MemoryContents odd = contents(config);
    odd.times.push_back(5);
    EXPECT_TRUE(
        says(error_of([&] { Memory(model, exact, std::move(odd)); }), "its frames have 0 rows and its index 1"));
    EXPECT_TRUE(says(error_of([&] { Memory(model, {.cache_type = DType::bf16}); }), "expected F16, F32 or I8"));

    const CacheShape shape{.kv_heads = 1, .head_dim = 4, .page_rows = 8, .type = DType::f32};
    const Buffer block(shape.page_bytes());
    const GivenPage empty{{block.data(), block.bytes()}, 0, nullptr}, small{{block.data(), 10}, 3, nullptr};
    EXPECT_TRUE(says(error_of([&] { Cache(shape, {&empty, 1}); }), "0 rows"));
    EXPECT_TRUE(says(error_of([&] { Cache(shape, {&small, 1}); }), "10 bytes"));
    Window window(7, 1, 4, DType::f16), other(7, 1, 4, DType::f32);
    EXPECT_TRUE(says(error_of([&] { window.restore(other.piece()); }), "Restoring a window"));
}

TEST(FrameIndex, a_frame_that_shows_the_same_has_no_change_whatever_its_time_and_order) {
    const RowLayout layout{.feature_dim = 8, .is_time = 0, .fourier_first = 2, .fourier_count = 1};
    FrameIndex index(layout);
    const auto add = [&](int64_t time_us, std::vector<std::vector<float>> rows) {
        for (const std::vector<float>& row : rows) index.add({row.data(), 1, 8}, {&time_us, 1});
    };
    const std::vector<float> a{0, 0, 0.1f, 0.2f, 1, 0, 0, 0}, b{0, 0, 0.1f, 0.2f, 0, 1, 2, 0};
    std::vector<float> a_later = a, b_later = b;
    a_later[2] = b_later[3] = 0.9f;  // another time
    add(10, {a, b});
    add(20, {b_later, a_later});
    add(30, {a});
    add(40, {a});
    ASSERT_EQ(index.marks().size(), 3u) << "the last frame may still grow";
    EXPECT_EQ(index.marks()[0].change, 2.0f);
    EXPECT_EQ(index.marks()[1].change, 0.0f);
    EXPECT_EQ(index.marks()[1].rows, 2u);
    EXPECT_FLOAT_EQ(index.marks()[2].change, 5.0f / 7.0f);
    index.add_text(2);
    ASSERT_EQ(index.marks().size(), 6u);
    EXPECT_EQ(index.marks()[3].change, 0.0f);
    EXPECT_EQ(index.marks()[4].change, 2.0f);
    EXPECT_EQ(index.open().rows, 0u);
}

}  // namespace lv::test
