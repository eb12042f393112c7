// Every column of vision/row_layout.h on explicit small cases; tools/train/timeline.py makes the same rows.
#include "vision/token_rows.h"

#include <map>

#include "kernels/core/weight_file.h"
#include "tests/vision/support.h"

namespace lv {
namespace {

constexpr int person = 0, car = 2, dog = 16, bottle = 39;
const Scene no_scene{};

Track track(int kind, float cx, float cy, float width, float height, float score = 0.8f) {
    return {1, {kind, score, cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2}, score, cx, cy, height};
}

// The columns that are not 0, without those of the time and of events, the rank's part and the most so far, which the golden
// rows show.
std::map<size_t, float> columns(const std::vector<float>& rows, size_t index) {
    std::map<size_t, float> found;
    for (size_t column = 0; column < row::feature_dim; ++column) {
        const float value = rows[index * row::feature_dim + column];
        const bool time = column >= row::fourier && column < row::scene;
        const bool sum = column >= row::first_rank_part && column < row::most + row::counts;
        const bool event = column >= row::events_before && column < row::neighbour;
        if (value != 0 && !time && !sum && !event) found[column] = value;
    }
    return found;
}

void expect_columns(const std::vector<float>& rows, size_t index, const std::map<size_t, float>& expected) {
    const std::map<size_t, float> found = columns(rows, index);
    for (const auto& [column, value] : expected) {
        ASSERT_TRUE(found.count(column)) << "row " << index << " column " << column << " is 0";
        EXPECT_NEAR(found.at(column), value, 1e-5) << "row " << index << " column " << column;
    }
    for (const auto& [column, value] : found) {
        EXPECT_TRUE(expected.count(column)) << "row " << index << " column " << column << " is " << value;
    }
}

std::vector<float> rows_of(TokenRows& maker, const std::vector<Track>& tracks, int64_t time_us = 0, bool cut = false) {
    std::vector<float> rows;
    std::vector<int64_t> times_us;
    const size_t count = maker.append(time_us, tracks, no_scene, cut, rows, times_us);
    EXPECT_EQ(rows.size(), count * row::feature_dim);
    EXPECT_EQ(times_us.size(), count);
    return rows;
}

TEST(TokenRows, AnEmptyFirstFrameIsOneSceneRow) {
    TokenRows maker;
    const std::vector<float> rows = rows_of(maker, {});
    ASSERT_EQ(rows.size(), row::feature_dim);
    expect_columns(rows, 0, {{0, 1}, {3, 1}, {84, 1}, {145, 1}});
}

TEST(TokenRows, ALoneObjectFillsItsRow) {
    TokenRows maker;
    const std::vector<float> rows = rows_of(maker, {track(dog, 0.2f, 0.8f, 0.1f, 0.4f, 0.75f)});
    expect_columns(rows, 0, {{0, 1}, {4 + dog, 0.5f}, {85, 1}, {145, 1}});
    expect_columns(rows, 1, {{1, 1}, {3, 1}, {4 + dog, 1},   // object row, last of its frame, a dog
                             {85, 1},                        // one
                             {93, 1}, {97, 1}, {98, 1},      // appeared, for the first time ever, a record
                             {99, 1}, {107, 1}, {119, 1},    // its first appearance, the first kind, the first row
                             {127, 1}, {132, 1},             // left, bottom
                             {133, 0.2f}, {134, 0.8f}, {135, 0.1f}, {136, 0.4f}, {137, 0.75f}, {138, 0.2f},
                             {144, 1},                       // still
                             {row::no_previous, 1}});        // no kind was new before it
}

TEST(TokenRows, KindsStandFromLeftToRightByTheirMeanCentre) {
    TokenRows maker;
    const std::vector<float> rows = rows_of(maker, {track(person, 0.9f, 0.5f, 0.1f, 0.3f), track(car, 0.5f, 0.5f, 0.2f, 0.2f),
                                                    track(person, 0.3f, 0.2f, 0.2f, 0.3f, 0.9f)});
    ASSERT_EQ(rows.size(), 3 * row::feature_dim);
    expect_columns(rows, 0, {{0, 1}, {4 + person, 1.0f}, {4 + car, 0.5f}, {86, 1}, {145, 1}});
    expect_columns(rows, 1, {{1, 1}, {4 + car, 1}, {85, 1}, {93, 1}, {97, 1}, {98, 1}, {99, 1}, {107, 1}, {119, 1},
                             {128, 1}, {131, 1}, {133, 0.5f}, {134, 0.5f}, {135, 0.2f}, {136, 0.2f}, {137, 0.8f},
                             {138, 0.2f}, {144, 1}, {row::no_previous, 1}});
    // Two people: thirds of both, the box of the larger, the better score.
    expect_columns(rows, 2, {{1, 1}, {3, 1}, {4 + person, 1}, {86, 1}, {93, 1}, {97, 1}, {98, 1}, {99, 1}, {108, 1},
                             {120, 1}, {127, 1}, {129, 1}, {130, 1}, {131, 1}, {133, 0.3f}, {134, 0.2f}, {135, 0.2f},
                             {136, 0.3f}, {137, 0.9f}, {138, std::sqrt(0.06f)}, {144, 1}, {row::previous + car, 1},
                             {row::neighbour + car, 1}});
}

TEST(TokenRows, AGoneKindGetsOneLastRowThatTellsWhereAndWhenItWas) {
    TokenRows maker;
    rows_of(maker, {track(dog, 0.2f, 0.8f, 0.1f, 0.4f, 0.75f)}, 3'000'000);
    std::vector<float> rows;
    std::vector<int64_t> times_us;
    EXPECT_EQ(maker.append(4'000'000, {}, no_scene, false, rows, times_us), 2u);
    EXPECT_EQ(times_us, (std::vector<int64_t>{3'000'000, 4'000'000}));
    expect_columns(rows, 0, {{1, 1}, {4 + dog, 1}, {84, 1}, {94, 1}, {99, 1}, {107, 1}, {127, 1}, {132, 1},
                             {133, 0.2f}, {134, 0.8f}, {135, 0.1f}, {136, 0.4f}, {137, 0.75f}, {138, 0.2f}, {144, 1}});
    expect_columns(rows, 1, {{0, 1}, {3, 1}, {84, 1}});
    std::vector<float> then(row::feature_dim);
    write_time_row(3'000'000, then);
    for (size_t column = row::fourier; column < row::scene; ++column) EXPECT_EQ(rows[column], then[column]);
    EXPECT_EQ(rows_of(maker, {}).size(), row::feature_dim) << "only once";
}

TEST(TokenRows, GoneKindsStandBeforeTheNextFrameByKind) {
    TokenRows maker;
    rows_of(maker, {track(bottle, 0.1f, 0.5f, 0.1f, 0.1f), track(car, 0.9f, 0.5f, 0.1f, 0.1f)});
    const std::vector<float> rows = rows_of(maker, {track(dog, 0.5f, 0.5f, 0.1f, 0.1f)});
    ASSERT_EQ(rows.size(), 4 * row::feature_dim);
    EXPECT_EQ(columns(rows, 0).count(4 + car), 1u);
    EXPECT_EQ(columns(rows, 1).count(4 + bottle), 1u);
    EXPECT_EQ(columns(rows, 2).count(row::is_scene), 1u);
    EXPECT_EQ(columns(rows, 3).count(4 + dog), 1u);
    EXPECT_EQ(columns(rows, 3).count(109), 1u) << "the third kind ever";
    EXPECT_EQ(columns(rows, 3).count(row::previous + car), 1u) << "new after the car, which stood right of the bottle";
}

// How many events a row tells of, from the remainders in `column`, or -1 where it does not (Chinese remainder by
// trial).
int events_of(const std::vector<float>& rows, size_t index, size_t column) {
    for (int number = 0; number < 7 * 8 * 9; ++number) {
        size_t first = index * row::feature_dim + column;
        bool all = true;
        for (const size_t modulus : row::event_moduli) {
            all = all && rows[first + static_cast<size_t>(number) % modulus] == 1;
            first += modulus;
        }
        if (all) return number;
    }
    return -1;
}

TEST(TokenRows, EventsAreCountedSoThatWhatComesNextHasTheSameCode) {
    TokenRows maker;
    const Track left = track(dog, 0.2f, 0.5f, 0.1f, 0.1f), right = track(car, 0.8f, 0.5f, 0.1f, 0.1f);
    const auto numbers = [&](const std::vector<Track>& tracks) {
        const std::vector<float> rows = rows_of(maker, tracks);
        std::vector<int> found;
        for (size_t i = 0; i < rows.size() / row::feature_dim; ++i) {
            found.push_back(events_of(rows, i, row::events_before));
            const int with = events_of(rows, i, row::events_with);
            if (with >= 0) {
                EXPECT_EQ(with, (found.back() + 1) % 504) << "an event counts itself";
            }
        }
        return found;
    };
    using Numbers = std::vector<int>;
    EXPECT_EQ(numbers({}), (Numbers{0}));
    EXPECT_EQ(numbers({right, left}), (Numbers{2, 0, 1})) << "the frame, then none and one before";
    EXPECT_EQ(numbers({right, left}), (Numbers{2, -1, -1})) << "staying is no event";
    EXPECT_EQ(numbers({left}), (Numbers{2, 3, -1})) << "the car that has gone, the frame, the dog";
    for (int i = 3; i < 600; i += 2) {
        EXPECT_EQ(numbers({}), (Numbers{i % 504, (i + 1) % 504}));
        EXPECT_EQ(numbers({left}), (Numbers{(i + 2) % 504, (i + 1) % 504}));
    }
}

TEST(TokenRows, CountsTellMoreFewerRecordAndReturn) {
    TokenRows maker;
    const Track one = track(dog, 0.5f, 0.5f, 0.1f, 0.1f);
    const auto flags = [&](const std::vector<Track>& tracks) {
        const std::vector<float> rows = rows_of(maker, tracks);
        const size_t first = tracks.empty() ? 0 : row::feature_dim;  // a gone kind stands before the scene row
        std::vector<size_t> set;
        for (size_t column = 84; column <= 106; ++column)
            if (rows[first + column] != 0) set.push_back(column);
        return set;
    };
    using Flags = std::vector<size_t>;
    EXPECT_EQ(flags({one}), (Flags{85, 93, 97, 98, 99}));
    EXPECT_EQ(flags({one}), (Flags{85, 99}));
    EXPECT_EQ(flags({one, one, one}), (Flags{87, 95, 98, 99})) << "more, a record";
    EXPECT_EQ(flags({one, one}), (Flags{86, 96, 99})) << "fewer";
    EXPECT_EQ(flags({one, one, one}), (Flags{87, 95, 99})) << "more, but no record";
    EXPECT_EQ(flags({}), (Flags{84, 94, 99})) << "gone";
    EXPECT_EQ(flags(std::vector<Track>(12, one)), (Flags{92, 93, 98, 100})) << "back a second time, 8 or more";
}

TEST(TokenRows, OrdinalsAndRanksStopAtTheirLastColumn) {
    TokenRows maker;
    for (int i = 0; i < 20; ++i) {
        const std::vector<float> rows = rows_of(maker, {track(i, 0.5f, 0.5f, 0.1f, 0.1f)});
        EXPECT_EQ(rows[rows.size() - row::feature_dim + 107 + std::min(i, 11)], 1) << i;
    }
    TokenRows again;
    for (int i = 0; i < 10; ++i) {
        const std::vector<float> rows = rows_of(again, {track(dog, 0.5f, 0.5f, 0.1f, 0.1f)});
        EXPECT_EQ(rows[row::feature_dim + 99 + std::min(i, 7)], 1) << i;
        rows_of(again, {});
    }
}

TEST(TokenRows, AtMostEightKindsOfAFrameAreKept) {
    TokenRows maker;
    rows_of(maker, {track(70, 0.5f, 0.5f, 0.1f, 0.1f, 0.3f)});
    std::vector<Track> many{track(70, 0.95f, 0.5f, 0.1f, 0.1f, 0.21f)};
    for (int i = 0; i < 10; ++i) many.push_back(track(i, 0.05f + 0.08f * i, 0.5f, 0.1f, 0.1f, 0.9f - 0.05f * i));
    const std::vector<float> rows = rows_of(maker, many);
    ASSERT_EQ(rows.size(), 9 * row::feature_dim);
    EXPECT_EQ(rows[84 + 8], 1);
    EXPECT_EQ(rows[4 + 70], 0.5f) << "what was there stays";
    EXPECT_EQ(rows[4 + 6], 0.5f);
    EXPECT_EQ(rows[4 + 7], 0) << "the least sure are left out";
    EXPECT_EQ(rows[8 * row::feature_dim + 119 + 7], 1);
}

TEST(TokenRows, MotionIsThatOfTheLargestSinceItAppeared) {
    const auto moved = [](float dx, float dy, float growth) {
        Track t = track(person, 0.5f + dx, 0.5f + dy, 0.1f, 0.2f * growth);
        t.first_cx = t.first_cy = 0.5f;
        t.first_height = 0.2f;
        return motion_of(t);
    };
    EXPECT_EQ(moved(-0.2f, 0, 1), 0);
    EXPECT_EQ(moved(0.2f, 0.1f, 1), 1);
    EXPECT_EQ(moved(0.15f, -0.2f, 1), 2);
    EXPECT_EQ(moved(0, 0.2f, 2), 3);
    EXPECT_EQ(moved(0.1f, 0.1f, 1.5f), 4);
    EXPECT_EQ(moved(0.1f, 0.1f, 1.3f), 5);
    EXPECT_EQ(moved(0, 0, 0.5f), 5);
    TokenRows maker;
    Track left = track(person, 0.2f, 0.5f, 0.4f, 0.4f);
    left.first_cx = 0.6f;
    const std::vector<float> rows = rows_of(maker, {track(person, 0.5f, 0.5f, 0.1f, 0.1f), left});
    EXPECT_EQ(rows[row::feature_dim + 139], 1);
    EXPECT_EQ(rows[row::feature_dim + 144], 0);
}

TEST(TokenRows, ThirdsBeginAtOneAndTwoThirds) {
    for (const auto& [centre, column] : std::vector<std::pair<float, size_t>>{{0, 0}, {0.33f, 0}, {0.34f, 1}, {0.66f, 1}, {0.67f, 2}, {1, 2}}) {
        TokenRows maker;
        const std::vector<float> rows = rows_of(maker, {track(car, centre, centre, 0.1f, 0.1f)});
        for (size_t i = 0; i < 3; ++i) {
            EXPECT_EQ(rows[row::feature_dim + 127 + i], i == column) << centre;
            EXPECT_EQ(rows[row::feature_dim + 130 + i], i == column) << centre;
        }
    }
}

TEST(TokenRows, EveryRowCarriesItsTimeAsSixteenTurningHands) {
    TokenRows maker;
    const int64_t time_us = 3'725'500'000;
    const std::vector<float> rows = rows_of(maker, {track(dog, 0.5f, 0.5f, 0.1f, 0.1f)}, time_us);
    std::vector<float> time_row(row::feature_dim, 9);
    write_time_row(time_us, time_row);
    EXPECT_EQ(time_row[row::is_time], 1);
    for (int i = 0; i < 16; ++i) {
        const double angle = 2 * M_PI * 3725.5 / (2 * std::pow(1.8, i));
        for (const float* row : {rows.data(), rows.data() + row::feature_dim, static_cast<const float*>(time_row.data())}) {
            EXPECT_NEAR(row[160 + 2 * i], std::sin(angle), 1e-5) << i;
            EXPECT_NEAR(row[161 + 2 * i], std::cos(angle), 1e-5) << i;
        }
    }
    time_row[row::is_time] = 0;
    for (size_t column = 0; column < row::feature_dim; ++column) {
        if (column >= 160 && column < 192) continue;
        EXPECT_EQ(time_row[column], 0) << column;
    }
}

TEST(TokenRows, TheSceneRowHoldsTheFiveLargestProbabilities) {
    std::vector<float> logits(1000, 0);
    for (int i = 0; i < 7; ++i) logits[100 * i + 3] = 3.0f + static_cast<float>(i);
    const Scene scene = scene_of(logits);
    double sum = 993;
    for (int i = 0; i < 7; ++i) sum += std::exp(3.0 + i);
    std::vector<float> rows;
    std::vector<int64_t> times_us;
    TokenRows().append(0, {}, scene, false, rows, times_us);
    for (int i = 0; i < 7; ++i) EXPECT_NEAR(rows[192 + 100 * i + 3], i < 2 ? 0 : std::exp(3.0 + i) / sum, 1e-6) << i;
    EXPECT_EQ(scene[0].scene, 603);
}

TEST(TokenRows, ACutIsMarkedInTheSceneRow) {
    TokenRows maker;
    EXPECT_EQ(rows_of(maker, {})[145], 1);
    EXPECT_EQ(rows_of(maker, {})[145], 0);
    EXPECT_EQ(rows_of(maker, {}, 0, true)[145], 1);
}

// tools/train/golden_rows.py: the rows that the model learnt to read.
TEST(TokenRows, TheTrainerMakesTheSameRows) {
    const WeightFile golden = WeightFile::open(test::tree() / "tests/golden/token_rows.safetensors");
    const size_t kinds = golden.get("ids").shape[0], frames = golden.get("times_us").shape[0];
    const auto ids = golden.values<int32_t>("ids", {kinds});
    const auto counts = golden.values<int32_t>("counts", {kinds, frames});
    const auto boxes = golden.values<float>("boxes", {kinds, frames, 4});
    const auto times_us = golden.values<int64_t>("times_us", {frames});
    TokenRows maker;
    std::vector<float> rows;
    std::vector<int64_t> row_times_us;
    for (size_t frame = 0; frame < frames; ++frame) {
        std::vector<Track> tracks;
        for (size_t kind = 0; kind < kinds; ++kind) {
            const float* box = boxes.data() + (kind * frames + frame) * 4;
            for (int k = 0; k < counts[kind * frames + frame]; ++k)
                tracks.push_back(track(ids[kind], box[0], box[1], box[2], box[3]));
        }
        maker.append(times_us[frame], tracks, no_scene, false, rows, row_times_us);
    }
    const size_t expected_rows = golden.get("row_times_us").shape[0], places = golden.get("values").shape[0];
    const auto expected_times = golden.values<int64_t>("row_times_us", {expected_rows});
    EXPECT_EQ(row_times_us, std::vector<int64_t>(expected_times.begin(), expected_times.end()));
    const auto place = golden.values<int32_t>("places", {places, 2});
    const auto value = golden.values<float>("values", {places});
    std::vector<std::map<size_t, float>> expected(expected_rows);
    for (size_t i = 0; i < places; ++i) expected[place[2 * i]][place[2 * i + 1]] = value[i];
    ASSERT_EQ(rows.size(), expected_rows * row::feature_dim);
    for (size_t index = 0; index < expected_rows; ++index) {
        for (size_t column = 0; column < row::feature_dim; ++column) {
            if (column == row::score || (column >= row::fourier && column < row::scene)) continue;
            const auto found = expected[index].find(column);
            ASSERT_NEAR(rows[index * row::feature_dim + column], found == expected[index].end() ? 0 : found->second, 1e-5)
                << "row " << index << " column " << column;
        }
    }
}

TEST(TokenRows, ARestoredStateGoesOnAsIfNothingHadHappened) {
    TokenRows one;
    rows_of(one, {track(dog, 0.5f, 0.5f, 0.1f, 0.1f), track(car, 0.2f, 0.3f, 0.2f, 0.1f)});
    rows_of(one, {track(car, 0.2f, 0.3f, 0.2f, 0.1f), track(car, 0.7f, 0.3f, 0.2f, 0.1f)});
    StateWriter writer;
    one.save(writer);
    const std::vector<std::byte> bytes = writer.take();
    EXPECT_LT(bytes.size(), 5000u);
    TokenRows other;
    rows_of(other, {track(bottle, 0.5f, 0.5f, 0.1f, 0.1f)});
    StateReader reader(bytes);
    other.restore(reader);
    reader.end();
    for (const std::vector<Track>& tracks : {std::vector<Track>{track(dog, 0.5f, 0.5f, 0.1f, 0.1f)}, {}})
        EXPECT_EQ(rows_of(one, tracks), rows_of(other, tracks));
    for (size_t length = 0; length < bytes.size(); length += 97) {
        StateReader half(std::span<const std::byte>(bytes.data(), length));
        EXPECT_FALSE(test::message_of([&] { other.restore(half); }).empty()) << length;
    }
}

}  // namespace
}  // namespace lv
