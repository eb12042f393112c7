#include "vision/encoder.h"

#include <random>

#include "tests/vision/support.h"
#include "vision/ffmpeg_source.h"
#include "vision/frame_sampler.h"

namespace lv {
namespace {

const VisionModel& model() {
    static const VisionModel model(test::model_dir());
    return model;
}

std::vector<Frame> clip_frames(int count, int64_t period_us = 1'000'000) {
    SourceOptions options{.max_side = model().long_side(), .period_us = period_us};
    FrameSampler sampler(open_source(test::clip(), options), {.period_us = period_us});
    std::vector<Frame> frames;
    while (static_cast<int>(frames.size()) < count) frames.push_back(*sampler.next());
    return frames;
}

Frame frame_of(std::shared_ptr<const Picture> picture, int64_t time_us) {
    return {picture, time_us, time_us, picture->width, picture->height};
}

TEST(Encoder, RowsAndTimesFitTheFrames) {
    const Context context(1);
    Encoder encoder(model());
    const std::vector<Frame> frames = clip_frames(6);
    const EncodedFrames encoded = encoder.encode(context, frames);
    ASSERT_EQ(encoded.frames.size(), 6u);
    EXPECT_EQ(encoded.matrix().rows, encoded.times_us.size());
    EXPECT_EQ(encoded.matrix().cols, row::feature_dim);
    size_t next = 0;
    for (size_t i = 0; i < 6; ++i) {
        const SeenFrame& seen = encoded.frames[i];
        EXPECT_EQ(seen.first_row, next);
        next += seen.rows;
        EXPECT_EQ(seen.time_us, frames[i].time_us);
        EXPECT_EQ(encoded.matrix().at(seen.first_row, row::is_scene), 1);
        EXPECT_EQ(encoded.matrix().at(next - 1, row::last_of_frame), 1);
        EXPECT_EQ(encoded.times_us[next - 1], seen.time_us);
        EXPECT_EQ(seen.cut, i == 0);
    }
    EXPECT_EQ(next, encoded.rows());
}

TEST(Encoder, DoesNotDependOnHowFramesAreSplitIntoCallsNorOnThreads) {
    const std::vector<Frame> frames = clip_frames(9, 500'000);
    Encoder whole(model()), parts(model());
    const EncodedFrames all = whole.encode(Context(2), frames);
    std::vector<float> values;
    const Context context(1);
    for (size_t first = 0, count = 1; first < frames.size(); first += count, count = count % 3 + 1) {
        count = std::min(count, frames.size() - first);
        const EncodedFrames part = parts.encode(context, std::span(frames).subspan(first, count));
        values.insert(values.end(), part.values.begin(), part.values.end());
    }
    ASSERT_EQ(values.size(), all.values.size());
    for (size_t i = 0; i < values.size(); ++i) ASSERT_NEAR(values[i], all.values[i], 1e-4);
}

TEST(Encoder, WithALagTellsWhatIsSettledAndTheRestWhenItFinishes) {
    const std::vector<Frame> frames = clip_frames(9);
    const EncoderOptions patient{.tracker = TrackerOptions::patient()};
    const Context context(1);
    Encoder whole(model(), patient), parts(model(), patient);
    EncodedFrames all = whole.encode(context, frames), rest;
    EXPECT_EQ(all.frames.size(), 9u - 4u);
    whole.finish(rest);
    ASSERT_EQ(rest.frames.size(), 4u);
    EXPECT_EQ(rest.frames[3].time_us, frames[8].time_us);
    EXPECT_EQ(rest.frames[0].first_row, 0u);
    all.values.insert(all.values.end(), rest.values.begin(), rest.values.end());
    whole.finish(rest);
    EXPECT_TRUE(rest.frames.empty());

    std::vector<float> values;
    for (size_t i = 0; i <= frames.size(); ++i) {
        EncodedFrames part;
        if (i < frames.size())
            parts.encode(context, std::span(frames).subspan(i, 1), part);
        else
            parts.finish(part);
        values.insert(values.end(), part.values.begin(), part.values.end());
    }
    ASSERT_EQ(values.size(), all.values.size());
    for (size_t i = 0; i < values.size(); ++i) ASSERT_NEAR(values[i], all.values[i], 1e-4);
}

TEST(Encoder, ACutSettlesWhatWaits) {
    Encoder encoder(model(), {.tracker = TrackerOptions::patient()});
    const std::vector<Frame> clip = clip_frames(2);
    const std::vector<Frame> frames{clip[0], clip[1],
                                    frame_of(test::painted(320, 240, 20, 240, 0, 0, 160, 240), 2'000'000)};
    const EncodedFrames encoded = encoder.encode(Context(1), frames);
    ASSERT_EQ(encoded.frames.size(), 2u);
    EXPECT_FALSE(encoded.frames[1].objects.empty());
    EncodedFrames rest;
    encoder.finish(rest);
    ASSERT_EQ(rest.frames.size(), 1u);
    EXPECT_TRUE(rest.frames[0].cut);
}

TEST(Encoder, DoesNotLookAgainAtAPictureThatEqualsTheLast) {
    const Context context(1);
    const auto ground = test::painted(320, 192, 90), noisy = test::painted(320, 192, 91);
    const auto entered = test::painted(320, 192, 90, 200, 100, 80, 12, 16);
    Encoder encoder(model());
    const std::vector<Frame> frames{frame_of(ground, 0), frame_of(ground, 1'000'000), frame_of(noisy, 2'000'000),
                                    frame_of(entered, 3'000'000), frame_of(entered, 4'000'000)};
    const EncodedFrames encoded = encoder.encode(context, frames);
    EXPECT_EQ(encoder.looked_at(), 2) << "the first, and the one with something small in it";
    std::vector<bool> repeated;
    for (const SeenFrame& seen : encoded.frames) repeated.push_back(seen.repeated);
    EXPECT_EQ(repeated, (std::vector<bool>{false, true, true, false, true}));
    for (size_t i = 0; i < 5; ++i) EXPECT_EQ(encoded.frames[i].time_us, static_cast<int64_t>(i) * 1'000'000);
    EXPECT_EQ(encoded.frames[0].scene[0].scene, encoded.frames[2].scene[0].scene);
    EXPECT_NE(encoded.matrix().at(0, row::fourier + 2), encoded.matrix().at(1, row::fourier + 2))
        << "with its own time";
}

TEST(Encoder, NoticesSlowDrift) {
    const Context context(1);
    Encoder encoder(model());
    std::vector<Frame> frames;
    for (int i = 0; i < 12; ++i) frames.push_back(frame_of(test::painted(64, 64, 90 + i), i));
    encoder.encode(context, frames);
    EXPECT_EQ(encoder.looked_at(), 3) << "compared with the last one looked at, not with its neighbour";
}

TEST(Encoder, MarksAHardCut) {
    const Context context(1);
    Encoder encoder(model());
    const std::vector<Frame> clip = clip_frames(2);
    const std::vector<Frame> frames{clip[0], clip[1],
                                    frame_of(test::painted(320, 240, 20, 240, 0, 0, 160, 240), 2'000'000), clip[1]};
    std::vector<bool> cuts;
    for (const SeenFrame& seen : encoder.encode(context, frames).frames) cuts.push_back(seen.cut);
    EXPECT_EQ(cuts, (std::vector<bool>{true, false, true, true}));
}

TEST(Encoder, TakesPicturesOfAnySizeAndMixesThem) {
    const Context context(1);
    Encoder encoder(model());
    const std::vector<Frame> frames{frame_of(test::painted(1, 1, 3), 0), frame_of(test::painted(2000, 3, 99), 1),
                                    frame_of(test::painted(33, 900, 200), 2), frame_of(test::painted(640, 480, 30), 3)};
    EXPECT_EQ(encoder.encode(context, frames).frames.size(), 4u);
    EXPECT_TRUE(encoder.encode(context, {}).frames.empty());
    const Frame none;
    test::expect_in(test::message_of([&] { encoder.encode(context, {&none, 1}); }), "it has no picture");
}

TEST(Encoder, GoesOnAfterALoadAsIfNothingHadHappened) {
    const Context context(1);
    const std::vector<Frame> frames = clip_frames(8);
    Encoder one(model());
    one.encode(context, std::span(frames).first(4));
    const std::vector<std::byte> state = one.save();
    EXPECT_LT(state.size(), 300'000u);
    Encoder other(model());
    other.restore(state);
    EXPECT_EQ(other.save(), state);
    EXPECT_EQ(one.encode(context, std::span(frames).subspan(4)).values,
              other.encode(context, std::span(frames).subspan(4)).values);
    EXPECT_EQ(one.save(), other.save());
}

TEST(Encoder, AStateSavedWhileFramesWaitKnowsNothingOfThem) {
    const Context context(1);
    const std::vector<Frame> frames = clip_frames(11);
    const EncoderOptions patient{.tracker = TrackerOptions::patient()};
    const size_t saved_at = 7, told = saved_at - static_cast<size_t>(patient.tracker.lag);
    Encoder one(model(), patient), other(model(), patient);
    for (size_t i = 0; i < saved_at; ++i) one.encode(context, std::span(frames).subspan(i, 1));
    const std::vector<std::byte> state = one.save();
    other.restore(state);
    EXPECT_EQ(other.save(), state);
    const auto go_on = [&](Encoder& encoder, size_t from, std::vector<float>& rows) {
        for (size_t i = from; i < frames.size(); ++i) {
            const EncodedFrames encoded = encoder.encode(context, std::span(frames).subspan(i, 1));
            rows.insert(rows.end(), encoded.values.begin(), encoded.values.end());
        }
    };
    std::vector<float> expected, values;
    go_on(one, saved_at, expected);
    go_on(other, told, values);
    EXPECT_EQ(values, expected);
    EXPECT_EQ(other.save(), one.save());
    EncodedFrames end, other_end;
    one.finish(end);
    other.finish(other_end);
    EXPECT_EQ(other_end.values, end.values);
    EXPECT_EQ(other.save(), one.save());
}

TEST(Encoder, ACutThatWaitsWhenTheStateIsSavedIsACutAfterALoad) {
    const Context context(1);
    const EncoderOptions patient{.tracker = TrackerOptions::patient()};
    const Frame cut = frame_of(test::painted(320, 240, 20, 240, 0, 0, 160, 240), 2'000'000);
    Encoder one(model(), patient), other(model(), patient);
    one.encode(context, clip_frames(2));
    EXPECT_EQ(one.encode(context, {&cut, 1}).frames.size(), 2u) << "those before it";
    other.restore(one.save());
    EXPECT_TRUE(other.encode(context, {&cut, 1}).frames.empty());
    EncodedFrames rest;
    other.finish(rest);
    ASSERT_EQ(rest.frames.size(), 1u);
    EXPECT_TRUE(rest.frames[0].cut);
    EXPECT_FALSE(rest.frames[0].repeated);
}

TEST(Encoder, RefusesADamagedStateAndStaysAsItWas) {
    const Context context(1);
    Encoder encoder(model());
    encoder.encode(context, clip_frames(2));
    const std::vector<std::byte> state = encoder.save();
    for (size_t length : {size_t{0}, size_t{3}, size_t{10}, size_t{500}, size_t{6000}, state.size() - 1})
        EXPECT_FALSE(test::message_of([&] { encoder.restore(std::span(state).first(length)); }).empty()) << length;
    std::vector<std::byte> longer = state;
    longer.push_back({});
    test::expect_in(test::message_of([&] { encoder.restore(longer); }), "1 bytes too many");
    EXPECT_EQ(encoder.save(), state);
    std::mt19937 random(3);
    for (int i = 0; i < 200; ++i) {  // any bytes: refused or taken, never a crash
        std::vector<std::byte> bytes = state;
        for (int k = 0; k < 4; ++k) bytes[random() % 6000] = static_cast<std::byte>(random());
        Encoder victim(model());
        test::message_of([&] { victim.restore(bytes); });
    }
}

TEST(Encoder, NamesWhatIsMissingInAModelDirectory) {
    test::expect_in(test::message_of([] { VisionModel("/nowhere"); }), "opening /nowhere/");
    VisionConfig config = model().config();
    const auto weights = test::vision_weights();
    config.objects.classes.pop_back();
    test::expect_in(test::message_of([&] { VisionModel(config, weights); }),
                    "it knows 79 kinds of objects; expected 80");
    config = model().config();
    config.classes = config.scores[0];
    test::expect_in(test::message_of([&] { VisionModel(config, weights); }), "expected 1000");
    config = model().config();
    std::swap(config.boxes[0], config.boxes[1]);
    test::expect_in(test::message_of([&] { VisionModel(config, weights); }), "at stride 8");
}

}  // namespace
}  // namespace lv
