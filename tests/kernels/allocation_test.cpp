// Steady decoding allocates nothing: every allocation of this program is counted here.
#include <atomic>
#include <cstdlib>
#include <new>

#include "kernels/attention.h"
#include "kernels/matmul.h"
#include "kernels/norm.h"
#include "kernels/retention.h"
#include "tests/support.h"

namespace {
std::atomic<size_t> allocations = 0;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool counting = false;  // the sanitizer's own operators stay, they see more
#else
constexpr bool counting = true;

static void* counted(size_t bytes, size_t alignment) {
    ++allocations;
    return std::aligned_alloc(alignment, (bytes + alignment) / alignment * alignment);
}
static void* or_throw(void* block) {
    if (!block) throw std::bad_alloc();
    return block;
}

void* operator new(size_t bytes) { return or_throw(counted(bytes, 16)); }
void* operator new[](size_t bytes) { return or_throw(counted(bytes, 16)); }
void* operator new(size_t bytes, const std::nothrow_t&) noexcept { return counted(bytes, 16); }
void* operator new(size_t bytes, std::align_val_t align) { return or_throw(counted(bytes, size_t(align))); }
void* operator new(size_t bytes, std::align_val_t align, const std::nothrow_t&) noexcept {
    return counted(bytes, size_t(align));
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete(void* block, size_t) noexcept { std::free(block); }
void operator delete[](void* block, size_t) noexcept { std::free(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { std::free(block); }
void operator delete(void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete(void* block, size_t, std::align_val_t) noexcept { std::free(block); }
#endif

namespace lv {
namespace {

TEST(Allocation, ASecondDecodingStepAllocatesNothing) {
    if (!counting) GTEST_SKIP() << "a sanitizer counts instead";
    constexpr size_t heads = 6, kv_heads = 2, head_dim = 64, dim = heads * head_dim, keys = 3000;
    auto weight = test::random_floats(dim * dim, 1), x = test::random_floats(dim, 2), y = x, out = x;
    auto cache = test::random_floats(keys * kv_heads * head_dim, 3), state = test::random_floats(dim * head_dim, 4);
    std::vector<Half> half(cache.size());
    convert(std::span<const float>(cache), half);
    std::vector<float> decay(heads, -0.1f), max(heads), sum(heads), mass(keys);
    KvPiece piece{DType::f16, half.data(), half.data(), nullptr, nullptr, keys, kv_heads * head_dim, 0};
    AttentionInput input;
    input.heads = heads;
    input.kv_heads = kv_heads;
    input.head_dim = head_dim;
    input.q = {x.data(), 1, dim};
    input.pieces = {&piece, 1};
    input.first_row = keys;
    // One thread: which of several takes a piece first is chance, and each grows its own scratch once.
    Context context(1);
    Linear linear(ConstMatrix(weight.data(), dim, dim), DType::f16);
    Matrix row(x.data(), 1, dim), to(y.data(), 1, dim), result(out.data(), 1, dim);
    auto step = [&] {
        rms_norm(context, row, std::span(weight).first(dim), 1e-6f, to);
        linear.apply(context, row, to);
        retention(context, {heads, row, row, row, {decay.data(), 1, heads}}, state, result);
        attend(context, input, to);
        const AttentionPart part{result, {max.data(), 1, heads}, {sum.data(), 1, heads}};
        attend_part(context, input, part);
        attention_mass(context, input, part, {mass});
    };
    step();
    size_t before = allocations;
    step();
    EXPECT_EQ(allocations, before);
    std::vector<float> proof(1);
    EXPECT_GT(allocations, before) << "the counter counts";
}

TEST(Allocation, SpreadingWorkOverThreadsAllocatesNothing) {
    if (!counting) GTEST_SKIP() << "a sanitizer counts instead";
    Context context(3);
    std::atomic<size_t> sum = 0;
    size_t before = allocations;
    for (int round = 0; round < 100; ++round)
        context.parallel_for(0, 50, 1, [&](size_t first, size_t last) { sum += last - first; });
    EXPECT_EQ(allocations, before);
    EXPECT_EQ(sum, 5000u);
}

}  // namespace
}  // namespace lv
