// Standing questions as the window has them: added at any time, told while it watches.
#include "tests/desktop/view_fixture.h"
#include "tests/temporary_folder.h"

namespace lv {
namespace {

class AStandingQuestion : public AView {
   protected:
    // A view whose model is there.
    void ready(SessionView& view) {
        ASSERT_TRUE(until(view, [&] { return view.model() != nullptr; }));
    }
};

TEST_F(AStandingQuestion, IsToldOnceItIsSure) {
    SessionView view(settings_);
    ready(view);
    EXPECT_EQ(view.add_standing("a person appears"), "");
    EXPECT_EQ(view.add_standing("every 20s: what is visible now"), "");
    view.open(clip_);
    ASSERT_TRUE(until_watched(view));
    ASSERT_TRUE(until(view, [&] { return view.told().size() >= 4; }));
    ASSERT_EQ(view.standing().size(), 2u);
    EXPECT_EQ(view.standing()[1].text, "every 20s: what is visible now");
    size_t regular = 0;
    for (const Told& told : view.told()) {
        regular += told.regular ? 1 : 0;
        if (!told.regular) {
            EXPECT_EQ(told.text, "a person appears");
        }
    }
    EXPECT_GE(regular, 3u);
    EXPECT_LT(regular, view.told().size());
    EXPECT_TRUE(view.turns().empty());  // they are no part of the conversation
    EXPECT_EQ(view.told_in_all(), view.told().size());
    EXPECT_EQ(view.standing()[0].left_out, 0);  // a file waits for the answers
}

TEST_F(AStandingQuestion, IsTakenAndLeftWhileFramesCome) {
    settings_.fps = 5;
    SessionView view(settings_);
    view.open(clip_);
    ASSERT_TRUE(until(view, [&] { return view.meters().frames > 2; }));
    EXPECT_EQ(view.add_standing("a person appears"), "");
    ASSERT_TRUE(until(view, [&] { return view.standing()[0].asked > 1; }));
    EXPECT_GE(view.standing()[0].answered_us, 0);
    view.remove_standing(0);
    EXPECT_TRUE(view.standing().empty());
    view.remove_standing(0);  // there is none
    view.stop_watching();
    ASSERT_TRUE(until_watched(view));
}

TEST_F(AStandingQuestion, StaysForTheNextVideo) {
    SessionView view(settings_);
    ready(view);
    EXPECT_EQ(view.add_standing("a person appears"), "");
    for (int i = 0; i < 2; ++i) {
        view.open(clip_);
        EXPECT_TRUE(view.told().empty());
        ASSERT_TRUE(until_watched(view));
        ASSERT_TRUE(until(view, [&] { return !view.told().empty(); }));
    }
}

TEST_F(AStandingQuestion, SaysWhatIsWrongWithIt) {
    SessionView view(settings_);
    EXPECT_NE(view.add_standing("a person appears").find("being loaded"), std::string::npos);
    ready(view);
    EXPECT_EQ(view.standing_meaning(""), "");
    EXPECT_NE(view.standing_meaning("a dog appears").find("dog"), std::string::npos);
    for (const char* text : {"the meaning of life", "", "every 0s: what is visible", "every bit: what"}) {
        EXPECT_NE(view.add_standing(text), "") << text;
        EXPECT_EQ(view.add_standing(text).find('\n'), std::string::npos) << text;
    }
    EXPECT_EQ(view.add_standing("a dog appears"), "");
    EXPECT_NE(view.add_standing("a dog appears"), "");  // once is enough
    EXPECT_EQ(view.standing().size(), 1u);
}

}  // namespace
}  // namespace lv
