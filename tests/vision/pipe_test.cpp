// Pipes and FIFOs: read like files, and left at once when a stop is asked for, whatever their writer does.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "tests/temporary_folder.h"
#include "tests/vision/support.h"
#include "vision/ffmpeg_source.h"

namespace lv {
namespace {

// Whether it sleeps in the kernel: for more to read, as far as these tests go.
bool main_thread_waits() {
    std::ifstream stat("/proc/self/task/" + std::to_string(getpid()) + "/stat");
    std::string pid, name, state;
    stat >> pid >> name >> state;
    return state == "S";
}

class AFifo : public testing::Test {
   protected:
    AFifo() { EXPECT_EQ(mkfifo(path_.c_str(), 0600), 0); }
    const test::TemporaryFolder folder_;
    const std::string path_ = (folder_ / "video.ts").string();
};

TEST_F(AFifo, IsReadToItsEnd) {
    std::jthread writer([&] { std::ofstream(path_, std::ios::binary) << test::bytes_of(test::media("late.ts")); });
    const auto source = open_source(path_);
    size_t frames = 0;
    while (source->next()) ++frames;
    EXPECT_EQ(frames, 50u);
}

TEST_F(AFifo, ThatNobodyWritesToIsLeftWhenStopped) {
    std::stop_source stop;
    std::jthread stopper([&] { stop.request_stop(); });
    test::expect_in(test::message_of([&] { open_source(path_, {.stop = stop.get_token()}); }), "stopped");
}

TEST_F(AFifo, WhoseWriterFallsSilentIsLeftWhenStopped) {
    const int writer = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_GE(writer, 0);
    const std::string bytes = test::bytes_of(test::media("late.ts"));
    ASSERT_LT(bytes.size(), 60'000u) << "a pipe must hold it whole";
    ASSERT_EQ(::write(writer, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    std::stop_source stop;
    std::jthread stopper([&] {
        for (int looks = 0, unread = 0; looks < 20; std::this_thread::yield()) {
            ioctl(writer, FIONREAD, &unread);
            looks = unread == 0 && main_thread_waits() ? looks + 1 : 0;  // its short sleeps are over sooner
        }
        stop.request_stop();
    });
    const std::string said = test::message_of([&] {
        const auto source = open_source(path_, {.stop = stop.get_token()});
        while (source->next()) {}
    });
    EXPECT_TRUE(stop.stop_requested());
    EXPECT_TRUE(said.empty() || said.ends_with("stopped")) << said;
    stopper.join();
    ::close(writer);
}

}  // namespace
}  // namespace lv
