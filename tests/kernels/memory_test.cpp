#include "kernels/core/memory.h"

#include "kernels/core/error.h"
#include "kernels/core/scratch.h"
#include "tests/support.h"

namespace lv {
namespace {

TEST(Memory, BuffersAreAlignedAndCleared) {
    for (size_t bytes : {1u, 64u, 1000u, 100000u}) {
        Buffer buffer(bytes);
        EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % memory_alignment, 0u);
        for (std::byte value : buffer.as<std::byte>()) ASSERT_EQ(value, std::byte{0});
    }
    EXPECT_EQ(Buffer().as<float>().size(), 0u);
}

TEST(Memory, ABufferTooLargeForTheMachineIsRefusedWithTheSum) {
    EXPECT_THROW(Buffer(size_t{1} << 60), Error);
    EXPECT_THROW(Buffer(~size_t{0}), Error);
    EXPECT_THROW(Buffer::of<float>(~size_t{0} / 2), Error);
}

TEST(Memory, AnArenaHandsOutAlignedPiecesAndTakesThemBackToAMark) {
    Arena arena(Arena::bytes_of<float>(10) + Arena::bytes_of<float>(3 * 5));
    std::span<float> first = arena.array<float>(10);
    size_t mark = arena.mark();
    Matrix second = arena.matrix(3, 5);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(second.data) % memory_alignment, 0u);
    EXPECT_GE(second.data, first.data() + 10);
    EXPECT_THROW(arena.array<char>(1), Error);
    arena.rewind(mark);
    EXPECT_EQ(arena.matrix(5, 3).data, second.data);
    arena.reset();
    EXPECT_EQ(arena.used_bytes(), 0u);
    EXPECT_EQ(arena.peak_bytes(), arena.capacity_bytes());
}

TEST(Memory, ScratchKeepsItsBlockWhileItIsLargeEnough) {
    float* large = thread_scratch(ScratchSlot::gemm, 100000);
    EXPECT_EQ(thread_scratch(ScratchSlot::gemm, 10), large);
    EXPECT_EQ(thread_scratch(ScratchSlot::gemm, 100000), large);
}

}  // namespace
}  // namespace lv
