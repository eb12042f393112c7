#include "kernels/core/context.h"

#include <atomic>
#include <stdexcept>
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

}  // namespace
}  // namespace lv
