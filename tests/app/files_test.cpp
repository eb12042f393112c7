#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "app/line_reader.h"
#include "app/model_path.h"
#include "kernels/core/error.h"
#include "tests/temporary_folder.h"

namespace lv {
namespace {
namespace fs = std::filesystem;

TEST(Files, LinesComeWithAndWithoutLineEnds) {
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

TEST(Files, AStopEndsTheWaitForALine) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    std::stop_source stop;
    LineReader reader(ends[0], stop.get_token());
    std::jthread stopper([&] { stop.request_stop(); });
    EXPECT_EQ(reader.next(), std::nullopt);
    close(ends[0]);
    close(ends[1]);
}

TEST(Files, AnEndlessLineIsRefused) {
    const test::TemporaryFolder folder;
    const fs::path path = folder / "long";
    test::write_text(path, std::string(200'000, 'x'));
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
    LineReader reader(fileno(file.get()), {});
    EXPECT_THROW(reader.next(), UsageError);
}

TEST(Files, TheModelThatIsNamedMustBeOne) {
    const test::TemporaryFolder folder;
    for (const fs::path& path : {folder / "none", folder.path()}) EXPECT_THROW(find_model(path.string()), UsageError);
    test::write_text(folder / "config.json", "{}");
    EXPECT_EQ(find_model(folder.path().string()), folder.path());
    EXPECT_THROW(find_model((folder / "config.json").string()), UsageError);
}

}  // namespace
}  // namespace lv
