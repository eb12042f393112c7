// RTSP as cameras speak it: ffmpeg records h264 to a server on the loopback, Longview plays it; what goes wrong is
// told.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "kernels/core/error.h"
#include "tests/app/child_process.h"
#include "tests/app/rtsp_server.h"
#include "tests/app/run_program.h"
#include "vision/ffmpeg_source.h"

namespace lv::test {
namespace {

using nlohmann::json;

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Generated pictures as h264, ten a second, a key frame each second.
std::vector<std::string> sender(const std::string& url, const std::string& size) {
    return {"ffmpeg",
            "-v",
            "quiet",
            "-re",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=rate=10:size=" + size,
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-tune",
            "zerolatency",
            "-g",
            "10",
            "-f",
            "rtsp",
            "-rtsp_transport",
            "tcp",
            url};
}

class Rtsp : public testing::Test {
   protected:
    void SetUp() override {
        if (!has_program("ffmpeg")) GTEST_SKIP() << "no ffmpeg to send with";
    }
    // What opening and reading a frame fails with; empty: it did not.
    static std::string failure(const std::string& url, int64_t deadline_us = 10'000'000) {
        try {
            const auto source = open_source(url, {.deadline_us = deadline_us, .live = true});
            return source->next() ? "" : "no frame";
        } catch (const Error& error) {
            return error.what();
        }
    }
    static std::string failure_of(RtspHabits habits, int64_t deadline_us = 10'000'000) {
        const RtspServer server(std::move(habits));
        return failure(server.url(), deadline_us);
    }
    TemporaryFolder folder_;
};

TEST_F(Rtsp, AServerThatIsKilledIsWatchedAgainWhenItIsBack) {
    auto server = std::make_unique<RtspServer>();
    const int port = server->port();
    const std::string url = server->url(), events = (folder_ / "events.jsonl").string();
    ChildProcess from(sender(url, "320x240"));
    server->wait_for_sender();
    RunRequest request;
    request.arguments = {"agent", url, "--fps", "4", "--events", events, "--every", "1s", "Is there a person now?"};
    int step = 0;  // driven by what is said, not by the clock
    request.interrupt_when = [&](const std::string& err) {
        if (step == 0 && has(err, "person now? ")) {
            server.reset();
            step = 1;
        } else if (step == 1 && has(err, "nobody listens there")) {
            server = std::make_unique<RtspServer>(RtspHabits{}, port);
            from.start(sender(url, "480x360"));
            step = 2;
        }
        return step == 2 && has(err, "is back after") && has(err, "the picture is now 480x360, it was 320x240");
    };
    const Outcome outcome = run_longview(request);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_TRUE(has(outcome.err, "(h264 320x240)")) << outcome.err;
    EXPECT_TRUE(has(outcome.err, "lost once")) << outcome.err;
    EXPECT_EQ(server->played_by(), "tcp");
    std::ifstream file(events);
    double gap_s = 0, back_s = 0, lost_s = 0;
    for (std::string line; std::getline(file, line);) {
        const json event = json::parse(line);
        if (event.value("state", "") == "lost") lost_s = event.at("time");
        if (event.value("state", "") != "back") continue;
        gap_s = event.at("gap");
        back_s = event.at("time");
    }
    EXPECT_GT(gap_s, 0);
    EXPECT_NEAR(back_s - lost_s, gap_s, 0.3) << "time went on meanwhile";
}

TEST_F(Rtsp, AServerThatHoldsTheLineAndSendsNothingIsLost) {
    RtspServer server;
    const ChildProcess from(sender(server.url(), "320x240"));
    server.wait_for_sender();
    RunRequest request;
    request.arguments = {"agent",
                         server.url(),
                         "--fps",
                         "4",
                         "--deadline",
                         "2s",
                         "--retries",
                         "0",
                         "--every",
                         "1s",
                         "Is there a person now?"};
    bool muted = false;
    request.interrupt_when = [&](const std::string& err) {
        if (!muted && has(err, "person now? ")) server.mute(), muted = true;
        return false;
    };
    const Outcome outcome = run_longview(request);
    EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
    EXPECT_TRUE(has(outcome.err, "nothing came for 2 s; check that the sender still runs")) << outcome.err;
}

TEST_F(Rtsp, AServerThatNeverAnswersEndsAtTheDeadline) {
    for (const char* method : {"OPTIONS", "DESCRIBE"})
        EXPECT_TRUE(has(failure_of({.silent_at = method}, 1'000'000),
                        "no answer within 1 s; check that the sender runs and the address is right, or raise the "
                        "deadline"))
            << method;
    RtspServer late({.silent_at = "PLAY"}), mute({.mute = true});
    const ChildProcess to_late(sender(late.url(), "320x240")), to_mute(sender(mute.url(), "320x240"));
    late.wait_for_sender();
    mute.wait_for_sender();
    EXPECT_TRUE(has(failure(late.url(), 1'000'000), "no answer within 1 s"));
    const std::string said = failure(mute.url(), 1'000'000);
    EXPECT_TRUE(has(said, "no picture came within 1 s") || has(said, "nothing came for 1 s")) << said;
}

TEST_F(Rtsp, WhatTheServerRefusesIsSaidWithWhatToDo) {
    EXPECT_TRUE(has(failure_of({}), "404 Not Found; the server is there, but has no stream of this name"));
    RtspServer server({.authorization = "Basic bmFtZTp3b3Jk"});
    const ChildProcess from(sender(server.url(), "320x240"));
    server.wait_for_sender();
    const auto with = [&](const std::string& who, const std::string& path = "yard") {
        return "rtsp://" + who + "@" + server.url(path).substr(7);
    };
    EXPECT_TRUE(has(failure(server.url()), "wants a name and a password"));
    const std::string wrong = failure(with("name:wrong"));
    EXPECT_TRUE(has(wrong, "rtsp://name:***@127.0.0.1") && has(wrong, "wants a name and a password")) << wrong;
    EXPECT_FALSE(has(wrong, "wrong@")) << "a password stands in no message";
    EXPECT_EQ(failure(with("name:word")), "");
    EXPECT_TRUE(has(failure(with("name:word", "street")), "no stream of this name"));
    EXPECT_TRUE(has(failure("rtsp://127.0.0.1:" + std::to_string(free_port()) + "/yard"), "nobody listens there"));
}

TEST_F(Rtsp, APasswordIsKeptNowhere) {
    RtspServer server({.authorization = "Basic bmFtZTpzZWNyZXQ="});
    const ChildProcess from(sender(server.url(), "320x240"));
    server.wait_for_sender();
    const std::string url = "rtsp://name:secret@" + server.url().substr(7), memory = (folder_ / "yard.lvm").string();
    for (const char* joined : {"(h264 320x240)", "going on from "}) {  // it is known again, too
        RunRequest request;
        request.arguments = {"agent", url, "--fps", "4", "--save", memory, "--every", "1s", "Is there a person now?"};
        request.interrupt_when = [](const std::string& err) { return has(err, "person now? "); };
        const Outcome outcome = run_longview(request);
        EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
        EXPECT_TRUE(has(outcome.err, joined)) << outcome.err;
        EXPECT_FALSE(has(outcome.err, "secret")) << outcome.err;
    }
    RunRequest asked;
    asked.arguments = {"ask", url};
    const Outcome without_question = run_longview(asked);
    EXPECT_EQ(without_question.exit_code, 2);
    EXPECT_TRUE(has(without_question.err, "longview ask rtsp://name:***@127.0.0.1")) << without_question.err;
    std::ifstream file(memory, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    EXPECT_TRUE(has(bytes, "rtsp://name:***@127.0.0.1"));
    EXPECT_FALSE(has(bytes, "secret"));
}

TEST_F(Rtsp, AServerWithoutTcpIsPlayedByUdp) {
    RtspServer server({.tcp = false});
    const ChildProcess from(sender(server.url(), "320x240"));
    server.wait_for_sender();
    EXPECT_EQ(failure(server.url()), "");
    EXPECT_EQ(server.played_by(), "udp");
    RtspServer neither({.tcp = false, .udp = false});
    const ChildProcess other(sender(neither.url(), "320x240"));
    neither.wait_for_sender();
    EXPECT_TRUE(has(failure(neither.url()), "neither by TCP nor by UDP"));
}

}  // namespace
}  // namespace lv::test
