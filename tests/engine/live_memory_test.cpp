// Two askers while a writer appends: forks are consistent prefixes, also of a memory that forgets, in int8, read by its
// best pages. Run it under -DLV_SANITIZE=thread too.
#include "engine/live_memory.h"

#include <cstdint>
#include <exception>
#include <thread>

#include "tests/engine/allocations.h"
#include "tests/engine/engine_support.h"

namespace lv::test {

namespace {

constexpr size_t video_rows = 1600, chunk = 16;

// Logits after each prefix that a reader can see, from a memory nobody else touches.
std::vector<std::vector<float>> expected_logits(const std::shared_ptr<const Model>& model, const Context& context,
                                                std::span<const PromptRow> prompt, const MemoryOptions& options,
                                                const WorkspaceOptions& hands) {
    Workspace work(context, model->config(), hands);
    std::vector<std::vector<float>> out;
    Memory memory(model, options);
    for (size_t rows = 0; rows <= video_rows; rows += chunk) {
        Memory fork = memory.fork();
        out.push_back(copied(fork.append_prompt(work, prompt)));
        if (rows < video_rows) watch(work, memory, rows, rows + chunk);
    }
    return out;
}

void ask_while_watching(const Config& config, MemoryOptions options = exact, size_t top_pages = 0) {
    const auto model = Model::random(config, 4);
    const Context context(2);
    const std::vector<PromptRow> prompt = some_prompt(9, config.vocab_size);
    if (options.budget_bytes > 0)
        options.budget_bytes += Memory(model, {options.cache_type, options.page_rows}).least_budget();
    const WorkspaceOptions hands{.chunk_rows = chunk, .sampled = 1, .top_pages = top_pages};
    const std::vector<std::vector<float>> expected = expected_logits(model, context, prompt, options, hands);

    LiveMemory live{Memory(model, options)};
    std::jthread writer([&] {
        Workspace work(context, config, {.chunk_rows = chunk, .sampled = 1});
        const SampleRows sample = sample_rows(config, video_rows);
        live.begin_video("one");
        EXPECT_EQ(live.append(work, sample.matrix(config), sample.times_us), video_rows);
    });
    const auto asker = [&] {
        Workspace work(context, config, hands);
        for (size_t seen = 0; seen < video_rows;) {
            Memory turn = live.fork();
            EXPECT_GE(turn.rows(), seen) << "never back in time";
            seen = turn.rows();
            ASSERT_EQ(seen % chunk, 0u);
            ASSERT_EQ(turn.cache_rows() + turn.forgotten().rows, seen);
            if (seen > 0) {
                EXPECT_EQ(turn.row_time_us(turn.cache_rows() - 1), int64_t((seen - 1) / 5) * 1'000'000);
                EXPECT_EQ(turn.videos().size(), 1u);
            }
            for (size_t row = 1; row < turn.cache_rows(); ++row)
                ASSERT_LE(turn.row_time_us(row - 1), turn.row_time_us(row));
            EXPECT_LT(difference(copied(turn.append_prompt(work, prompt)), expected[seen / chunk]), 1e-4f);
        }
    };
    std::jthread first(asker), second(asker);
    first.join();
    second.join();
    EXPECT_EQ(live.rows(), video_rows);
    EXPECT_EQ(live.bytes().cache, live.written().bytes().cache);
    EXPECT_EQ(live.last_time_us(), int64_t((video_rows - 1) / 5) * 1'000'000);
    EXPECT_EQ(live.forgotten().rows > 0, options.budget_bytes > 0);
    if (options.budget_bytes > 0) {
        EXPECT_LE(live.bytes().total(), options.budget_bytes);
    }
}

}  // namespace

TEST(LiveMemory, two_askers_see_consistent_prefixes_of_a_yoco) { ask_while_watching(yoco_config()); }

TEST(LiveMemory, two_askers_see_consistent_prefixes_of_a_mix) { ask_while_watching(all_mixes()[3]); }

TEST(LiveMemory, two_askers_see_consistent_prefixes_of_the_default_mix) { ask_while_watching(all_mixes()[4]); }

TEST(LiveMemory, two_askers_see_a_memory_forget_in_int8_by_its_best_pages) {
    const MemoryOptions options{.cache_type = DType::i8, .page_rows = 4, .budget_bytes = 4'000};
    ask_while_watching(all_mixes()[4], options, 5);
    ask_while_watching(yoco_config(), options, 5);
}

TEST(LiveMemory, two_askers_see_a_transformer_forget) {
    ask_while_watching(transformer_config(), {.cache_type = DType::f16, .page_rows = 4, .budget_bytes = 4'000});
}

TEST(LiveMemory, questions_share_one_roll_call_until_the_memory_changes) {
    const Config config = mini_config();
    const Context context(2);
    const auto model = Model::random(config, 3);
    const std::vector<PromptRow> prompt = some_prompt(9, config.vocab_size);
    Workspace work(context, config, {.chunk_rows = chunk, .sampled = 1});
    LiveMemory live{Memory(model, exact)};
    const SampleRows sample = sample_rows(config, 80);
    const auto read = [&](size_t first, size_t count) {
        live.append(work, sample.matrix(config).slice(first, count), std::span(sample.times_us).subspan(first, count));
    };
    const auto logits_of = [&](Memory turn) { return copied(turn.append_prompt(work, prompt)); };
    const auto by_hand = [&] {
        Memory turn = live.fork();
        turn.call_roll(work);
        return logits_of(std::move(turn));
    };

    read(0, 60);
    std::shared_ptr<const Memory> asked = live.asked(work);
    EXPECT_TRUE(asked->roll_called());
    EXPECT_EQ(logits_of(asked->fork()), by_hand());
    EXPECT_EQ(live.asked(work), asked);

    const std::weak_ptr<const Memory> before = asked;
    asked.reset();
    read(60, 20);
    EXPECT_TRUE(before.expired()) << "it would hold pages that a budget has forgotten";
    EXPECT_EQ(logits_of(live.asked(work)->fork()), by_hand());
}

// Wherever memory runs out while rows are read, or while a question about them is: nothing of the chunk has been read,
// the same hands read it when it is given again, and what is told then is what would have been told.
TEST(LiveMemory, out_of_memory_anywhere_loses_nothing) {
    for (const Config& config : {mini_config(), all_mixes()[3], transformer_config()}) {
        const Context context(1);
        const auto model = Model::random(config, 3);
        const std::vector<PromptRow> prompt = some_prompt(9, config.vocab_size);
        const SampleRows sample = sample_rows(config, 3 * chunk);
        const MemoryOptions options{.cache_type = DType::f16, .page_rows = 4};
        Workspace work(context, config, {.chunk_rows = chunk, .sampled = 1});
        const auto read = [&](LiveMemory& live, size_t first, size_t count) {
            live.append(work, sample.matrix(config).slice(first, count),
                        std::span(sample.times_us).subspan(first, count));
        };
        const auto ask = [&](LiveMemory& live) {
            Memory turn = live.asked(work)->fork();
            return copied(turn.append_prompt(work, prompt));
        };
        LiveMemory plain{Memory(model, options)}, live{Memory(model, options)};
        read(plain, 0, 2 * chunk);
        read(live, 0, 2 * chunk);
        plain.begin_video("two");
        live.begin_video("two");
        read(plain, 2 * chunk, chunk);

        // How often `action` fails before no allocation of it is left to fail.
        const auto failures = [&](const auto& action) {
            for (size_t later = 0;; ++later) {
                const FailingAllocation failing(later);
                try {
                    action();
                } catch (const std::exception&) {
                    EXPECT_TRUE(failing.happened());
                }
                if (!failing.happened()) return later;
                EXPECT_EQ(work.arena().used_bytes(), 0u) << "after allocation " << later;
                if (live.rows() != 2 * chunk) return later;
            }
        };
        EXPECT_GT(failures([&] { ask(live); }), 5u);
        EXPECT_GT(failures([&] { read(live, 2 * chunk, chunk); }), 5u);
        EXPECT_EQ(live.rows(), 3 * chunk);
        EXPECT_EQ(live.written().rows(), 3 * chunk);
        EXPECT_EQ(live.written().videos().size(), 1u);
        EXPECT_EQ(live.last_time_us(), plain.last_time_us());
        EXPECT_EQ(ask(live), ask(plain));
    }
}

TEST(LiveMemory, appending_stops_when_asked_to) {
    const Config config = yoco_config();
    const Context context(1);
    Workspace work(context, config, {.chunk_rows = chunk, .sampled = 1});
    LiveMemory live{Memory(Model::random(config, 1))};
    std::stop_source stop;
    stop.request_stop();
    const SampleRows sample = sample_rows(config, 40);
    EXPECT_EQ(live.append(work, sample.matrix(config), sample.times_us, stop.get_token()), 0u);
    EXPECT_EQ(live.rows(), 0u);
}

}  // namespace lv::test
