#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "app/atomic_file.h"
#include "app/line_reader.h"
#include "app/model_path.h"
#include "kernels/core/error.h"

namespace lv {
namespace {
namespace fs = std::filesystem;

class Files : public testing::Test {
   protected:
    void SetUp() override {
        folder_ = fs::temp_directory_path() / ("longview-files-" + std::to_string(getpid()));
        fs::create_directories(folder_);
    }
    void TearDown() override { fs::remove_all(folder_); }
    std::string read(const fs::path& path) {
        std::ostringstream text;
        text << std::ifstream(path).rdbuf();
        return text.str();
    }
    size_t count() { return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator())); }
    fs::path folder_;
};

TEST_F(Files, AFileAppearsOnlyOnCommit) {
    AtomicFile file(folder_ / "a.srt");
    file.write("hello");
    EXPECT_FALSE(fs::exists(folder_ / "a.srt"));
    file.commit();
    EXPECT_EQ(read(folder_ / "a.srt"), "hello");
    EXPECT_EQ(count(), 1u);
}

TEST_F(Files, AnErrorLeavesTheOldFileAndNothingElse) {
    write_file_atomically(folder_ / "a.srt", "old");
    try {
        AtomicFile file(folder_ / "a.srt");
        file.write("new");
        fail("something went wrong");
    } catch (const Error&) {
    }
    EXPECT_EQ(read(folder_ / "a.srt"), "old");
    EXPECT_EQ(count(), 1u);
}

TEST_F(Files, AMissingFolderIsNamed) {
    try {
        write_file_atomically(folder_ / "none/a.srt", "x");
        FAIL();
    } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("none/a.srt"), std::string::npos) << error.what();
    }
}

TEST_F(Files, AWritableFolderIsMadeAndLeftEmpty) {
    require_writable_folder(folder_ / "deep/er");
    EXPECT_TRUE(fs::is_empty(folder_ / "deep/er"));
}

TEST_F(Files, AFileInTheFoldersPlaceIsRefused) {
    write_file_atomically(folder_ / "subs", "x");
    EXPECT_THROW(require_writable_folder(folder_ / "subs"), Error);
    EXPECT_THROW(require_writable_folder(folder_ / "subs/more"), Error);
}

TEST_F(Files, LinesComeWithAndWithoutLineEnds) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const std::string text = "one\r\n\ntwo\nlast";
    ASSERT_EQ(write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    close(ends[1]);
    LineReader reader(ends[0], {});
    EXPECT_EQ(reader.next(), "one");
    EXPECT_EQ(reader.next(), "");
    EXPECT_EQ(reader.next(), "two");
    EXPECT_EQ(reader.next(), "last");
    EXPECT_EQ(reader.next(), std::nullopt);
    EXPECT_EQ(reader.next(), std::nullopt);
    close(ends[0]);
}

TEST_F(Files, AStopEndsTheWaitForALine) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    std::stop_source stop;
    LineReader reader(ends[0], stop.get_token());
    std::jthread stopper([&] { stop.request_stop(); });
    EXPECT_EQ(reader.next(), std::nullopt);
    close(ends[0]);
    close(ends[1]);
}

TEST_F(Files, AnEndlessLineIsRefused) {
    const fs::path path = folder_ / "long";
    write_file_atomically(path, std::string(200'000, 'x'));
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
    LineReader reader(fileno(file.get()), {});
    EXPECT_THROW(reader.next(), UsageError);
}

TEST_F(Files, TheModelThatIsNamedMustBeOne) {
    for (const fs::path& path : {folder_ / "none", folder_}) EXPECT_THROW(find_model(path.string()), UsageError);
    write_file_atomically(folder_ / "config.json", "{}");
    EXPECT_EQ(find_model(folder_.string()), folder_);
    EXPECT_THROW(find_model((folder_ / "config.json").string()), UsageError);
}

}  // namespace
}  // namespace lv
