// What is read is written down as it is; a disk that has no room for it is told of once and tried again.
#include <sys/resource.h>

#include <csignal>
#include <mutex>

#include "tests/temporary_folder.h"
#include "tests/vision/support.h"
#include "vision/ffmpeg_source.h"
#include "vision/live_feed.h"

namespace lv {
namespace {

using test::media;

// Files can be made but hold nothing for as long as this lives.
class FullDisk {
   public:
    FullDisk() {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit none{0, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &none);
    }
    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, signal_before_);
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

   private:
    void (*signal_before_)(int) = std::signal(SIGXFSZ, SIG_IGN);  // before the limit: it ends a program
    rlimit before_{};
};

class Records : public testing::Test {
   protected:
    SourceOptions options(const std::string& name = "yard.mkv") const {
        SourceOptions options{.max_side = 64, .threads = 1};
        options.record.file = (folder_ / name).string();
        return options;
    }
    test::TemporaryFolder folder_;
};

// Reads on until a picture of that time.
void read_until(FrameSource& source, int64_t pts_us) {
    std::optional<Frame> frame = source.next();
    while (frame && frame->pts_us < pts_us) frame = source.next();
}

TEST_F(Records, AFullDiskIsToldOfOnceAndKeepsNoEmptyFiles) {
    std::mutex mutex;
    std::vector<std::string> told;
    LiveOptions live;
    live.speed = 0;
    live.note = [&](const LiveNote& note) {
        const std::lock_guard lock(mutex);
        if (note.kind == LiveNote::Kind::unrecorded) told.push_back(note.words);
    };
    int frames = 0;
    {
        const FullDisk full;
        // A key frame each 400 ms: ten of them.
        LiveFeed feed(media("short_gop.mkv"), options(), {.period_us = 400'000}, live, open_source);
        while (feed.next({})) ++frames;
    }
    EXPECT_EQ(frames, 10) << "watching goes on";
    ASSERT_EQ(told.size(), 1u);
    test::expect_in(told[0], "yard.mkv cannot be written");
    EXPECT_TRUE(folder_.names().empty());
}

TEST_F(Records, AFailureIsNotTriedAgainAtOnce) {
    const auto source = open_source(media("short_gop.mkv"), options());
    {
        const FullDisk full;
        read_until(*source, 1'000'000);
    }
    read_until(*source, 60'000'000);  // to its end, at 4 s
    EXPECT_FALSE(source->stats().record_failure.empty());
    EXPECT_TRUE(folder_.names().empty());
}

TEST_F(Records, RecordingGoesOnWhenThereIsRoomAgain) {
    auto source = open_source(test::clip(), options());  // a key frame each 10 s
    {
        const FullDisk full;
        read_until(*source, 3'000'000);
    }
    EXPECT_FALSE(source->stats().record_failure.empty());
    read_until(*source, 22'000'000);
    EXPECT_EQ(source->stats().record_failure, "");
    source.reset();
    const std::vector<std::string> names = folder_.names();
    ASSERT_EQ(names.size(), 1u);
    EXPECT_TRUE(open_source((folder_ / names[0]).string())->next());
}

TEST_F(Records, ANameThatCannotBeLookedUpIsAFailureLikeOthers) {
    const auto source = open_source(media("short_gop.mkv"), options(std::string(250, 'y') + ".mkv"));
    read_until(*source, 2'000'000);
    test::expect_in(source->stats().record_failure, "cannot be written");
}

}  // namespace
}  // namespace lv
