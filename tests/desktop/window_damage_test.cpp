// What of the window has to be drawn anew.
#include "app/desktop/window_damage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <random>

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

    DrawRegion frame(const std::function<void(ImDrawList&)>& draw, const std::vector<ImTextureID>& fresh = {}) {
        ImGui::NewFrame();
        draw(*ImGui::GetBackgroundDrawList());
        ImGui::Render();
        return damage_.of(*ImGui::GetDrawData(), fresh);
    }
    DrawDamage damage_;
};

constexpr ImU32 white = IM_COL32_WHITE;

void expect_around(const DrawRegion& region, float left, float top, float right, float bottom, size_t part = 0) {
    ASSERT_GT(region.parts().size(), part);
    const DrawRect& rect = region.parts()[part];
    EXPECT_NEAR(rect.from.x, left, 2.1f);
    EXPECT_NEAR(rect.from.y, top, 2.1f);
    EXPECT_NEAR(rect.to.x, right, 2.1f);
    EXPECT_NEAR(rect.to.y, bottom, 2.1f);
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

TEST_F(TheDamage, OfTwoPlacesLeavesOutWhatLiesBetween) {
    const auto at = [](ImU32 colour) {
        return [colour](ImDrawList& list) {
            list.AddRectFilled({10, 10}, {60, 60}, colour);
            list.AddRectFilled({100, 100}, {200, 200}, white);
            list.AddRectFilled({340, 240}, {390, 290}, colour);
        };
    };
    frame(at(white));
    const DrawRegion changed = frame(at(IM_COL32_BLACK));
    ASSERT_EQ(changed.parts().size(), 2u);
    expect_around(changed, 10, 10, 60, 60, 0);
    expect_around(changed, 340, 240, 390, 290, 1);
}

TEST_F(TheDamage, IsAPicturesPlaceAndNotAPxMore) {
    int name = 0;
    const ImTextureID texture = &name;
    const auto draw = [&](ImDrawList& list) { list.AddImage(texture, {100, 100}, {200, 180}); };
    frame(draw);
    const DrawRegion changed = frame(draw, {texture});
    ASSERT_EQ(changed.parts().size(), 1u);
    EXPECT_TRUE((DrawRect{{100, 100}, {200, 180}}.holds(changed.parts()[0])));
}

TEST_F(TheDamage, ClipsAFrameToItsParts) {
    frame([](ImDrawList& list) {
        list.AddRectFilled({0, 0}, {400, 300}, white);
        list.AddCallback([](const ImDrawList*, const ImDrawCmd*) {}, nullptr);
        list.PushClipRect({300, 0}, {400, 300});
        list.AddRectFilled({300, 0}, {400, 300}, white);
        list.PopClipRect();
    });
    DrawRegion region;
    region.add({{10, 20}, {30, 40}}, 0);
    region.add({{200, 200}, {400, 300}}, 0);
    clip_to(*ImGui::GetDrawData(), region);
    const ImVector<ImDrawCmd>& commands = ImGui::GetDrawData()->CmdLists[0]->CmdBuffer;
    ASSERT_EQ(commands.size(), 4);
    EXPECT_EQ(commands[0].ClipRect.x, 10);
    EXPECT_EQ(commands[0].ClipRect.w, 40);
    EXPECT_EQ(commands[1].ClipRect.x, 200);
    EXPECT_TRUE(commands[2].UserCallback);  // changes of the state stay
    EXPECT_EQ(commands[3].ClipRect.x, 300);
}

TEST(ADrawRegion, HoldsAllThatWasAddedInFewPartsThatDoNotOverlap) {
    std::minstd_rand random(7);
    const auto number = [&](int most) { return static_cast<float>(random() % static_cast<unsigned>(most)); };
    for (int round = 0; round < 50; ++round) {
        DrawRegion region;
        std::vector<DrawRect> added;
        for (int i = 0; i < 30; ++i) {
            const ImVec2 from(number(1200), number(700));
            added.push_back({from, {from.x + 1 + number(80), from.y + 1 + number(40)}});
            region.add(added.back());
        }
        const std::vector<DrawRect>& parts = region.parts();
        EXPECT_LE(parts.size(), DrawRegion::most_parts);
        for (const DrawRect& rect : added)
            EXPECT_TRUE(
                std::any_of(parts.begin(), parts.end(), [&](const DrawRect& part) { return part.holds(rect); }));
        for (size_t i = 0; i < parts.size(); ++i)
            for (size_t j = i + 1; j < parts.size(); ++j)
                EXPECT_TRUE(parts[i].inside({parts[j].from.x, parts[j].from.y, parts[j].to.x, parts[j].to.y}).empty());
    }
}

}  // namespace
}  // namespace lv
