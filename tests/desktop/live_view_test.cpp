// A stream that is lost and comes back, as the window tells of it.
#include "tests/app/child_process.h"
#include "tests/app/run_program.h"
#include "tests/desktop/view_fixture.h"

namespace lv {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class ALiveView : public AView {
   protected:
    ALiveView() {
        settings_.fps = 5;
        port_ = test::free_port();
    }
    std::string address() const { return "tcp://127.0.0.1:" + std::to_string(port_); }
    // Generated pictures, ten a second, for one who calls.
    std::vector<std::string> sender() const {
        return {"ffmpeg",
                "-v",
                "quiet",
                "-re",
                "-f",
                "lavfi",
                "-i",
                "testsrc2=rate=10:size=320x240",
                "-c:v",
                "mpeg2video",
                "-g",
                "5",
                "-f",
                "mpegts",
                address() + "?listen=1"};
    }
    int port_ = 0;
};

TEST_F(ALiveView, SaysThatAStreamIsLostGoesOnWhenItIsBackAndShowsTheGap) {
    if (!test::has_program("ffmpeg")) GTEST_SKIP() << "no ffmpeg to send with";
    SessionView view(settings_);
    view.open(address());
    ASSERT_TRUE(until(view, [&] { return !view.trouble().empty(); })) << "nobody listens yet";
    EXPECT_EQ(view.phase(), Phase::loading);
    EXPECT_TRUE(has(view.trouble(), "rying again")) << view.trouble();
    {
        test::ChildProcess from(sender());
        ASSERT_TRUE(until(view, [&] { return view.meters().frames > 3; }));
        EXPECT_EQ(view.phase(), Phase::watching);
        EXPECT_TRUE(view.watches_live());
        EXPECT_EQ(view.trouble(), "");
        EXPECT_TRUE(view.gaps().empty());
    }
    ASSERT_TRUE(until(view, [&] { return !view.trouble().empty(); }));
    EXPECT_TRUE(has(view.trouble(), "Nothing comes since 0:0")) << view.trouble();
    EXPECT_EQ(view.phase(), Phase::watching);  // its memory can be asked meanwhile
    view.ask("is there a person in the video");
    EXPECT_TRUE(until_answered(view));
    EXPECT_EQ(view.turns().back().state, TurnState::answered);

    test::ChildProcess from(sender());
    ASSERT_TRUE(until(view, [&] { return !view.gaps().empty(); }));
    EXPECT_EQ(view.trouble(), "");
    EXPECT_TRUE(has(view.notices().back().text, "is back after")) << view.notices().back().text;
    const Gap gap = view.gaps().front();
    EXPECT_TRUE(view.gap_at((gap.start_us + gap.end_us) / 2));
    EXPECT_FALSE(view.gap_at(gap.end_us));
    view.stop_watching();
    ASSERT_TRUE(until_watched(view));
    EXPECT_EQ(view.phase(), Phase::watched) << view.error();
    EXPECT_EQ(view.gaps().size(), 1u);
}

TEST_F(ALiveView, StopsWaitingForAStreamThatNeverComes) {
    SessionView view(settings_);
    view.open(address());
    ASSERT_TRUE(until(view, [&] { return !view.trouble().empty(); }));
    view.stop_watching();
    ASSERT_TRUE(until_watched(view));
    EXPECT_EQ(view.phase(), Phase::failed);
    EXPECT_TRUE(view.can_go_on());
    EXPECT_TRUE(has(view.error(), "Nothing had come")) << view.error();
}

}  // namespace
}  // namespace lv
