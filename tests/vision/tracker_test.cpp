#include "vision/tracker.h"

#include <map>
#include <random>

#include "kernels/core/weight_file.h"
#include "tests/vision/support.h"

namespace lv {
namespace {

constexpr int person = 0, car = 2, truck = 7, bottle = 39, cup = 41;

Object at(int kind, float cx, float cy, float score, float width = 0.1f, float height = 0.2f) {
    return {kind, score, cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2};
}

std::vector<Track> seen(Tracker& tracker, const std::vector<Object>& objects) {
    const std::span<const Track> tracks = *tracker.update(objects);
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

// All frames of a video as the tracker tells them; none waits in it before.
std::vector<std::vector<Track>> told(const std::vector<std::vector<Object>>& frames, Tracker tracker, size_t lag) {
    std::vector<std::vector<Track>> all;
    const auto take = [&](std::optional<std::span<const Track>> tracks) {
        if (tracks) all.emplace_back(tracks->begin(), tracks->end());
        return tracks.has_value();
    };
    for (size_t i = 0; i < frames.size(); ++i) {
        EXPECT_EQ(take(tracker.update(frames[i])), i >= lag);
    }
    while (take(tracker.settle())) {
    }
    return all;
}
std::vector<std::vector<Track>> told(const std::vector<std::vector<Object>>& frames,
                                     const TrackerOptions& options = TrackerOptions::patient()) {
    return told(frames, Tracker(options), static_cast<size_t>(options.lag));
}

// How many things each frame of a video shows in which one person has these scores (0: not seen).
std::vector<size_t> shown(const std::vector<float>& scores) {
    std::vector<std::vector<Object>> frames;
    for (float score : scores)
        frames.push_back(score > 0 ? std::vector<Object>{at(person, 0.5f, 0.5f, score)} : std::vector<Object>{});
    std::vector<size_t> counts;
    for (const auto& tracks : told(frames)) counts.push_back(tracks.size());
    return counts;
}

using Counts = std::vector<size_t>;

// A walker crosses twice its width in a second; where it stood something faint is seen.
TEST(Tracker, ASureBoxChoosesItsTrackBeforeAFaintOneDoes) {
    for (const TrackerOptions& options : {TrackerOptions{}, TrackerOptions::patient()}) {
        std::vector<std::vector<Object>> frames;
        for (int i = 0; i < 6; ++i) {
            const float x = 0.2f + 0.09f * static_cast<float>(i);
            frames.push_back({at(person, x, 0.5f, 0.8f, 0.05f, 0.2f)});
            if (i > 0) frames.back().push_back(at(person, x - 0.09f, 0.5f, 0.3f, 0.05f, 0.2f));
        }
        for (const auto& tracks : told(frames, options)) {
            ASSERT_EQ(tracks.size(), 1u) << options.lag;
            EXPECT_EQ(tracks[0].id, 1u);
            EXPECT_FLOAT_EQ(tracks[0].now.score, 0.8f);
        }
    }
}

TEST(PatientTracker, TellsAThingFromItsFirstDoubtfulSightingOn) {
    EXPECT_EQ(shown({0, 0.3f, 0.4f, 0.44f, 0.65f, 0.7f, 0.7f}), (Counts{0, 1, 1, 1, 1, 1, 1}));
    EXPECT_EQ(shown({0.3f, 0.3f, 0.3f, 0.3f, 0.3f, 0.3f, 0.65f}), (Counts{0, 0, 1, 1, 1, 1, 1}))
        << "as far as frames wait";
}

TEST(PatientTracker, BelievesManyFairSightingsButNotManyPoorOnes) {
    EXPECT_EQ(shown({0.44f, 0.44f, 0.44f, 0.44f, 0.44f}), (Counts{1, 1, 1, 1, 1}));
    EXPECT_EQ(shown({0.4f, 0.4f, 0.4f, 0.4f, 0.4f, 0.4f}), (Counts{0, 0, 0, 0, 0, 0}));
}

TEST(PatientTracker, WhatIsGoneAtOnceWasNeverThere) {
    EXPECT_EQ(shown({0, 0.65f, 0, 0, 0}), (Counts{0, 0, 0, 0, 0}));
    EXPECT_EQ(shown({0, 0.75f, 0, 0, 0}), (Counts{0, 1, 0, 0, 0}));
    EXPECT_EQ(shown({0, 0.61f, 0.61f, 0, 0}), (Counts{0, 0, 0, 0, 0}));
    EXPECT_EQ(shown({0, 0.61f, 0.68f, 0, 0}), (Counts{0, 1, 1, 0, 0}));
    EXPECT_EQ(shown({0, 0.61f, 0.61f, 0.61f, 0}), (Counts{0, 1, 1, 1, 0}));
}

TEST(PatientTracker, WhereNothingFollowsItTakesWhatIsThere) {
    EXPECT_EQ(shown({0.52f}), (Counts{1})) << "a still picture";
    EXPECT_EQ(shown({0.48f}), (Counts{0}));
    EXPECT_EQ(shown({0, 0, 0, 0, 0, 0.4f, 0.62f}), (Counts{0, 0, 0, 0, 0, 1, 1}));
}

TEST(PatientTracker, FillsAGapOnTheWayAcrossIt) {
    const auto walks = [](float x) { return std::vector<Object>{at(person, x, 0.5f, 0.5f, 0.2f, 0.4f)}; };
    const auto frames = told({walks(0.28f), walks(0.29f), walks(0.30f), {}, {}, {}, walks(0.34f), walks(0.35f)});
    ASSERT_EQ(frames.size(), 8u);
    for (size_t i = 0; i < frames.size(); ++i) {
        ASSERT_EQ(frames[i].size(), 1u) << i;
        EXPECT_EQ(frames[i][0].id, 1u);
        EXPECT_NEAR(frames[i][0].now.cx(), 0.28f + 0.01f * static_cast<float>(i), 1e-5);
    }
}

TEST(PatientTracker, WhatIsElsewhereAfterALongGapIsAnother) {
    const auto walks = [](float x) { return std::vector<Object>{at(person, x, 0.5f, 0.5f, 0.2f, 0.4f)}; };
    const auto frames = told({walks(0.3f), walks(0.3f), walks(0.3f), {}, {}, walks(0.4f), walks(0.4f), walks(0.4f)});
    const std::vector<size_t> counts{1, 1, 1, 0, 0, 1, 1, 1};
    for (size_t i = 0; i < counts.size(); ++i) EXPECT_EQ(frames.at(i).size(), counts[i]) << i;
    EXPECT_EQ(told({walks(0.3f), walks(0.3f), walks(0.3f), {}, walks(0.4f), walks(0.4f), walks(0.4f)}).at(3).size(), 1u)
        << "one frame is overlooked easily";
}

TEST(PatientTracker, WhatIsSeenAtAThirdOfItsBestIsNotIt) {
    EXPECT_EQ(shown({0.9f, 0.9f, 0.9f, 0.3f, 0.3f, 0.3f, 0.3f, 0.3f}), (Counts{1, 1, 1, 0, 0, 0, 0, 0}));
    EXPECT_EQ(shown({0.9f, 0.9f, 0.9f, 0.35f, 0.35f, 0.35f, 0.35f}), (Counts{1, 1, 1, 1, 1, 1, 1}));
}

TEST(PatientTracker, ALongerGapThanItWaitsIsAGap) {
    EXPECT_EQ(shown({0.5f, 0.5f, 0.5f, 0, 0, 0, 0, 0.5f, 0.5f}), (Counts{1, 1, 1, 1, 1, 1, 1, 1, 1}));
    EXPECT_EQ(shown({0.5f, 0.5f, 0.5f, 0, 0, 0, 0, 0, 0.5f, 0.5f}), (Counts{1, 1, 1, 0, 0, 0, 0, 0, 1, 1}));
}

TEST(PatientTracker, WhatIsPlainToSeeIsOverlookedOnceButNotTwice) {
    EXPECT_EQ(shown({0.8f, 0.8f, 0.8f, 0, 0.8f, 0.8f, 0.8f}), (Counts{1, 1, 1, 1, 1, 1, 1}));
    EXPECT_EQ(shown({0.8f, 0.8f, 0.8f, 0, 0, 0.8f, 0.8f, 0.8f}), (Counts{1, 1, 1, 0, 0, 1, 1, 1}))
        << "taken away and put back";
}

TEST(PatientTracker, NamesAThingAsItIsNamedInTheEnd) {
    const auto frames = told({{at(cup, 0.5f, 0.5f, 0.7f)},
                              {at(bottle, 0.5f, 0.5f, 0.9f)},
                              {at(bottle, 0.5f, 0.5f, 0.9f)},
                              {at(bottle, 0.5f, 0.5f, 0.9f)}});
    for (const auto& tracks : frames) EXPECT_EQ(tracks.at(0).now.kind, bottle);
}

TEST(PatientTracker, ACopyMadeBeforeAFrameTellsItAndAllLaterOnesAsTheOriginal) {
    std::mt19937 random(5);
    std::vector<std::vector<Object>> frames(30);
    for (auto& frame : frames)
        for (int i = 0; i < 4; ++i)  // each at its own place, seen now and then
            if (random() % 4 > 0)
                frame.push_back(at(i % 2 ? person : bottle, 0.2f + 0.2f * static_cast<float>(i), 0.5f,
                                   0.2f + static_cast<float>(random() % 700) / 1000));
    const std::vector<std::vector<Track>> expected = told(frames);
    Tracker original(TrackerOptions::patient());
    for (size_t first = 0; first < frames.size(); ++first) {
        StateWriter writer;
        original.save(writer);  // while the four frames before wait
        const std::vector<std::byte> bytes = writer.take();
        StateReader reader(bytes);
        Tracker copy(TrackerOptions::patient());
        copy.restore(reader);
        const auto again =
            told({frames.begin() + static_cast<std::ptrdiff_t>(first), frames.end()}, std::move(copy), 4);
        ASSERT_EQ(again.size(), frames.size() - first);
        for (size_t i = 0; i < again.size(); ++i) {
            const std::vector<Track>& before = expected[first + i];
            ASSERT_EQ(again[i].size(), before.size()) << "from " << first << " on, frame " << first + i;
            for (size_t k = 0; k < before.size(); ++k) {
                EXPECT_EQ(again[i][k].id, before[k].id);
                EXPECT_EQ(again[i][k].now.kind, before[k].now.kind);
                EXPECT_EQ(again[i][k].now.score, before[k].now.score);
                EXPECT_EQ(again[i][k].first_cx, before[k].first_cx);
            }
        }
        original.update(frames[first]);
    }
}

// tools/train/golden_tracks.py: the tracker by which noise was measured.
TEST(Tracker, TracksAsTheTrainersTwin) {
    const WeightFile golden = WeightFile::open(test::tree() / "tests/golden/tracks.safetensors");
    const size_t seen_count = golden.get("seen").shape[0];
    const auto seen = golden.values<float>("seen", {seen_count, 7});
    for (const auto& [name, options] : {std::pair{"live", TrackerOptions{}}, {"patient", TrackerOptions::patient()}}) {
        const size_t count = golden.get(name).shape[0];
        const auto expected = golden.values<float>(name, {count, 8});
        std::vector<std::vector<Object>> frames;
        for (size_t i = 0; i < seen_count; ++i) {
            const float* row = seen.data() + i * 7;
            frames.resize(std::max(frames.size(), static_cast<size_t>(row[0]) + 1));
            frames.back().push_back({static_cast<int>(row[1]), row[2], row[3], row[4], row[5], row[6]});
        }
        const auto tracks = told(frames, options);
        std::map<uint64_t, float> twins;  // the same track by its name here and there
        size_t next = 0;
        for (size_t frame = 0; frame < tracks.size(); ++frame) {
            std::map<float, const Track*> by_left;
            for (const Track& track : tracks[frame]) by_left[track.now.left] = &track;
            for (const auto& [left, track] : by_left) {
                ASSERT_LT(next, count) << name << ", frame " << frame;
                const float* row = expected.data() + next++ * 8;
                ASSERT_EQ(static_cast<float>(frame), row[0]) << name;
                EXPECT_EQ(twins.emplace(track->id, row[1]).first->second, row[1]) << name << ", frame " << frame;
                EXPECT_EQ(static_cast<float>(track->now.kind), row[2]) << name << ", frame " << frame;
                const Object& now = track->now;
                const float values[] = {now.score, now.left, now.top, now.right, now.bottom};
                for (int i = 0; i < 5; ++i) EXPECT_NEAR(values[i], row[3 + i], 1e-5) << name << ", frame " << frame;
            }
        }
        EXPECT_EQ(next, count) << name;
    }
}

}  // namespace
}  // namespace lv
