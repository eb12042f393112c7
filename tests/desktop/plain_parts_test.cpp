// Settings, the file browser's list, the cost meter, the growth of the meters, the desktop's command line.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "app/desktop/cost.h"
#include "app/desktop/desktop.h"
#include "app/desktop/folder_list.h"
#include "app/desktop/meter_history.h"
#include "app/desktop/settings.h"
#include "engine/measure.h"
#include "kernels/core/error.h"
#include "tests/temporary_folder.h"

namespace lv {
namespace {

namespace fs = std::filesystem;

TEST(TheSettings, ComeBackAsTheyWereWritten) {
    const test::TemporaryFolder folder;
    Settings settings;
    settings.theme = Theme::light;
    settings.font_px = 19;
    settings.left_share = 0.5f;
    settings.fps = 0.25;
    settings.keyframes = true;
    settings.budget_mib = 256;
    settings.device = "cpu";
    settings.cache = "int8";
    settings.price_per_million = 1.5;
    for (int i = 0; i < 20; ++i) settings.remember("video " + std::to_string(i % 15));
    EXPECT_EQ(settings.recent.size(), Settings::most_recent);
    EXPECT_EQ(settings.recent.front(), "video 4");
    write_settings(settings, folder / "made/on/the/way.json");
    EXPECT_EQ(read_settings(folder / "made/on/the/way.json"), settings);
}

TEST(TheSettings, KeepDefaultsForWhatIsMissingOrWrong) {
    const test::TemporaryFolder folder;
    EXPECT_EQ(read_settings(folder / "none.json"), Settings());
    for (const char* text :
         {"", "{", "[1, 2]", "null", "{\"font_px\": 1e9}", "{\"font_px\": \"large\", \"recent\": 5, \"theme\": 1}",
          "{\"window_width\": -5, \"threads\": 1e300, \"budget_mib\": -1}",
          "{\"cache\": \"f64\", \"device\": \"abacus\"}"}) {
        test::write_text(folder / "odd.json", text);
        EXPECT_EQ(read_settings(folder / "odd.json"), Settings()) << text;
    }
    test::write_text(folder / "some.json", "{\"theme\": \"light\", \"font_px\": 500, \"fps\": 2}");
    const Settings some = read_settings(folder / "some.json");
    EXPECT_EQ(some.theme, Theme::light);
    EXPECT_EQ(some.font_px, Settings().font_px);
    EXPECT_EQ(some.fps, 2);
}

TEST(TheSettings, HoldNoPassword) {
    const test::TemporaryFolder folder;
    Settings settings;
    settings.remember("rtsp://name:secret@camera/1");
    settings.remember("rtsp://name:changed@camera/1");
    EXPECT_EQ(settings.recent, std::vector<std::string>{"rtsp://name:***@camera/1"});
    write_settings(settings, folder / "new.json");
    EXPECT_EQ(test::read_text(folder / "new.json").find("changed"), std::string::npos);
    // Nor do those that were written with it.
    test::write_text(folder / "old.json", "{\"recent\": [\"rtsp://name:secret@camera/1\"]}");
    EXPECT_EQ(read_settings(folder / "old.json").recent, settings.recent);
}

TEST(TheSettings, KeepWhatTheCommandLineSaysOutOfTheFileUntilItIsChanged) {
    Settings before;
    before.fps = 2;
    Settings now = before;
    now.fps = 5;
    now.keyframes = true;
    now.threads = 3;
    now.model_dir = "other";
    KeptSettings kept(before, now);
    EXPECT_EQ(kept.of(now), before);
    now.theme = before.theme = Theme::light;  // what the command line does not speak of is written
    EXPECT_EQ(kept.of(now), before);
    now.fps = before.fps = 3;
    EXPECT_EQ(kept.of(now), before);
    now.fps = before.fps = 5;  // now it is what the user wants
    EXPECT_EQ(kept.of(now), before);
    now.keyframes = before.keyframes = false;
    now.threads = before.threads = 4;
    now.model_dir = before.model_dir = "third";
    EXPECT_EQ(kept.of(now), before);
}

TEST(TheSettings, AreAlikeForWatchingWhateverTheLookIs) {
    Settings a, b;
    b.theme = Theme::light;
    b.folder = "elsewhere";
    EXPECT_TRUE(watch_alike(a, b));
    b.cache = "int8";
    EXPECT_FALSE(watch_alike(a, b));
}

TEST(TheSettings, LieInTheConfigFolder) {
    EXPECT_EQ(settings_path("/c", "/h"), "/c/longview/desktop.json");
    EXPECT_EQ(settings_path(nullptr, "/h"), "/h/.config/longview/desktop.json");
    EXPECT_EQ(settings_path("relative", "/h"), "/h/.config/longview/desktop.json");
    EXPECT_EQ(settings_path("", "/h"), "/h/.config/longview/desktop.json");
}

TEST(TheFolderList, ShowsFoldersThenVideosAndMemories) {
    const test::TemporaryFolder folder;
    for (const char* name : {"part 10.MP4", "Part 2.mkv", "day.lvm", "notes.txt", ".hidden.mp4"})
        test::write_text(folder / name, "12345");
    fs::create_directory(folder / "zoo");
    const FolderList list = list_folder(folder.path());
    ASSERT_EQ(list.entries.size(), 4u);
    EXPECT_TRUE(list.entries[0].is_folder);
    EXPECT_EQ(list.entries[1].name, "day.lvm");
    EXPECT_TRUE(list.entries[1].is_memory);
    EXPECT_EQ(list.entries[2].name, "Part 2.mkv");
    EXPECT_EQ(list.entries[3].name, "part 10.MP4");
    EXPECT_EQ(list.entries[3].bytes, 5u);
    EXPECT_EQ(videos_in(folder.path()).size(), 2u);
    EXPECT_NE(list_folder(folder / "none").error.find("cannot be read"), std::string::npos);
}

TEST(NamesInAFolder, AreOrderedByTheirNumbers) {
    EXPECT_TRUE(name_before("a2", "a10"));
    EXPECT_TRUE(name_before("a", "B"));
    EXPECT_TRUE(name_before("a", "ab"));
    EXPECT_TRUE(name_before("a007b", "a7c"));
    EXPECT_FALSE(name_before("a10", "a2"));
    EXPECT_FALSE(name_before("same", "same"));
}

TEST(TheCostMeter, ShowsItsArithmetic) {
    // An hour of video, 12,000 tokens, watched in 36 s.
    const Cost cost = reckon_cost({0.5, 100, 0.25}, 12'000, 3600'000'000, 36'000'000);
    EXPECT_DOUBLE_EQ(cost.elsewhere, 0.006);
    EXPECT_DOUBLE_EQ(cost.here, 0.01 * 0.1 * 0.25);
    EXPECT_DOUBLE_EQ(cost.day_tokens, 288'000);
    EXPECT_DOUBLE_EQ(cost.day_elsewhere, 0.144);
    EXPECT_EQ(cost.day_elsewhere_sum, "288 K tokens × $0.50 a million = $0.14");
    EXPECT_EQ(cost.day_here_sum, "0.24 h × 100 W × $0.25 a kWh = $0.0060");
    EXPECT_EQ(reckon_cost({}, 0, 0, 0).day_tokens, 0);
}

TEST(Amounts, AreShortAndReadable) {
    EXPECT_EQ(dollars(0), "$0");
    EXPECT_EQ(dollars(1234567.4), "$1,234,567");
    EXPECT_EQ(dollars(0.000021), "$0.000021");
    EXPECT_EQ(short_count(999), "999");
    EXPECT_EQ(short_count(12345), "12.3 K");
    EXPECT_EQ(short_bytes(262144), "256 KiB");
    EXPECT_EQ(short_bytes(1610612736.0), "1.5 GiB");
}

TEST(TheMeterHistory, StaysShortHoweverLongItRuns) {
    MeterHistory history;
    const Config config = config_100m();
    Meters meters;
    for (int64_t frame = 1; frame <= 10'000; ++frame) {
        meters.frames = frame;
        meters.watched_us = frame * 1'000'000;
        meters.elapsed_us = frame * 10'000;
        meters.rows = static_cast<size_t>(frame) * 3;
        meters.memory = {1000, static_cast<size_t>(frame) * 100, 0};
        history.add(meters, config);
    }
    EXPECT_LE(history.points().size(), MeterHistory::most_points);
    EXPECT_GE(history.points().size(), MeterHistory::most_points / 2);
    EXPECT_EQ(history.points().front().watched_s, 1);
    EXPECT_GT(history.points().back().watched_s, 9900);
    EXPECT_GT(history.points().back().transformer_bytes, history.points().back().memory_bytes);
    EXPECT_NEAR(history.frames_per_second(), 100, 1);
    EXPECT_NEAR(history.times_real_time(), 100, 1);
}

template <typename... Words>
std::optional<DesktopOptions> parse(Words... words) {
    const std::vector<const char*> argv{"longview", words...};
    return parse_desktop(static_cast<int>(argv.size()), argv.data());
}

TEST(TheDesktopsCommandLine, IsNothingAFileOrOptions) {
    EXPECT_TRUE(parse());
    EXPECT_EQ(parse("rtsp://camera/1")->sources, std::vector<std::string>{"rtsp://camera/1"});
    EXPECT_EQ(parse(".", "..")->sources, (std::vector<std::string>{".", ".."}));
    const auto all = parse("--fps", "2", "--model", "m", "--threads", "3", "--keyframes", "camera:0");
    ASSERT_TRUE(all);
    EXPECT_EQ(all->fps, 2);
    EXPECT_EQ(all->model.dir, "m");
    EXPECT_EQ(all->model.threads, 3);
    EXPECT_TRUE(all->keyframes);
    EXPECT_EQ(all->sources, std::vector<std::string>{"camera:0"});
}

TEST(TheDesktopsCommandLine, TellsItsOptionsWhenAskedBesideAVideo) {
    const auto asked = parse(".", "--help");
    ASSERT_TRUE(asked);
    for (const char* word : {"VIDEO", "--fps", "--keyframes", "--threads"})
        EXPECT_NE(asked->help.find(word), std::string::npos) << asked->help;
    EXPECT_TRUE(parse(".")->help.empty());
}

TEST(TheDesktopsCommandLine, LeavesCommandsAndUnknownWordsToTheOthers) {
    for (const char* word : {"ask", "caption", "info", "bench", "--help", "-h", "--version", "no/such/file.mp4", ""})
        EXPECT_FALSE(parse(word)) << word;
    EXPECT_THROW(parse("--fps", "none"), UsageError);
    EXPECT_THROW(parse("--no-such-option"), UsageError);
}

}  // namespace
}  // namespace lv
