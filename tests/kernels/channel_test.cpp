#include "kernels/core/channel.h"

#include <memory>
#include <stdexcept>
#include <thread>

#include "tests/support.h"

namespace lv {
namespace {

TEST(Channel, ItemsComeInOrderThenTheEnd) {
    Channel<std::unique_ptr<int>> channel(2);
    std::jthread producer([&] {
        for (int i = 0; i < 1000; ++i) ASSERT_TRUE(channel.push(std::make_unique<int>(i)));
        channel.close();
    });
    for (int i = 0; i < 1000; ++i) {
        auto item = channel.pop();
        ASSERT_TRUE(item);
        EXPECT_EQ(**item, i);
    }
    EXPECT_FALSE(channel.pop());
    EXPECT_FALSE(channel.pop());
}

TEST(Channel, FailureComesAfterTheItemsBeforeIt) {
    Channel<int> channel(4);
    channel.push(1);
    channel.fail(std::make_exception_ptr(std::runtime_error("camera gone")));
    channel.fail(std::make_exception_ptr(std::logic_error("later")));
    EXPECT_FALSE(channel.push(2));
    EXPECT_EQ(channel.pop(), 1);
    EXPECT_THROW(channel.pop(), std::runtime_error);
    EXPECT_THROW(channel.try_pop(), std::runtime_error);
}

TEST(Channel, AConsumerThatLeavesStopsAWaitingProducer) {
    Channel<int> channel(1);
    channel.push(0);
    bool pushed = true;
    {
        std::jthread producer([&] { pushed = channel.push(1); });
        channel.abandon();
    }
    EXPECT_FALSE(pushed && channel.size() > 0);
    EXPECT_TRUE(channel.closed());
    EXPECT_FALSE(channel.push(2));
    EXPECT_FALSE(channel.pop());
}

TEST(Channel, AStopTokenEndsWaitingAtBothEnds) {
    Channel<int> empty(1), full(1);
    full.push(0);
    std::optional<int> popped = 5;
    bool pushed = true;
    {
        std::jthread consumer([&](std::stop_token stop) { popped = empty.pop(stop); });
        std::jthread producer([&](std::stop_token stop) { pushed = full.push(1, stop); });
        consumer.request_stop();
        producer.request_stop();
    }
    EXPECT_FALSE(popped);
    EXPECT_FALSE(pushed);
    EXPECT_FALSE(empty.closed());
}

TEST(Channel, TryingNeverWaits) {
    Channel<int> channel(1);
    EXPECT_FALSE(channel.try_pop());
    EXPECT_TRUE(channel.try_push(3));
    EXPECT_FALSE(channel.try_push(4));
    EXPECT_EQ(channel.try_pop(), 3);
}

}  // namespace
}  // namespace lv
