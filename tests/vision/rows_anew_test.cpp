// Rows of a stream made anew from some frame on, against token rows whose first frame that was.
#include "vision/rows_anew.h"

#include <random>

#include "tests/vision/support.h"
#include "vision/token_rows.h"

namespace lv {
namespace {

constexpr int64_t period_us = 400'000, second_us = 1'000'000;

struct Rows {
    std::vector<float> values;
    std::vector<int64_t> times_us;
    ConstMatrix matrix() const { return {values.data(), times_us.size(), row::feature_dim}; }
};

// Up to four kinds of six, up to three of each, as they come and go at random.
std::vector<Track> random_tracks(std::mt19937& random) {
    std::vector<Track> tracks;
    for (const int kind : {0, 2, 16, 39, 56, 79}) {
        if (random() % 3 == 0 || tracks.size() > 8) continue;
        for (auto number = random() % 3; number > 0; --number) {
            const auto share = [&] { return static_cast<float>(random() % 1000) / 1000; };
            const float cx = share(), cy = share(), width = 0.1f + share() / 4, height = 0.1f + share() / 4;
            tracks.push_back({1,
                              {kind, 0.8f, cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2},
                              share(),
                              share(),
                              share(),
                              height});
        }
    }
    return tracks;
}

TEST(RowsAnew, AreThoseOfAStreamThatBeginsThere) {
    for (const uint32_t seed : {1u, 2u, 3u}) {
        std::mt19937 random(seed);
        TokenRows whole, late;
        RowsAnew anew;
        for (int64_t frame = 0; frame < 60; ++frame) {
            const std::vector<Track> tracks = random_tracks(random);
            Scene scene{};
            scene[0] = {static_cast<int>(random() % row::scenes), 0.5f};
            const bool cut = random() % 8 == 0;
            Rows given, made, expected;
            whole.append(frame * period_us, tracks, scene, cut, given.values, given.times_us);
            if (frame < 20) continue;
            late.append((frame - 20) * second_us, tracks, scene, cut, expected.values, expected.times_us);
            anew.make(given.matrix(), made.values, made.times_us);
            ASSERT_EQ(made.times_us, expected.times_us) << "frame " << frame;
            for (size_t i = 0; i < expected.values.size(); ++i)
                ASSERT_EQ(made.values[i], expected.values[i])
                    << "frame " << frame << " row " << i / row::feature_dim << " column " << i % row::feature_dim;
        }
        EXPECT_EQ(anew.frames(), 40);
    }
}

TEST(RowsAnew, SeveralFramesAtOnceAreAsOneByOne) {
    std::mt19937 random(4);
    TokenRows maker;
    RowsAnew at_once, one_by_one;
    Rows given, made, joined;
    for (int64_t frame = 0; frame < 12; ++frame) {
        Rows alone, part;
        const std::vector<Track> tracks = random_tracks(random);
        for (Rows* rows : {&given, &alone}) {
            TokenRows copy = maker;
            copy.append(7'000'000 + frame * period_us, tracks, {}, false, rows->values, rows->times_us);
            if (rows == &alone) maker = copy;
        }
        one_by_one.make(alone.matrix(), part.values, part.times_us);
        joined.values.insert(joined.values.end(), part.values.begin(), part.values.end());
        joined.times_us.insert(joined.times_us.end(), part.times_us.begin(), part.times_us.end());
    }
    at_once.make(given.matrix(), made.values, made.times_us);
    EXPECT_EQ(made.values, joined.values);
    EXPECT_EQ(made.times_us, joined.times_us);
    EXPECT_EQ(made.times_us.front(), 0);
}

}  // namespace
}  // namespace lv
