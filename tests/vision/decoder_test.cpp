// The decoder changed in the middle of a stream, as when a GPU fails; and what is said where no GPU decodes.
#include "vision/ffmpeg_decoder.h"

#include "tests/vision/support.h"
#include "vision/ffmpeg_hardware.h"
#include "vision/ffmpeg_picture.h"
#include "vision/ffmpeg_source.h"

namespace lv {
namespace {

constexpr int never = -1, after_the_last = 1001;

struct Shown {
    int64_t pts_us;
    std::vector<uint8_t> rgb;
    bool operator==(const Shown&) const = default;
};

// All pictures of a file; after `change` packets (or, beyond the last, while what is inside comes out) another decoder
// goes on.
std::vector<Shown> pictures(const char* name, int change) {
    StreamPackets packets(test::media(name), {});
    PictureDecoder decoder(packets.input(), 2, false);
    decoder.remember();
    PictureMaker maker(32, false);
    std::vector<Shown> shown;
    const auto take = [&] {
        while (const std::optional<Decoded> decoded = decoder.receive())
            shown.push_back({decoded->pts_us, maker.make(*decoded->frame, packets.input().placement()).picture->rgb});
    };
    StreamPacket packet;
    for (int sent = 1; packets.read(packet); ++sent) {
        decoder.send(packet, true);
        if (sent == change) decoder.go_on_with_cpu("a test");
        take();
    }
    decoder.drain();
    if (change == after_the_last) decoder.go_on_with_cpu("a test");
    take();
    EXPECT_TRUE(decoder.drained());
    return shown;
}

TEST(Decoder, GoesOnWithAnotherWithoutLosingAPicture) {
    for (const char* name : {"long_gop.mp4", "short_gop.mkv", "open_gop.mp4", "vfr.mp4", "ten_bit.mp4"}) {
        const std::vector<Shown> whole = pictures(name, never);
        ASSERT_GE(whole.size(), 5u) << name;
        for (int change : {1, 2, 9, 17, 20, 37, 38, 39, 40, 44, after_the_last}) {
            const std::vector<Shown> found = pictures(name, change);
            EXPECT_TRUE(found == whole) << name << ", changed after " << change << ": " << found.size() << " of "
                                        << whole.size();
        }
    }
}

// Recordings put one behind the other: the second begins at 0 again, long after decoding began anew at a key packet.
TEST(Decoder, GivesAllThatComesAfterAJumpBack) {
    for (const char* name : {"short_gop.mkv", "open_gop.mp4"}) {
        StreamPackets first(test::media(name), {}), second(test::media(name), {});
        PictureDecoder decoder(first.input(), 2, false);
        size_t sent = 0, given = 0;
        const auto take = [&] {
            while (decoder.receive()) ++given;
        };
        StreamPacket packet;
        for (bool begun = false; first.read(packet);) {
            const bool late_key = packet.key && packet.pts_us > 2'000'000;
            if (!begun && late_key) decoder.restart(packet.pts_us);
            begun = begun || late_key;
            if (!begun) continue;
            sent += packet.pts_us > 2'000'000;  // not those that lead the key picture
            decoder.send(packet, true);
            take();
        }
        while (second.read(packet)) {
            ++sent;
            decoder.send(packet, true);
            take();
        }
        decoder.drain();
        take();
        EXPECT_NEAR(static_cast<double>(given), static_cast<double>(sent), 3) << name;
        EXPECT_GT(sent, 100u) << name;
    }
}

TEST(Decoder, WithoutAGpuTheCpuDecodesAsIfNobodyHadAsked) {
    const auto asked = open_source(test::clip(), {.max_side = 160, .on_gpu = true});
    const auto plain = open_source(test::clip(), {.max_side = 160});
    for (int i = 0; i < 5; ++i) {
        const auto found = asked->next(), expected = plain->next();
        ASSERT_TRUE(found && expected);
        EXPECT_EQ(found->pts_us, expected->pts_us);
        if (asked->stats().not_on_gpu.empty()) GTEST_SKIP() << "this machine's GPU decodes";
        test::expect_in(asked->stats().not_on_gpu, "libav ");  // finds no GPU, or has no decoder for one
        EXPECT_TRUE(found->picture->rgb == expected->picture->rgb);
    }
    EXPECT_EQ(plain->stats().not_on_gpu, "");
    const auto still = open_source(test::media("still.png"), {.on_gpu = true});
    EXPECT_TRUE(still->next());
    test::expect_in(still->stats().not_on_gpu, "libav has no decoder of png for the GPU");
}

}  // namespace
}  // namespace lv
