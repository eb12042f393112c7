// Memories that are kept: --save, --load, --budget and what `longview info` says of them, as a user runs them.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "app/agent_report.h"
#include "app/byte_text.h"
#include "app/memory_need.h"
#include "app/watched_video.h"
#include "kernels/core/error.h"
#include "tests/app/clips.h"
#include "tests/app/run_program.h"

namespace lv::test {
namespace {

using nlohmann::json;

const std::string clip = bundled_clip().string();

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class SavedMemory : public testing::Test {
   protected:
    Outcome ask(std::vector<std::string> more) {
        more.insert(more.begin(), "ask");
        return run_longview(more);
    }
    json asked(std::vector<std::string> more) {
        more.push_back("--json");
        const Outcome outcome = ask(more);
        EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
        return json::parse(outcome.out);
    }
    TemporaryFolder folder_;
    const std::string file_ = (folder_ / "day.lvm").string();
    const std::string question_ = "How many people are there at 0:05?";
};

TEST_F(SavedMemory, AnswersWithoutTheVideoAsItDidWithIt) {
    const json with = asked({clip, "--to", "8", "--save", file_, question_});
    const json without = asked({"--load", file_, question_});
    for (const char* what : {"answer", "evidence", "tokens"})
        EXPECT_EQ(with.at("answers")[0].at(what), without.at("answers")[0].at(what)) << what;
    EXPECT_EQ(without.at("frames"), 8);
    EXPECT_EQ(without.at("video"), clip);
    EXPECT_EQ(with.at("memory").at("tokens"), without.at("memory").at("tokens"));
}

TEST_F(SavedMemory, TakesThePlaceOfAnOlderOneButOfNoOtherFile) {
    const std::string video = (folder_ / "clip.mp4").string(), link = (folder_ / "link.lvm").string();
    std::filesystem::copy_file(clip, video);
    std::filesystem::create_symlink(video, link);
    write_text(folder_ / "diary.txt", "today I filmed nothing");
    for (const std::string& target : {video, link, (folder_ / "diary.txt").string()}) {
        const Outcome outcome = ask({video, "--to", "2", "--save", target, question_});
        EXPECT_EQ(outcome.exit_code, 1) << target;
        EXPECT_TRUE(says(outcome.err, "--save " + target) && says(outcome.err, "no saved memory")) << outcome.err;
    }
    EXPECT_EQ(read_text(video), read_text(clip));
    EXPECT_EQ(read_text(folder_ / "diary.txt"), "today I filmed nothing");
    const std::string nameless = (folder_ / "memory").string();
    write_text(file_, "a damaged memory");
    write_text(nameless, "");
    for (const std::string& target : {file_, nameless, nameless})
        EXPECT_EQ(ask({video, "--to", "2", "--save", target, "--quiet"}).exit_code, 0) << target;
}

TEST_F(SavedMemory, IsNotWaitedForInAPipe) {
    ASSERT_EQ(mkfifo(file_.c_str(), 0600), 0);
    const Outcome outcome = ask({"--load", file_, question_});
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_TRUE(says(outcome.err, file_ + ": it is a pipe")) << outcome.err;
}

TEST_F(SavedMemory, WatchingGoesOnAsIfItHadNeverStopped) {
    EXPECT_EQ(ask({clip, "--to", "5", "--save", file_}).exit_code, 0);
    const json parts = asked({clip, "--to", "12", "--load", file_, "--save", file_, "What is visible at 0:10?"});
    const json whole = asked({clip, "--to", "12", "What is visible at 0:10?"});
    EXPECT_EQ(parts.at("frames"), 12);
    EXPECT_EQ(parts.at("memory").at("tokens"), whole.at("memory").at("tokens"));
    EXPECT_EQ(parts.at("answers")[0].at("answer"), whole.at("answers")[0].at("answer"));
    EXPECT_FALSE(parts.contains("videos")) << "it is still one video";
}

TEST_F(SavedMemory, AnotherVideoJoinsItAndTimesNameTheirVideo) {
    write_text(folder_ / "grey.y4m", grey_video(64, 48, 6));
    const std::string grey = (folder_ / "grey.y4m").string();
    EXPECT_EQ(ask({grey, "--save", file_}).exit_code, 0);
    const json both =
        asked({clip, "--to", "6", "--load", file_, "--save", file_, "What is visible at 0:03 of video 2?"});
    ASSERT_EQ(both.at("videos").size(), 2u);
    EXPECT_EQ(both.at("videos")[0].at("name"), grey);
    for (const json& moment : both.at("answers")[0].at("evidence")) {
        EXPECT_TRUE(moment.at("video") == 1 || moment.at("video") == 2);
        EXPECT_LE(moment.at("end"), 7);
    }
    const Outcome text = ask({"--load", file_, "What is visible at video 2, 0:00:03?"});
    EXPECT_TRUE(says(text.out, "rests on video ")) << text.out;
    const Outcome none = ask({"--load", file_, "What is visible at 0:03 of video 3?"});
    EXPECT_EQ(none.exit_code, 2);
    EXPECT_TRUE(says(none.err, "2 videos")) << none.err;
    const Outcome info = run_longview({"info", file_});
    EXPECT_TRUE(says(info.out, "2  " + clip)) << info.out << info.err;
}

TEST_F(SavedMemory, CtrlCKeepsWhatWasWatchedAndSaysHowToGoOn) {
    RunRequest request;
    request.arguments = {"ask", "test:duration=100000", "--save", file_};
    request.terminal = true;
    request.interrupt_when = [](const std::string& err) { return says(err, "frames/s"); };
    const Outcome outcome = run_longview(request);
    EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
    EXPECT_TRUE(says(outcome.err, "saved to " + file_)) << outcome.err;
    EXPECT_TRUE(says(outcome.err, "longview ask test:duration=100000 --load " + file_)) << outcome.err;
    const json info = json::parse(run_longview({"info", file_, "--json"}).out);
    EXPECT_GT(info.at("frames").get<int>(), 0);
}

TEST_F(SavedMemory, InfoSaysWhatIsInIt) {
    EXPECT_EQ(ask({clip, "--to", "8", "--cache", "int8", "--save", file_}).exit_code, 0);
    const json info = json::parse(run_longview({"info", file_, "--json"}).out);
    EXPECT_EQ(info.at("model"), "mini");
    EXPECT_EQ(info.at("frames"), 8);
    EXPECT_EQ(info.at("cache"), "int8");
    EXPECT_EQ(info.at("videos")[0].at("name"), clip);
    EXPECT_GT(info.at("bytes").at("cache"), 0);
    EXPECT_EQ(info.at("bytes").at("file"), std::filesystem::file_size(file_));
    EXPECT_EQ(info.at("forgotten").at("frames"), 0);
    const Outcome text = run_longview({"info", file_});
    for (const char* word : {"model", "8 frames", "state", "cache", "int8"})
        EXPECT_TRUE(says(text.out, word)) << text.out;
}

TEST_F(SavedMemory, IsRefusedWithWhatToDo) {
    const Outcome none = ask({"--load", file_, question_});
    EXPECT_EQ(none.exit_code, 1);
    EXPECT_TRUE(says(none.err, "day.lvm")) << none.err;
    write_text(file_, "this is no memory");
    EXPECT_TRUE(says(ask({"--load", file_, question_}).err, "day.lvm"));
    EXPECT_TRUE(says(run_longview({"info", file_}).err, "day.lvm"));
    EXPECT_EQ(ask({clip, "--to", "3", "--save", file_}).exit_code, 0);
    const Outcome cache = ask({"--load", file_, "--cache", "int8", question_});
    EXPECT_EQ(cache.exit_code, 2);
    EXPECT_TRUE(says(cache.err, "leave --cache out")) << cache.err;
    const Outcome fps = ask({clip, "--fps", "2", "--load", file_, question_});
    EXPECT_EQ(fps.exit_code, 2);
    EXPECT_TRUE(says(fps.err, "leave them out")) << fps.err;
    const Outcome place = ask({clip, "--save", (folder_ / "none/day.lvm").string()});
    EXPECT_EQ(place.exit_code, 1);
    EXPECT_TRUE(says(place.err, "nothing can be written")) << place.err;
    EXPECT_TRUE(says(ask({clip, "--save", folder_.path().string()}).err, "this is a folder"));
}

TEST_F(SavedMemory, WhatCannotBeSavedIsAnsweredAllTheSame) {
    const Outcome outcome = run_other({"sh", "-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\"", LV_TEST_PROGRAM,
                                       "ask", clip, "--to", "5", "--save", file_, "Is there a person at 0:02?"});
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_TRUE(says(outcome.err, "cannot write " + file_)) << outcome.err;
    EXPECT_TRUE(says(outcome.out, "rests on")) << outcome.out;
    EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(SavedMemory, ANameThatCannotBeWrittenIsRefusedBeforeWatching) {
    for (const size_t length : {251u, 300u}) {
        const Outcome outcome = ask({clip, "--save", (folder_ / std::string(length, 'x')).string(), question_});
        EXPECT_EQ(outcome.exit_code, 1);
        EXPECT_TRUE(says(outcome.err, "File name too long; name another file with --save")) << outcome.err;
        EXPECT_EQ(outcome.out, "");
    }
}

TEST_F(SavedMemory, AQuestionMayBeLongerThanAName) {
    EXPECT_EQ(ask({clip, "--to", "3", "--save", file_}).exit_code, 0);
    std::string question = "Is there a person";
    for (int i = 0; i < 25; ++i) question += " or a person";
    const Outcome outcome = ask({"--load", file_, question + "?"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_TRUE(says(outcome.out, "rests on")) << outcome.out;
}

TEST_F(SavedMemory, CanBeTalkedAbout) {
    EXPECT_EQ(ask({clip, "--to", "5", "--save", file_}).exit_code, 0);
    RunRequest request;
    request.arguments = {"ask", "--load", file_, "--chat"};
    request.input = "Is there a person at 0:02?\nhow many?\n";
    const Outcome outcome = run_longview(request);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_TRUE(says(outcome.out, "rests on 0:0")) << outcome.out;
}

TEST(MemoryNeed, IsReckonedBeforeWatchingAndRefusedWithTheSum) {
    Config config;
    config.dim = 64;
    config.layers = {LayerKind::full};
    config.n_self_heads = config.n_attn_heads = config.n_attn_kv_heads = 1;
    config.attn_head_dim = 64;
    MemoryNeed need{.config = config, .options = {}, .now = {}};
    need.source = "day.mp4";
    EXPECT_EQ(reckon_need(need), 0u) << "an end that is not known";
    EXPECT_NO_THROW(require_room(need, 1));
    need.end_us = 86'400'000'000;
    EXPECT_NO_THROW(require_room(need, size_t{1} << 40));
    EXPECT_NO_THROW(require_room(need, 0)) << "what is free is not known";
    try {
        require_room(need, 1 << 20);
        ADD_FAILURE() << "accepted";
    } catch (const Error& error) {
        for (const char* part : {"day.mp4", "86,400 frames", "432,000 tokens", "1.0 MiB are free", "--budget"})
            EXPECT_TRUE(says(error.what(), part)) << error.what();
    }
    need.now.all_frames = 10;
    need.now.rows = 20;
    try {
        require_room(need, 1 << 20);
        ADD_FAILURE() << "accepted";
    } catch (const Error& error) {
        EXPECT_TRUE(says(error.what(), "172,820 tokens")) << "two a frame, as so far: " << error.what();
    }
}

TEST(ByteText, SizesAreReadAndWritten) {
    EXPECT_EQ(parse_bytes("256MiB", "--budget"), 256u << 20);
    EXPECT_EQ(parse_bytes("1.5 GiB", "--budget"), size_t{3} << 29);
    EXPECT_EQ(parse_bytes("500kb", "--budget"), 500'000u);
    EXPECT_EQ(parse_bytes("2GB", "--budget"), 2'000'000'000u);
    EXPECT_EQ(parse_bytes("4096", "--budget"), 4096u);
    for (const char* wrong : {"", "MiB", "0", "-1", "12 parsecs", "1e30GB", "inf", "3MiBs"}) {
        try {
            parse_bytes(wrong, "--budget");
            ADD_FAILURE() << wrong;
        } catch (const UsageError& error) {
            EXPECT_TRUE(says(error.what(), "--budget"));
        }
    }
    EXPECT_EQ(byte_text(812), "812 B");
    EXPECT_EQ(byte_text(3 << 20), "3.0 MiB");
    EXPECT_EQ(byte_text(size_t{12} << 30), "12 GiB");
    EXPECT_EQ(grouped(1204), "1,204");
    EXPECT_EQ(grouped(86'400'000), "86,400,000");
    EXPECT_EQ(grouped(999), "999");
}

TEST(WatchedVideos, KnowTheWallClockByTheirNewestFrame) {
    constexpr int64_t second_us = 1'000'000, hour_us = 3600 * second_us, noon_us = 500'000 * hour_us;
    std::vector<WatchedVideo> videos{{.source = "camera:0"}};
    WatchedVideo& camera = videos.front();
    camera.live = true;
    camera.start_us = 100 * second_us;
    EXPECT_EQ(wall_of(camera.start_us, videos, 1), 1) << "not known yet: now";
    camera.watched_us = 10 * second_us;
    camera.came_at(noon_us);
    EXPECT_EQ(wall_of(108 * second_us, videos, 1), noon_us - 2 * second_us);
    camera.watched_us = 11 * second_us;
    camera.came_at(noon_us + 8 * hour_us);  // the machine slept, or its clock was set
    EXPECT_EQ(wall_of(111 * second_us, videos, 1), noon_us + 8 * hour_us);
    EXPECT_TRUE(camera.runs_on_with("camera:0"));
    WatchedVideo file{.source = "a.mp4"};
    file.came_at(noon_us);
    EXPECT_EQ(file.began_at_us, 0) << "it was filmed at another time";
}

TEST(WatchedVideos, SurviveTheirFile) {
    WatchedVideo video{.source = "a \"b\".mp4"};
    video.sampling.fps = 0.5;
    video.sampling.keyframes = true;
    video.watched_us = 7'500'000;
    video.frames = 4;
    WatchedVideo next{.source = "c.mp4"};
    next.start_us = video.next_start_us();
    EXPECT_EQ(next.start_us, 8'000'000) << "at a whole second";
    const std::vector<WatchedVideo> found = read_watched(watched_json(std::vector{video, next}), "x.lvm");
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].source, video.source);
    EXPECT_EQ(found[0].sampling.fps, 0.5);
    EXPECT_TRUE(found[0].sampling.keyframes && found[0].goes_on_with(video.source));
    EXPECT_EQ(found[1].start_us, 8'000'000);
    for (const char* wrong : {"", "{", "[1]", "[{\"source\": 3}]"})
        EXPECT_THROW(read_watched(wrong, "x.lvm"), Error) << wrong;
    EXPECT_THROW(read_watched(watched_json(std::vector{next, video}), "x.lvm"), Error) << "out of order";
}

}  // namespace
}  // namespace lv::test
