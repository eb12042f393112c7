#include "kernels/core/context.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "kernels/core/error.h"
#include "tests/support.h"

namespace lv {
namespace {

TEST(Context, EveryIndexIsVisitedOnce) {
    for (size_t threads : {1u, 2u, 3u, 8u}) {
        Context context(threads);
        EXPECT_EQ(context.threads(), threads);
        for (size_t count : {0u, 1u, 2u, 7u, 64u, 1000u})
            for (size_t grain : {0u, 1u, 3u, 64u, 5000u}) {
                std::vector<std::atomic<int>> visits(count);
                context.parallel_for(10, 10 + count, grain, [&](size_t first, size_t last) {
                    for (size_t i = first; i < last; ++i) ++visits[i - 10];
                });
                for (auto& visit : visits) ASSERT_EQ(visit, 1);
            }
    }
}

TEST(Context, AnExceptionInAPieceReachesTheCallerAndThePoolGoesOn) {
    Context context(4);
    for (int round = 0; round < 50; ++round) {
        auto failing = [&](size_t first, size_t) {
            if (first >= 50) throw std::runtime_error("piece");
        };
        EXPECT_THROW(context.parallel_for(0, 100, 1, failing), std::runtime_error);
        std::atomic<size_t> sum = 0;
        context.parallel_for(0, 100, 1, [&](size_t first, size_t last) { sum += last - first; });
        EXPECT_EQ(sum, 100u);
    }
}

TEST(Context, SeveralThreadsShareOnePoolAndMayNest) {
    Context context(3);
    std::atomic<size_t> sum = 0;
    std::vector<std::thread> users;
    for (int user = 0; user < 4; ++user)
        users.emplace_back([&] {
            for (int round = 0; round < 100; ++round)
                context.parallel_for(0, 10, 1, [&](size_t first, size_t last) {
                    for (size_t i = first; i < last; ++i)
                        context.parallel_for(0, 10, 1, [&](size_t a, size_t b) { sum += b - a; });
                });
        });
    for (std::thread& user : users) user.join();
    EXPECT_EQ(sum, 4u * 100 * 100);
}

TEST(Context, ThousandsOfThreadsAreRefused) { EXPECT_THROW(Context(5000), Error); }

TEST(Context, UnaskedThereAreAsManyThreadsAsCoresButNoMoreThanAllowed) {
    const Context context;
    EXPECT_EQ(context.threads(), std::clamp<size_t>(std::thread::hardware_concurrency(), 1, Context::most_threads));
}

// Ends the process, whose other threads a fork has left behind: 0 where many threads with room for the stacks of a few are an Error that says so.
[[noreturn]] void start_without_room() {
    size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    rlimit room{};
    getrlimit(RLIMIT_AS, &room);
    room.rlim_cur = pages * size_t(sysconf(_SC_PAGESIZE)) + (size_t{64} << 20);
    setrlimit(RLIMIT_AS, &room);
    try {
        Context(Context::most_threads);
    } catch (const Error& error) {
        _exit(std::string(error.what()).find("could be had") != std::string::npos ? 0 : 2);
    }
    _exit(3);
}

TEST(Context, FewerThreadsThanAskedForAreAnError) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "sanitizers need more room themselves";
#endif
    EXPECT_EXIT(start_without_room(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace lv
