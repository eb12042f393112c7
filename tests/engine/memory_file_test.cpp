// Saving and loading: a memory goes on bit for bit, wherever and over whatever it was saved.
#include "engine/memory_file.h"

#include <thread>

#include "tests/engine/engine_support.h"

namespace lv::test {

namespace {

namespace fs = std::filesystem;

// Some notes, one of them empty.
SavedNotes some_notes() {
    SavedNotes notes;
    for (int i = 0; i < 1000; ++i) notes.parts["encoder"].push_back(std::byte(i * 7));
    notes.parts["seen"] = {};
    return notes;
}

class MemoryFile : public testing::TestWithParam<size_t> {
   protected:
    // Equal bytes in files are equal states, windows, caches, times and marks.
    std::string saved(const Memory& memory) {
        const fs::path path = folder / "compared.lvm";
        save_memory(memory, {}, path);
        return read_text(path);
    }
    std::vector<float> asked(const Memory& memory) {
        Memory turn = memory.fork();
        return copied(turn.append_prompt(work, some_prompt(9, config.vocab_size)));
    }
    Memory watched(size_t rows, DType type = DType::f16) {
        Memory memory(model, {.cache_type = type, .page_rows = 16});
        if (rows > 0) watch(work, memory, 0, rows);
        return memory;
    }
    Memory loaded(const fs::path& path) { return load_memory(context, model, path).memory; }

