// `longview agent` as a user runs it: files, senders on the loopback that are killed and come back, a screen, saving.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "tests/app/child_process.h"
#include "tests/app/clips.h"
#include "tests/app/run_program.h"

namespace lv::test {
namespace {

using nlohmann::json;

const std::string clip = bundled_clip().string();

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

RunRequest agent(const std::string& source, const std::vector<std::string>& more) {
    RunRequest request;
    request.arguments = {"agent", source};
    request.arguments.insert(request.arguments.end(), more.begin(), more.end());
    return request;
}

std::vector<json> lines_of(const std::string& text) {
    std::istringstream stream(text);
    std::vector<json> lines;
    for (std::string line; std::getline(stream, line);) lines.push_back(json::parse(line));
    return lines;
}

// A sender of generated pictures: ffmpeg, ten a second, at its own pace.
std::vector<std::string> sender(const std::string& to, const std::string& size, bool sound = false) {
    std::vector<std::string> words{"ffmpeg", "-v",    "quiet", "-re",
                                   "-f",     "lavfi", "-i",    sound ? "sine" : "testsrc2=rate=10:size=" + size};
    const std::vector<std::string> codec =
        sound ? std::vector<std::string>{"-c:a", "mp2"} : std::vector<std::string>{"-c:v", "mpeg2video", "-g", "5"};
    words.insert(words.end(), codec.begin(), codec.end());
    words.insert(words.end(), {"-f", "mpegts", to});
    return words;
}

class Agent : public testing::Test {
   protected:
    void need_ffmpeg() {
        if (!has_program("ffmpeg")) GTEST_SKIP() << "no ffmpeg to send with";
    }
    std::string udp(int port) { return "udp://127.0.0.1:" + std::to_string(port); }
    TemporaryFolder folder_;
};

TEST_F(Agent, TellsOfAFileOnceWithItsPictureAndEndsWithIt) {
    const std::string events = (folder_ / "events.jsonl").string(), pictures = (folder_ / "pictures").string();
    const Outcome outcome = run_longview({"agent", clip, "--speed", "max", "--tell", "a person appears", "--tell",
                                          "a zebra appears", "--every", "30s", "What is visible now?", "--events",
                                          events, "--snapshots", pictures, "--exec", "echo ran '{text}; {time}'"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_TRUE(has(outcome.err, "\"a person appears\": asks \"Is there a person now?\"")) << outcome.err;
    EXPECT_TRUE(has(outcome.err, "ran a person appears; 0:0")) << outcome.err;
    std::ifstream file(events);
    size_t told = 0, regular = 0;
    for (const json& event : lines_of({std::istreambuf_iterator<char>(file), {}})) {
        const bool source = event.at("event") == "source";
        told += event.at("event") == "told";
        regular += event.at("event") == "regular";
        EXPECT_TRUE(event.contains("wall"));
        if (source) continue;
        EXPECT_TRUE(std::filesystem::file_size(event.at("picture").get<std::string>()) > 1000);
        EXPECT_FALSE(event.at("evidence").empty());
        EXPECT_EQ(event.value("condition", "a person appears"), "a person appears");
    }
    EXPECT_EQ(told, 1u);
    EXPECT_EQ(regular, 2u);
    EXPECT_TRUE(has(outcome.err, "watched up to 1:19: 80 frames,")) << outcome.err;
}

TEST_F(Agent, AnswersLinesFromAPipeWhileItWatches) {
    RunRequest request = agent(clip, {"--speed", "max", "--json"});
    request.input = "Is there a person now?\n\nWhat is visible at 0:00?\n";
    const Outcome outcome = run_longview(request);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    std::vector<std::string> questions;
    for (const json& line : lines_of(outcome.out))
        if (line.at("event") == "answer") questions.push_back(line.at("question"));
    EXPECT_EQ(questions, (std::vector<std::string>{"Is there a person now?", "What is visible at 0:00?"}));
}

TEST_F(Agent, LeavesWhenAPipeSaysSoAndExplainsWhatIsNoCommand) {
    RunRequest request = agent("test:rate=10", {"--fps", "2"});
    request.input = "/what\n  /forget \n/quit\n";
    const Outcome outcome = run_longview(request);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(count(outcome.err, "/quit ends the watching"), 1u) << outcome.err;
    EXPECT_EQ(count(outcome.err, "forgotten; what was watched is still known"), 1u) << outcome.err;
    EXPECT_TRUE(has(outcome.err, "watched up to 0:")) << outcome.err;
}

TEST_F(Agent, KeepsWhatItSawWhenNobodyReadsItsAnswers) {
    const std::string memory = (folder_ / "day.lvm").string();
    RunRequest request = agent(clip, {"--speed", "max", "--save", memory});
    request.input = "Is there a person now?\n";
    request.output_file = "/dev/full";
    const Outcome outcome = run_longview(request);
    EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
    EXPECT_TRUE(has(outcome.err, "saved to " + memory)) << outcome.err;
    EXPECT_TRUE(has(outcome.err, "cannot write to standard output")) << outcome.err;
    const Outcome info = run_longview({"info", memory, "--json"});
    EXPECT_GT(json::parse(info.out).at("frames").get<int>(), 0);
}

TEST_F(Agent, TellsThatItsLastSaveFailedThoughItWasStopped) {
    const std::filesystem::path kept = folder_ / "kept";
    const std::string memory = (kept / "day.lvm").string();
    std::filesystem::create_directory(kept);
    RunRequest request =
        agent("test:rate=10", {"--fps", "2", "--save", memory, "--every", "1s", "Is there a person now?"});
    request.interrupt_when = [&](const std::string& err) {
        return has(err, "person now? ") && std::filesystem::remove_all(kept) > 0;
    };
    const Outcome outcome = run_longview(request);
    EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
    EXPECT_TRUE(has(outcome.err, "cannot write " + memory)) << outcome.err;
}

TEST_F(Agent, APictureThatCannotBeWrittenEndsNothing) {
    const std::string memory = (folder_ / "day.lvm").string(), pictures = (folder_ / "pictures").string();
    RunRequest request = agent("test:rate=10", {"--fps", "2", "--save", memory, "--snapshots", pictures, "--every",
                                                "1s", "Is there a person now?"});
    bool lost = false;
    request.interrupt_when = [&](const std::string& err) {
        if (!lost && has(err, "watching test:")) {
            std::filesystem::rename(pictures, pictures + "-aside");
            std::filesystem::create_symlink("pictures", pictures);  // leads to itself
            lost = true;
        }
        return has(err, "--snapshots: cannot write");
    };
    const Outcome outcome = run_longview(request);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_TRUE(has(outcome.err, "saved to " + memory)) << outcome.err;
}

TEST_F(Agent, RefusesWhatMakesNoSense) {
    const auto refused = [](std::vector<std::string> more, const std::string& part) {
        RunRequest request = agent("test:", more);
        const Outcome outcome = run_longview(request);
        EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
        EXPECT_TRUE(has(outcome.err, part)) << outcome.err;
    };
    refused({"--tell", "a dragon appears"}, "'dragon' is no kind of thing that the model knows");
    refused({"--every", "0s", "What?"}, "--every: at least 1s");
    refused({"--speed", "fast"}, "expected a number from 0.01 to 10000 such as 2, or max");
    refused({"--segment", "10s"}, "--record names none");
    refused({"--record", "a.mp4"}, ".mkv or .ts");
    refused({"--record", "a.mkv"}, "bare pictures");
    refused({"--exec", "say 'x"}, "has no end");
    const Outcome missing = run_longview({"agent", "camera:77"});
    EXPECT_EQ(missing.exit_code, 1);
    EXPECT_TRUE(has(missing.err, "camera:77") && has(missing.err, "camera")) << missing.err;
    const Outcome nobody = run_longview({"agent", "tcp://127.0.0.1:" + std::to_string(free_port()), "--retries", "1"});
    EXPECT_EQ(nobody.exit_code, 1);
    EXPECT_TRUE(has(nobody.err, "trying again in") && has(nobody.err, "tried 2 times")) << nobody.err;
}

TEST_F(Agent, ALostSenderComesBackAndARestartGoesOn) {
    need_ffmpeg();
    const int port = free_port();
    const std::string memory = (folder_ / "yard.lvm").string(), record = (folder_ / "yard.mkv").string();
    ChildProcess from(sender(udp(port), "320x240"));
    RunRequest request = agent(udp(port), {"--fps", "4", "--deadline", "2s", "--save", memory, "--record", record,
                                           "--every", "1s", "Is there a person now?"});
    int step = 0;  // driven by what is said, not by the clock
    request.interrupt_when = [&](const std::string& err) {
        if (step == 0 && has(err, "person now? ")) {  // before the first picture there is nothing to lose
            from.kill();
            step = 1;
        } else if (step == 1 && has(err, "nothing came for 2 s")) {
            from.start(sender(udp(port), "480x360"));
            step = 2;
        }
        return step == 2 && has(err, "is back after") && has(err, "the picture is now 480x360, it was 320x240");
    };
    const Outcome outcome = run_longview(request);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_TRUE(has(outcome.err, "lost ")) << outcome.err;  // once, or more often where the sender starves
    EXPECT_TRUE(has(outcome.err, "saved to " + memory)) << outcome.err;
    size_t recorded = 0;
    for (const std::string& name : folder_.names())
        if (name.ends_with(".mkv")) {
            ++recorded;
            const Outcome probed =
                run_other({"ffprobe", "-v", "error", "-count_frames", "-show_entries",
                           "stream=codec_name,nb_read_frames", "-of", "csv=p=0", (folder_ / name).string()});
            EXPECT_TRUE(has(probed.out, "mpeg2video,")) << probed.out << probed.err;
        }
    EXPECT_GE(recorded, 2u) << "one for each size";

    RunRequest again = agent(udp(port), {"--save", memory});
    again.interrupt_when = [](const std::string& err) { return has(err, "watching udp"); };
    const Outcome second = run_longview(again);
    EXPECT_EQ(second.exit_code, 0) << second.err;
    EXPECT_TRUE(has(second.err, "going on from " + memory + " (watched up to 0:0")) << second.err;
    const Outcome info = run_longview({"info", memory, "--json"});
    EXPECT_EQ(json::parse(info.out).at("videos").size(), 1u) << info.out;
}

TEST_F(Agent, TakesStreamsThatLosePacketsOrHaveNoPictureYet) {
    need_ffmpeg();
    const int port = free_port();
    const LossyRelay relay(port, 20);
    ChildProcess from(sender(udp(relay.port()), "320x240", true));  // sound alone, at first
    RunRequest request = agent(udp(port), {"--fps", "4", "--deadline", "3s"});
    int step = 0;
    request.interrupt_when = [&](const std::string& err) {
        if (step == 0 && has(err, "only sound")) {
            from.start(sender(udp(relay.port()) + "?pkt_size=188", "320x240"));
            step = 1;
        }
        return step == 1 && has(err, "watching udp");
    };
    const Outcome outcome = run_longview(request);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
}

TEST_F(Agent, CallsASenderThatListens) {
    need_ffmpeg();
    for (const std::string scheme : {"tcp", "srt"}) {
        const std::string address = scheme + "://127.0.0.1:" + std::to_string(free_port());
        ChildProcess from(sender(address + (scheme == "tcp" ? "?listen=1" : "?mode=listener"), "320x240"));
        RunRequest request = agent(address, {"--retries", "20"});
        request.interrupt_when = [](const std::string& err) { return has(err, "watching "); };
        const Outcome outcome = run_longview(request);
        EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    }
}

TEST_F(Agent, WatchesAScreen) {
    if (!has_program("Xvfb") || !has_program("ffmpeg"))
        GTEST_SKIP() << "no Xvfb to be the screen, or no ffmpeg to try it";
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    ChildProcess screen;
    screen.start({"Xvfb", "-displayfd", std::to_string(ends[1]), "-screen", "0", "320x240x24"}, ends[1]);
    close(ends[1]);
    std::string number;  // a line, once it is ready; who closes before its end kills the server
    for (char c = 0; read(ends[0], &c, 1) == 1 && c != '\n';) number += c;
    close(ends[0]);
    ASSERT_FALSE(number.empty());
    const std::string display = ":" + number;
    RunRequest request = agent("screen:" + display, {"--fps", "5"});
    request.interrupt_when = [](const std::string& err) { return has(err, "watching screen:"); };
    const Outcome outcome = run_longview(request);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_TRUE(has(outcome.err, "320x240")) << outcome.err;
}

// One line there, one line back.
std::string call(const std::string& path, const std::string& line) {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    std::string answer;
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        const std::string sent = line + "\n";
        if (send(fd, sent.data(), sent.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(sent.size()))
            for (char c = 0; read(fd, &c, 1) == 1 && c != '\n';) answer += c;
    }
    close(fd);
    return answer;
}

TEST_F(Agent, AnswersOnItsSocket) {
    const std::string path = (folder_ / "agent.sock").string();
    RunRequest request = agent("test:rate=10", {"--fps", "2", "--socket", path});
    std::vector<std::string> answers;
    request.interrupt_when = [&](const std::string& err) {
        if (!has(err, "watching test:")) return false;
        for (const char* line :
             {"{\"tell\": \"a person appears\"}", "{\"tell\": \"a dragon\"}", "hello", "{\"state\": true}"})
            answers.push_back(call(path, line));
        // Before the first frame has joined the memory there is nothing to answer from.
        while (has(call(path, "{\"state\": true}"), "\"frames\":0,")) std::this_thread::yield();
        answers.push_back(call(path, "{\"question\": \"Is there a person now?\", \"id\": 7}"));
        const std::string deep(20'000, '['), nowhere(20'000, ']');
        answers.push_back(call(path, "{\"tell\": \"a dragon\", \"id\": " + deep + nowhere + "}"));
        answers.push_back(call(path, "{\"tell\": " + deep));
        return true;
    };
    const Outcome outcome = run_longview(request);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    ASSERT_EQ(answers.size(), 7u);
    EXPECT_TRUE(has(answers[0], "\"item\":1")) << answers[0];
    EXPECT_TRUE(has(answers[1], "\"error\"")) << answers[1];
    EXPECT_TRUE(has(answers[2], "no JSON object")) << answers[2];
    EXPECT_TRUE(has(answers[3], "\"a person appears\"")) << answers[3];
    const json answer = json::parse(answers[4]);
    EXPECT_EQ(answer.at("id"), 7);
    EXPECT_TRUE(answer.contains("answer")) << answers[4];
    EXPECT_LT(answers[5].size(), 1000u) << "an id is given back so deep only";
    EXPECT_TRUE(has(answers[5], "\"error\"")) << answers[5];
    EXPECT_TRUE(has(answers[6], "no JSON object")) << answers[6];
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(AgentEvents, AreNotAppendedToTheVideo) {
    const TemporaryFolder folder;
    const std::string video = (folder / "clip.mp4").string();
    std::filesystem::copy_file(clip, video);
    const Outcome outcome = run_longview(agent(video, {"--speed", "max", "--tell", "a person appears", "--events", video}));
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_TRUE(has(outcome.err, "--events " + video + ": this is the video itself")) << outcome.err;
    EXPECT_EQ(read_text(video), read_text(clip));
}

}  // namespace
}  // namespace lv::test
