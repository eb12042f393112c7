#include "tests/engine/allocations.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace {

constexpr size_t never = SIZE_MAX;
std::atomic<size_t> count = 0;
thread_local size_t left_until_failure = never;

// Counts one; whether it is to fail.
bool fails() {
    ++count;
    if (left_until_failure == never) return false;
    if (left_until_failure > 0) {
        --left_until_failure;
        return false;
    }
    left_until_failure = never;
    return true;
}

void* allocated(size_t bytes) { return fails() ? nullptr : std::malloc(bytes ? bytes : 1); }
void* allocated(size_t bytes, std::align_val_t align) {
    const size_t step = size_t(align);
    return fails() ? nullptr : std::aligned_alloc(step, (bytes + step - 1) / step * step);
}

void* or_throw(void* memory) {
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

}  // namespace

size_t lv::test::allocations() { return count; }

lv::test::FailingAllocation::FailingAllocation(size_t later) { left_until_failure = later; }
lv::test::FailingAllocation::~FailingAllocation() { left_until_failure = never; }
bool lv::test::FailingAllocation::happened() const { return left_until_failure == never; }

void* operator new(size_t bytes) { return or_throw(allocated(bytes)); }
void* operator new(size_t bytes, std::align_val_t align) { return or_throw(allocated(bytes, align)); }
void* operator new(size_t bytes, std::align_val_t align, const std::nothrow_t&) noexcept {
    return allocated(bytes, align);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
