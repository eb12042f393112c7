#include "tests/engine/allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

static std::atomic<size_t> count = 0;

size_t lv::test::allocations() { return count; }

void* operator new(size_t bytes) {
    ++count;
    if (void* memory = std::malloc(bytes ? bytes : 1)) return memory;
    throw std::bad_alloc();
}
void* operator new(size_t bytes, std::align_val_t align) {
    ++count;
    const size_t step = size_t(align);
    if (void* memory = std::aligned_alloc(step, (bytes + step - 1) / step * step)) return memory;
    throw std::bad_alloc();
}
void* operator new(size_t bytes, std::align_val_t align, const std::nothrow_t&) noexcept {
    ++count;
    const size_t step = size_t(align);
    return std::aligned_alloc(step, (bytes + step - 1) / step * step);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