    const Config config = all_mixes()[GetParam()];
    const std::shared_ptr<const Model> model = Model::random(config, 3);
    const Context context{2};
    Workspace work{context, config, {.chunk_rows = 64, .sampled = 1}};
    const TemporaryFolder folder;
    const fs::path path = folder / "day.lvm";
};

TEST_P(MemoryFile, appending_goes_on_bit_for_bit_after_a_load) {
    for (DType type : {DType::f32, DType::f16, DType::i8})
        for (size_t rows : {0, 1, 37, 64, 301}) {
            Memory memory(model, {.cache_type = type, .page_rows = 16, .budget_bytes = size_t{1} << 40});
            memory.begin_video("one");
            if (rows > 0) watch(work, memory, 0, rows);
            save_memory(memory, some_notes(), path);
            LoadedMemory again = load_memory(context, model, path);
            EXPECT_EQ(again.notes.parts, some_notes().parts);
            EXPECT_EQ(again.memory.options().budget_bytes, size_t{1} << 40);
            EXPECT_EQ(again.memory.bytes().total(), memory.bytes().total());
            EXPECT_TRUE(saved(again.memory) == saved(memory)) << "at once";
            if (rows > 0) {
                EXPECT_EQ(asked(again.memory), asked(memory));
            }
            for (Memory* each : {&memory, &again.memory}) {
                each->begin_video("two");
                watch(work, *each, rows, rows + 90);
            }
            EXPECT_TRUE(saved(again.memory) == saved(memory)) << dtype_name(type) << " after " << rows << " rows";
            EXPECT_EQ(asked(again.memory), asked(memory));
            EXPECT_EQ(again.memory.videos().back().name, "two");
        }
}

TEST_P(MemoryFile, text_that_was_read_is_kept) {
    Memory memory = watched(40);
    memory.append_prompt(work, some_prompt(5, config.vocab_size));
    save_memory(memory, {}, path);
    Memory again = loaded(path);
    for (Memory* each : {&memory, &again}) watch(work, *each, 40, 80);
    EXPECT_TRUE(saved(again) == saved(memory));
}

TEST_P(MemoryFile, forks_of_a_loaded_memory_grow_apart) {
    save_memory(watched(100), {}, path);
    Memory memory = loaded(path);
    Memory fork = memory.fork();
    const std::string before = saved(fork);
    watch(work, memory, 100, 150);
    EXPECT_TRUE(saved(fork) == before);
    watch(work, fork, 100, 150);
    EXPECT_TRUE(saved(fork) == saved(memory));
    Memory never_saved = watched(100);
    watch(work, never_saved, 100, 150);
    EXPECT_TRUE(saved(memory) == saved(never_saved));
}

TEST_P(MemoryFile, a_thinned_memory_is_kept) {
    for (DType type : {DType::f32, DType::i8}) {
        Memory memory = watched(1600, type);
        memory.thin(memory.bytes().total() * 3 / 4);
        save_memory(memory, {}, path);
        Memory again = loaded(path);
        EXPECT_EQ(again.forgotten().rows, memory.forgotten().rows);
        EXPECT_GT(again.forgotten().rows, 0u);
        for (Memory* each : {&memory, &again}) watch(work, *each, 1600, 1700);
        EXPECT_TRUE(saved(again) == saved(memory));
        EXPECT_EQ(asked(again), asked(memory));
    }
}

TEST_P(MemoryFile, the_file_that_is_mapped_may_be_saved_over) {
    save_memory(watched(100), {}, path);
    Memory memory = loaded(path), first = loaded(path);
    for (size_t rows = 100; rows < 160; rows += 20) {
        watch(work, memory, rows, rows + 20);
        save_memory(memory, {}, path);
        EXPECT_TRUE(saved(loaded(path)) == saved(memory));
    }
    EXPECT_TRUE(saved(first) == saved(watched(100))) << "who mapped the first file keeps it";
    fs::remove(path);
    EXPECT_TRUE(saved(first) == saved(watched(100))) << "and needs no name";
    EXPECT_EQ(folder.names(), std::vector<std::string>{"compared.lvm"});
}

// Run under -DLV_SANITIZE=thread too.
TEST_P(MemoryFile, a_fork_is_saved_while_frames_arrive) {
    Memory memory = watched(100);
    const std::string expected = saved(memory);
    for (size_t rows = 100; rows < 180; rows += 40) {
        const std::string now = saved(memory);
        Memory fork = memory.fork();
        std::jthread saver([&] {
            for (int i = 0; i < 3; ++i) save_memory(fork, {}, path);
        });
        watch(work, memory, rows, rows + 40);
        saver.join();
        EXPECT_TRUE(read_text(path) == now);
    }
    EXPECT_FALSE(saved(memory) == expected);
}

TEST_P(MemoryFile, pages_are_read_where_they_lie_in_the_file) {
    save_memory(watched(100), {}, path);
    const Memory memory = loaded(path);
    const State& state = memory.state();
    const Cache& cache = config.has_cross() ? state.cache : state.layers[0].cache;
    ASSERT_EQ(cache.pages(), 7u);
    for (size_t page = 0; page + 1 < cache.pages(); ++page) {
        const std::byte* at = cache.page(page).block.data();
        EXPECT_EQ(reinterpret_cast<uintptr_t>(at) % 64, 0u);
        EXPECT_EQ(at, cache.page(0).block.data() + page * cache.shape().page_bytes());
    }
}

TEST_P(MemoryFile, the_header_tells_what_is_in_it_without_a_model) {
    Memory memory(model, {.cache_type = DType::i8, .page_rows = 16});
    memory.begin_video("street \"5\".mp4");
    watch(work, memory, 0, 52);
    memory.begin_video("yard.mp4");
    save_memory(memory, some_notes(), path);
    const MemoryFileInfo info = read_memory_info(path);
    EXPECT_EQ(info.version, 4);
    EXPECT_EQ(info.model_name, "small");
    EXPECT_EQ(info.model_digest, model->digest());
    EXPECT_EQ(info.dim, config.dim);
    ASSERT_EQ(info.layers.size(), config.n_layers());
    EXPECT_EQ(info.layers[0], name_of(config.layers[0]));
    EXPECT_EQ(info.options.cache_type, DType::i8);
    EXPECT_EQ(info.options.page_rows, 16u);
    EXPECT_EQ(info.rows, 52u);
    EXPECT_EQ(info.cache_rows, 52u);
    EXPECT_EQ(info.frames, 11) << "five rows a frame";
    EXPECT_EQ(info.first_us, 0);
    EXPECT_EQ(info.last_us, 10'000'000);
    ASSERT_EQ(info.videos.size(), 2u);
    EXPECT_EQ(info.videos[0].name, "street \"5\".mp4");
    EXPECT_EQ(info.videos[0].first_us, 0);
    EXPECT_EQ(info.videos[1].first_us, no_time);
    EXPECT_EQ(info.notes_bytes.at("encoder"), 1000u);
    EXPECT_EQ(info.notes_bytes.at("seen"), 0u);
    EXPECT_GE(info.cache_bytes, memory.bytes().cache);
    EXPECT_GT(info.state_bytes, 0u);
    EXPECT_GE(info.index_bytes, 52 * sizeof(int64_t));
    EXPECT_EQ(info.file_bytes, fs::file_size(path));
    EXPECT_GT(info.file_bytes, info.cache_bytes + info.state_bytes + info.index_bytes + 1000);
}

INSTANTIATE_TEST_SUITE_P(Mixes, MemoryFile, testing::Range<size_t>(0, 5), mix_name);

TEST(ModelDigest, stands_for_config_weights_and_vocabulary_but_not_the_name) {
    Config config = yoco_config();
    const auto digest = [](const Config& c, uint64_t seed = 1) { return Model::random(c, seed)->digest(); };
    const std::string one = digest(config);
    EXPECT_EQ(one.size(), 16u);
    EXPECT_EQ(digest(config), one);
    EXPECT_NE(digest(config, 2), one) << "other weights";
    config.name = "renamed";
    EXPECT_EQ(digest(config), one);
    config.scalable_softmax = false;
    EXPECT_NE(digest(config), one);
    config = yoco_config();
    config.rope_theta += 1e-9;
    EXPECT_NE(digest(config), one);
    config = yoco_config();
    config.rows.roll = 150;
    EXPECT_NE(digest(config), one) << "other rows are read again";
    EXPECT_EQ(Model::random(yoco_config(), 1, DType::i8)->digest(), one) << "how weights are held does not count";
}

}  // namespace

}  // namespace lv::test
