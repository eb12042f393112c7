#include "vision/tracker.h"

#include "tests/vision/support.h"

namespace lv {
namespace {

constexpr int person = 0, car = 2, truck = 7, bottle = 39, cup = 41;

Object at(int kind, float cx, float cy, float score, float width = 0.1f, float height = 0.2f) {
    return {kind, score, cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2};
}

std::vector<Track> seen(Tracker& tracker, const std::vector<Object>& objects) {
    const std::span<const Track> tracks = tracker.update(objects);
    return {tracks.begin(), tracks.end()};
}

TEST(Tracker, BeginsOnlyWithASureBoxAndLivesOnWithAWeakOne) {
    Tracker tracker;
    EXPECT_TRUE(seen(tracker, {at(person, 0.5f, 0.5f, 0.44f)}).empty());
    EXPECT_EQ(seen(tracker, {at(person, 0.5f, 0.5f, 0.51f)}).size(), 1u);
    EXPECT_EQ(seen(tracker, {at(person, 0.5f, 0.5f, 0.13f)}).size(), 1u);
    EXPECT_TRUE(seen(tracker, {at(person, 0.5f, 0.5f, 0.11f)}).empty());
    EXPECT_TRUE(seen(tracker, {at(person, 0.5f, 0.5f, 0.3f)}).empty()) << "it has ended";
}

TEST(Tracker, BeginsAtTheSecondSightOfASteadyBox) {
    Tracker tracker;
    EXPECT_TRUE(seen(tracker, {at(bottle, 0.5f, 0.5f, 0.48f)}).empty());
    EXPECT_EQ(seen(tracker, {at(bottle, 0.505f, 0.5f, 0.46f)}).size(), 1u);
    EXPECT_TRUE(seen(tracker, {}).empty());
    EXPECT_TRUE(seen(tracker, {at(bottle, 0.5f, 0.5f, 0.48f)}).empty()) << "not twice in a row";
    EXPECT_TRUE(seen(tracker, {at(bottle, 0.6f, 0.5f, 0.48f)}).empty()) << "not the same spot";
    EXPECT_TRUE(seen(tracker, {at(bottle, 0.6f, 0.5f, 0.44f)}).empty()) << "too weak";
}

TEST(Tracker, LosesTrustInABoxThatStaysWeak) {
    Tracker tracker;
    seen(tracker, {at(person, 0.5f, 0.5f, 0.6f)});
    int frames = 1;
    while (frames < 50 && !seen(tracker, {at(person, 0.5f, 0.5f, 0.15f)}).empty()) ++frames;
    EXPECT_GE(frames, 3) << "a weak moment or two are bridged";
    EXPECT_LE(frames, 6);
}

TEST(Tracker, KeepsItsNumberWhileTheObjectMoves) {
    Tracker tracker;
    const uint64_t id = seen(tracker, {at(person, 0.2f, 0.5f, 0.8f)})[0].id;
    std::vector<Track> tracks;
    for (float x : {0.3f, 0.4f, 0.5f, 0.6f}) tracks = seen(tracker, {at(person, x, 0.5f, 0.8f)});
    ASSERT_EQ(tracks.size(), 1u);
    EXPECT_EQ(tracks[0].id, id);
    EXPECT_FLOAT_EQ(tracks[0].first_cx, 0.2f);
    EXPECT_NEAR(tracks[0].now.cx(), 0.6f, 1e-6);
    EXPECT_NE(seen(tracker, {at(person, 0.05f, 0.1f, 0.8f)})[0].id, id) << "too far to be the same";
}

TEST(Tracker, AWeakBoxFarAwayDoesNotKeepATrackAlive) {
    Tracker tracker;
    seen(tracker, {at(person, 0.2f, 0.5f, 0.8f)});
    EXPECT_TRUE(seen(tracker, {at(person, 0.32f, 0.5f, 0.3f)}).empty());
}

TEST(Tracker, TwoThatStandApartKeepTheirNumbers) {
    Tracker tracker;
    const std::vector<Track> before = seen(tracker, {at(person, 0.3f, 0.5f, 0.7f), at(person, 0.5f, 0.5f, 0.9f)});
    const std::vector<Track> after = seen(tracker, {at(person, 0.53f, 0.5f, 0.7f), at(person, 0.33f, 0.5f, 0.9f)});
    ASSERT_EQ(after.size(), 2u);
    for (size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(after[i].id, before[i].id);
        EXPECT_LT(std::abs(after[i].now.cx() - before[i].now.cx()), 0.1f);
    }
}

TEST(Tracker, AKindThatFlickersStaysWhatItMostlyIs) {
    Tracker tracker;
    const uint64_t id = seen(tracker, {at(bottle, 0.5f, 0.5f, 0.7f)})[0].id;
    seen(tracker, {at(bottle, 0.5f, 0.5f, 0.7f)});
    const std::vector<Track> flicker = seen(tracker, {at(cup, 0.5f, 0.5f, 0.6f)});
    ASSERT_EQ(flicker.size(), 1u);
    EXPECT_EQ(flicker[0].id, id);
    EXPECT_EQ(flicker[0].now.kind, bottle);
    std::vector<Track> later;
    for (int i = 0; i < 6; ++i) later = seen(tracker, {at(cup, 0.5f, 0.5f, 0.9f)});
    EXPECT_EQ(later[0].now.kind, cup) << "when it goes on, the vote turns";
    EXPECT_EQ(later[0].id, id);
}

TEST(Tracker, AnotherKindOnTheSameSpotIsNotTheSameObject) {
    Tracker tracker;
    const uint64_t id = seen(tracker, {at(bottle, 0.5f, 0.5f, 0.7f)})[0].id;
    const std::vector<Track> tracks = seen(tracker, {at(person, 0.5f, 0.5f, 0.7f)});
    ASSERT_EQ(tracks.size(), 1u);
    EXPECT_NE(tracks[0].id, id);
    EXPECT_EQ(tracks[0].now.kind, person);
}

TEST(Tracker, TwoNamesForOneSpotCountOnce) {
    Tracker tracker;
    EXPECT_EQ(seen(tracker, {at(car, 0.5f, 0.5f, 0.6f), at(truck, 0.505f, 0.5f, 0.8f)})[0].now.kind, truck);
    EXPECT_EQ(seen(tracker, {at(car, 0.5f, 0.5f, 0.6f), at(truck, 0.505f, 0.5f, 0.8f)}).size(), 1u);
    EXPECT_EQ(seen(tracker, {at(person, 0.5f, 0.5f, 0.6f), at(truck, 0.505f, 0.5f, 0.8f)}).size(), 2u)
        << "a person before a truck is two";
}

TEST(Tracker, ForgetsAtACut) {
    Tracker tracker;
    const uint64_t id = seen(tracker, {at(person, 0.5f, 0.5f, 0.8f)})[0].id;
    tracker.forget();
    EXPECT_NE(seen(tracker, {at(person, 0.5f, 0.5f, 0.8f)})[0].id, id);
}

TEST(Tracker, ARestoredTrackerGoesOnAsIfNothingHadHappened) {
    Tracker one;
    seen(one, {at(bottle, 0.2f, 0.5f, 0.7f), at(person, 0.7f, 0.5f, 0.9f)});
    seen(one, {at(cup, 0.22f, 0.5f, 0.7f), at(person, 0.6f, 0.5f, 0.9f)});
    StateWriter writer;
    one.save(writer);
    const std::vector<std::byte> bytes = writer.take();
    Tracker other;
    StateReader reader(bytes);
    other.restore(reader);
    reader.end();
    for (float x : {0.24f, 0.3f, 0.9f}) {
        const std::vector<Object> objects{at(cup, x, 0.5f, 0.8f), at(person, 0.5f, 0.5f, 0.3f)};
        const std::vector<Track> a = seen(one, objects), b = seen(other, objects);
        ASSERT_EQ(a.size(), b.size());
        for (size_t i = 0; i < a.size(); ++i) {
            EXPECT_EQ(a[i].id, b[i].id);
            EXPECT_EQ(a[i].now.kind, b[i].now.kind);
            EXPECT_EQ(a[i].first_cx, b[i].first_cx);
        }
    }
}

}  // namespace
}  // namespace lv
