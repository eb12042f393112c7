// kill -9 at a random moment of saving, 200 times: what is under the name is always one whole save, never an older one
// than was finished before.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>

#include "engine/memory_file.h"
#include "tests/engine/engine_support.h"

namespace lv::test {

namespace {

namespace fs = std::filesystem;

// Saves ever longer memories to `path`, and tells through `pipe` each time one has been saved.
[[noreturn]] void save_for_ever(const std::vector<Memory>& memories, const fs::path& path, int pipe) {
    for (size_t i = 0;; i = (i + 1) % memories.size()) {
        save_memory(memories[i], {}, path);
        const auto number = char(i);
        if (write(pipe, &number, 1) != 1) _exit(0);
    }
}

}  // namespace

TEST(KilledSave, leaves_the_old_save_or_the_new_one_two_hundred_times) {
    const Config config = all_mixes()[4];
    const auto model = Model::random(config, 3);
    const Context context(1);  // no threads: this process forks
    Workspace work(context, config, {.chunk_rows = 64, .sampled = 1});
    const TemporaryFolder folder;
    const fs::path path = folder / "day.lvm";
    std::vector<Memory> memories;
    std::vector<std::string> files;
    Memory memory(model, {.page_rows = 16});
    for (size_t rows = 0; rows < 1500; rows += 300) {
        watch(work, memory, rows, rows + 300);
        memories.push_back(memory.fork());
        save_memory(memories.back(), {}, path);
        files.push_back(read_text(path));
    }
    std::mt19937 random(1);
    size_t cut = 0;
    for (int round = 0; round < 200; ++round) {
        int ends[2];
        ASSERT_EQ(pipe(ends), 0);
        const pid_t child = fork();
        if (child == 0) save_for_ever(memories, path, ends[1]);
        close(ends[1]);
        // The moment: after a random number of saves, and a random while into the next. The only way is to wait.
        char last = 0;
        for (uint32_t saves = 1 + random() % 3; saves > 0; --saves) ASSERT_EQ(read(ends[0], &last, 1), 1);
        usleep(random() % 4000);
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
        for (char number; read(ends[0], &number, 1) == 1;) last = number;
        close(ends[0]);

        const std::string found = read_text(path);
        const size_t told = size_t(last), next = (told + 1) % files.size();
        ASSERT_TRUE(found == files[told] || found == files[next]) << "a save that was finished is lost or damaged";
        ASSERT_EQ(load_memory(context, model, path).memory.rows(),
                  found == files[told] ? 300 * (told + 1) : 300 * (next + 1));
        const std::vector<std::string> names = folder.names();
        cut += names.size() > 1;
        ASSERT_LE(names.size(), 2u) << "leftovers do not pile up";
    }
    EXPECT_GT(cut, 20u) << "most were killed between two saves: wait other whiles";
    RecordProperty("killed_while_writing", int(cut));
    std::cout << cut << " of 200 were killed while writing\n";
    save_memory(memories[0], {}, path);
    EXPECT_EQ(folder.names(), std::vector<std::string>{"day.lvm"}) << "what killed writers left is gone";
}

}  // namespace lv::test
