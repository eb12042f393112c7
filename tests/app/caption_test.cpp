// `longview caption` as a user runs it.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "app/caption_job.h"
#include "tests/app/clips.h"
#include "tests/app/run_program.h"

namespace lv::test {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;

const std::string clip = bundled_clip().string();

std::vector<json> lines_of(const fs::path& path) {
    std::vector<json> objects;
    std::istringstream lines(read_text(path));
    for (std::string line; std::getline(lines, line);) objects.push_back(json::parse(line));
    return objects;
}

TEST(CaptionProgram, PrintsALineAnInterval) {
    const Outcome outcome = run_longview({"caption", clip, "--quiet"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    std::istringstream lines(outcome.out);
    std::vector<std::string> starts;
    for (std::string line; std::getline(lines, line);) starts.push_back(line.substr(0, 11));
    ASSERT_EQ(starts.size(), 8u) << outcome.out;
    EXPECT_EQ(starts[0], "0:00 - 0:10");
    EXPECT_EQ(starts[7], "1:10 - 1:19");
    EXPECT_EQ(run_longview({"caption", clip, "--quiet", "--out", "-"}).out, outcome.out);
    EXPECT_FALSE(fs::exists("-"));
}

TEST(CaptionProgram, WritesAllFormatsThatOthersLoad) {
    const TemporaryFolder folder;
    const Outcome outcome = run_longview({"caption", clip, "--format", "srt,vtt,jsonl,txt", "--out", (folder / "subs").string(), "--every", "7s"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const fs::path base = folder / "subs";
    const std::vector<json> cues = lines_of(base / "pedestrians.jsonl");
    ASSERT_EQ(cues.size(), 12u);
    double newest = 0;
    for (const json& cue : cues) {
        EXPECT_DOUBLE_EQ(cue.at("start").get<double>(), newest);
        newest = cue.at("end").get<double>();
        EXPECT_GT(newest, cue.at("start").get<double>());
        EXPECT_FALSE(cue.at("text").get<std::string>().empty());
        EXPECT_TRUE(cue.at("objects").is_array());
    }
    EXPECT_NEAR(newest, bundled_clip_s, 0.11);
    EXPECT_LE(newest, bundled_clip_s + 0.001);
    EXPECT_EQ(read_text(base / "pedestrians.vtt").rfind("WEBVTT\n\n00:00:00.000 --> 00:00:07.000\n", 0), 0u);
    EXPECT_EQ(read_text(base / "pedestrians.srt").rfind("1\n00:00:00,000 --> 00:00:07,000\n", 0), 0u);
    EXPECT_EQ(std::distance(fs::directory_iterator(base), fs::directory_iterator()), 4);

    if (!has_program("ffmpeg")) GTEST_SKIP() << "ffmpeg is not installed: nobody else to load the files";
    for (const char* name : {"pedestrians.srt", "pedestrians.vtt"}) {
        const Outcome loaded = run_other({"ffmpeg", "-v", "error", "-i", (base / name).string(), "-f", "srt", "-"});
        EXPECT_EQ(loaded.exit_code, 0) << loaded.err;
        EXPECT_EQ(loaded.err, "");
        size_t read = 0;
        for (size_t at = 0; (at = loaded.out.find(" --> ", at)) != std::string::npos; ++at) ++read;
        EXPECT_EQ(read, cues.size()) << name;
    }
}

TEST(CaptionProgram, ASavedMemoryIsCaptionedAsItsVideoWas) {
    const TemporaryFolder folder;
    const std::string memory = (folder / "day.lvm").string();
    ASSERT_EQ(run_longview({"ask", clip, "--to", "0:25", "--save", memory, "--quiet"}).exit_code, 0);
    const Outcome kept = run_longview({"caption", memory, "--quiet"});
    EXPECT_EQ(kept.exit_code, 0) << kept.err;
    EXPECT_EQ(kept.out, run_longview({"caption", clip, "--to", "0:25", "--quiet"}).out);

    const Outcome late = run_longview({"caption", memory, "--from", "5:00"});
    EXPECT_EQ(late.exit_code, 1);
    EXPECT_NE(late.err.find("from 0:00 to 0:25"), std::string::npos) << late.err;
    EXPECT_EQ(run_longview({"caption", memory, "--fps", "2"}).exit_code, 2) << "it was watched already";
}

// The clip's 0:00 to 0:12, and 0:42 to 0:54 as another video.
std::string memory_of_two(const TemporaryFolder& folder) {
    const std::string memory = (folder / "day.lvm").string();
    const fs::path other = folder / "again.mp4";
    fs::copy_file(clip, other);
    EXPECT_EQ(run_longview({"ask", clip, "--to", "0:12", "--save", memory, "--quiet"}).exit_code, 0);
    EXPECT_EQ(run_longview({"ask", other.string(), "--from", "0:42", "--to", "0:54", "--load", memory, "--save", memory,
                            "--quiet"})
                  .exit_code,
              0);
    return memory;
}

TEST(CaptionProgram, EachVideoOfASavedMemoryGetsFilesOfItsOwn) {
    const TemporaryFolder folder;
    const std::string memory = memory_of_two(folder), subs = (folder / "subs").string();
    const Outcome outcome = run_longview({"caption", memory, "--format", "jsonl", "--out", subs, "--every", "6s"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const std::vector<json> first = lines_of(fs::path(subs) / "day-1.jsonl");
    const std::vector<json> second = lines_of(fs::path(subs) / "day-2.jsonl");
    ASSERT_EQ(first.size(), 2u);
    ASSERT_EQ(second.size(), 2u);
    EXPECT_EQ(first[0].at("start"), 0.0);
    EXPECT_EQ(second[0].at("start"), 42.0) << "by the video's own clock";
    EXPECT_FALSE(second[0].at("objects").empty());
    EXPECT_EQ(run_longview({"caption", memory, "--format", "srt"}).exit_code, 2) << "two videos on one terminal";
}

TEST(CaptionJobs, AMemoryOfSeveralVideosIsLoadedOnce) {
    const TemporaryFolder folder;
    CaptionOptions options;
    options.videos = {memory_of_two(folder)};
    options.every_us = 6'000'000;
    const Context context(1);
    Progress progress(true);
    const CaptionRun run{options, load_model(model_folder()), context, progress, {}};
    const std::vector<CaptionSource> sources = caption_sources(options);
    ASSERT_EQ(sources.size(), 2u);
    EXPECT_EQ(caption_video(run, sources[0], 0).size(), 2u);
    fs::remove(options.videos[0]);  // who loads it again finds nothing
    EXPECT_EQ(caption_video(run, sources[1], 0).size(), 2u);
}

TEST(CaptionProgram, OneFailingVideoIsReportedAndTheOthersAreDone) {
    const TemporaryFolder folder;
    write_text(folder / "notes.mp4", "this is no video\n");
    write_text(folder / "grey.y4m", grey_video(64, 48, 5));
    const Outcome outcome = run_longview({"caption", (folder / "notes.mp4").string(), (folder / "missing.mp4").string(),
                                          (folder / "grey.y4m").string(), "--out", (folder / "subs").string(), "--jobs", "2"});
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_NE(outcome.err.find("notes.mp4"), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find("missing.mp4"), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find("2 of 3 videos failed"), std::string::npos) << outcome.err;
    EXPECT_TRUE(fs::exists(folder / "subs/grey.srt"));
    EXPECT_EQ(std::distance(fs::directory_iterator(folder / "subs"), fs::directory_iterator()), 1);
}

TEST(CaptionProgram, ResumeSkipsWhatIsFinished) {
    const TemporaryFolder folder;
    write_text(folder / "a.y4m", grey_video(64, 48, 5));
    write_text(folder / "b.y4m", grey_video(64, 48, 5));
    const std::string subs = (folder / "subs").string();
    ASSERT_EQ(run_longview({"caption", (folder / "a.y4m").string(), "--out", subs}).exit_code, 0);
    write_text(folder / "subs/a.srt", "kept");
    const std::vector<std::string> both{"caption", (folder / "a.y4m").string(), (folder / "b.y4m").string(), "--out", subs};
    std::vector<std::string> resume = both;
    resume.push_back("--resume");
    const Outcome outcome = run_longview(resume);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_NE(outcome.err.find("done in an earlier run"), std::string::npos);
    EXPECT_EQ(read_text(folder / "subs/a.srt"), "kept");
    EXPECT_TRUE(fs::exists(folder / "subs/b.srt"));

    fs::last_write_time(folder / "a.y4m", fs::last_write_time(folder / "subs/a.srt") + std::chrono::seconds(10));
    ASSERT_EQ(run_longview(resume).exit_code, 0);
    EXPECT_NE(read_text(folder / "subs/a.srt"), "kept") << "a video that changed is captioned again";
    write_text(folder / "subs/b.srt", "old");
    ASSERT_EQ(run_longview(both).exit_code, 0);
    EXPECT_NE(read_text(folder / "subs/b.srt"), "old") << "without --resume all are done";
}

TEST(CaptionProgram, CtrlCLeavesOnlyWholeFiles) {
    const TemporaryFolder folder;
    write_text(folder / "first.y4m", grey_video(64, 48, 3));
    RunRequest request;
    request.arguments = {"caption", (folder / "first.y4m").string(), "test:duration=100000", "--out", (folder / "subs").string()};
    request.interrupt_when = [](const std::string& err) { return err.find("first.srt") != std::string::npos; };
    const Outcome outcome = run_longview(request);
    EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
    EXPECT_NE(outcome.err.find("--resume"), std::string::npos) << outcome.err;
    ASSERT_EQ(std::distance(fs::directory_iterator(folder / "subs"), fs::directory_iterator()), 1);
    EXPECT_TRUE(fs::exists(folder / "subs/first.srt"));
}

TEST(CaptionProgram, PlacesThatCannotBeWrittenAreRefusedBeforeWatching) {
    const TemporaryFolder folder;
    write_text(folder / "file", "x");
    for (const std::string& out : {(folder / "file").string(), (folder / "file/deeper").string(), std::string("/proc/longview-subs")}) {
        const Outcome outcome = run_longview({"caption", "test:duration=100000", "--out", out});
        EXPECT_EQ(outcome.exit_code, 1) << out;
        EXPECT_NE(outcome.err.find(out), std::string::npos) << outcome.err;
    }
    EXPECT_EQ(read_text(folder / "file"), "x");
}

TEST(CaptionProgram, ANameThatIsTooLongIsRefusedBeforeWatchingAndTheOthersAreDone) {
    const TemporaryFolder folder;
    const std::string name(245, 'n');
    write_text(folder / (name + ".y4m"), "who watches this finds no video");
    write_text(folder / "grey.y4m", grey_video(64, 48, 3));
    const Outcome outcome = run_longview({"caption", (folder / (name + ".y4m")).string(),
                                          (folder / "grey.y4m").string(), "--out", (folder / "subs").string()});
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_NE(outcome.err.find(name + ".srt: File name too long; choose"), std::string::npos) << outcome.err;
    EXPECT_TRUE(fs::exists(folder / "subs/grey.srt"));
}

TEST(CaptionProgram, TwoVideosOfOneNameAreRefused) {
    const Outcome outcome = run_longview({"caption", "one/a.mp4", "two/a.mp4", "--out", "/tmp"});
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_NE(outcome.err.find("one/a.mp4 and two/a.mp4"), std::string::npos) << outcome.err;
}

TEST(CaptionProgram, AFullDiskIsToldAndLeavesNothing) {
    const TemporaryFolder folder;
    const fs::path disk = folder / "disk";
    fs::create_directory(disk);
    if (mount("none", disk.c_str(), "tmpfs", 0, "size=16k") != 0) GTEST_SKIP() << "only root may mount a small disk";
    write_text(disk / "ballast", std::string(12 * 1024, 'x'));  // one page is left
    write_text(folder / "grey.y4m", grey_video(64, 48, 500));
    const Outcome outcome = run_longview({"caption", (folder / "grey.y4m").string(), "--every", "1s", "--format", "txt,srt", "--out", disk.string()});
    std::vector<std::string> left;
    for (const auto& entry : fs::directory_iterator(disk)) left.push_back(entry.path().filename().string());
    umount(disk.c_str());
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_NE(outcome.err.find("No space left on device"), std::string::npos) << outcome.err;
    EXPECT_EQ(left, std::vector<std::string>{"ballast"});
}

TEST(CaptionProgram, ATruncatedVideoIsReportedAndWritesNothing) {
    const TemporaryFolder folder;
    const std::string whole = read_text(clip);
    write_text(folder / "half.mp4", whole.substr(0, whole.size() / 2));
    const Outcome outcome = run_longview({"caption", (folder / "half.mp4").string(), "--out", (folder / "subs").string()});
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_NE(outcome.err.find("--to"), std::string::npos) << outcome.err;
    EXPECT_TRUE(fs::is_empty(folder / "subs"));
}

}  // namespace
}  // namespace lv::test
