// What of the window has to be drawn anew.
#include "app/desktop/window_damage.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>

namespace lv {
namespace {

// Dear ImGui drawing without a screen.
class TheDamage : public testing::Test {
   protected:
    TheDamage() {
        ImGui::CreateContext();
        ImGuiIO& io = ImGui::GetIO();
        io.IniFilename = nullptr;
        io.DisplaySize = {400, 300};
        unsigned char* pixels = nullptr;
        int width = 0, height = 0;
        io.Fonts->GetTexDataAsRGBA32(&pixels, &width, &height);
    }
    ~TheDamage() override { ImGui::DestroyContext(); }

    DrawRect frame(const std::function<void(ImDrawList&)>& draw, const std::vector<ImTextureID>& fresh = {}) {
        ImGui::NewFrame();
        draw(*ImGui::GetBackgroundDrawList());
        ImGui::Render();
        return damage_.of(*ImGui::GetDrawData(), fresh);
    }
    DrawDamage damage_;
};

constexpr ImU32 white = IM_COL32_WHITE;

void expect_around(const DrawRect& rect, float left, float top, float right, float bottom) {
    EXPECT_NEAR(rect.from.x, left, 1.1f);
    EXPECT_NEAR(rect.from.y, top, 1.1f);
    EXPECT_NEAR(rect.to.x, right, 1.1f);
    EXPECT_NEAR(rect.to.y, bottom, 1.1f);
}

TEST_F(TheDamage, IsEverythingAtFirstAndNothingWhenNothingChanges) {
    const auto draw = [](ImDrawList& list) { list.AddRectFilled({10, 10}, {50, 50}, white); };
    expect_around(frame(draw), 0, 0, 400, 300);
    EXPECT_TRUE(frame(draw).empty());
    damage_.forget();
    expect_around(frame(draw), 0, 0, 400, 300);
    ImGui::GetIO().DisplaySize = {300, 300};
    expect_around(frame(draw), 0, 0, 300, 300);
}

TEST_F(TheDamage, IsWhereSomethingWasAndWhereItIs) {
    const auto at = [](float x) {
        return [x](ImDrawList& list) {
            list.AddRectFilled({0, 0}, {400, 20}, white);
            list.AddLine({x, 30}, {x, 90}, white, 2);
            list.AddRectFilled({10, 200}, {50, 250}, white);
        };
    };
    frame(at(100));
    expect_around(frame(at(130)), 98, 30, 132, 90);
}

TEST_F(TheDamage, IsWhatCameAndWhatWent) {
    const auto base = [](ImDrawList& list) { list.AddRectFilled({10, 10}, {50, 50}, white); };
    const auto more = [&](ImDrawList& list) {
        base(list);
        list.AddRectFilled({100, 100}, {150, 120}, white);
    };
    frame(base);
    expect_around(frame(more), 100, 100, 150, 120);
    expect_around(frame(base), 100, 100, 150, 120);
}

TEST_F(TheDamage, StaysInsideTheClip) {
    const auto draw = [](ImU32 colour) {
        return [colour](ImDrawList& list) {
            list.PushClipRect({20, 20}, {60, 60});
            list.AddRectFilled({0, 0}, {400, 300}, colour);
            list.PopClipRect();
        };
    };
    frame(draw(white));
    expect_around(frame(draw(IM_COL32_BLACK)), 20, 20, 60, 60);
}

TEST_F(TheDamage, IsAPictureThatChangedInItsTexture) {
    int name = 0;
    const ImTextureID texture = &name;
    const auto draw = [&](ImDrawList& list) {
        list.AddRectFilled({0, 0}, {400, 20}, white);
        list.AddImage(texture, {100, 100}, {200, 180});
    };
    frame(draw);
    EXPECT_TRUE(frame(draw).empty());
    expect_around(frame(draw, {texture}), 100, 100, 200, 180);
}

TEST_F(TheDamage, ClipsAFrameToAPart) {
    frame([](ImDrawList& list) { list.AddRectFilled({0, 0}, {400, 300}, white); });
    clip_to(*ImGui::GetDrawData(), {{10, 20}, {30, 40}});
    const ImVec4 clip = ImGui::GetDrawData()->CmdLists[0]->CmdBuffer[0].ClipRect;
    EXPECT_EQ(clip.x, 10);
    EXPECT_EQ(clip.w, 40);
}

}  // namespace
}  // namespace lv
