#include <sys/mman.h>

#include <cstdlib>
#include <map>
#include <mutex>

#include "tests/cuda_emulation/cuda_runtime.h"

namespace lv::emulation {

namespace {

constexpr size_t region_bytes = size_t{1} << 30, unit = 256;

// Blocks in address order; a block that is released joins its free neighbours.
struct Region {
    std::byte* base;
    std::mutex mutex;
    std::map<size_t, size_t> free{{0, region_bytes}}, used;  // offset, bytes
    std::recursive_mutex open_mutex;
    int open = 0;

    Region() {
        void* at = mmap(nullptr, region_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (at == MAP_FAILED) std::abort();
        base = static_cast<std::byte*>(at);
    }
    void protect(int how) {
        if (mprotect(base, region_bytes, how) != 0) std::abort();
    }
};

Region& region() {
    static Region* const own = new Region;  // outlives every Buffer
    return *own;
}

}  // namespace

DeviceMemoryOpen::DeviceMemoryOpen() {
    region().open_mutex.lock();
    if (region().open++ == 0) region().protect(PROT_READ | PROT_WRITE);
}

DeviceMemoryOpen::~DeviceMemoryOpen() {
    if (--region().open == 0) region().protect(PROT_NONE);
    region().open_mutex.unlock();
}

void* allocate(size_t bytes) {
    bytes = (bytes + unit - 1) / unit * unit;
    std::byte* found = nullptr;
    {
        const std::lock_guard lock(region().mutex);
        for (auto [offset, room] : region().free) {
            if (room < bytes) continue;
            region().free.erase(offset);
            if (room > bytes) region().free[offset + bytes] = room - bytes;
            region().used[offset] = bytes;
            found = region().base + offset;
            break;
        }
    }
    if (!found) return nullptr;
    const DeviceMemoryOpen open;
    std::memset(found, 0xff, std::min<size_t>(bytes, size_t{1} << 20));  // pages that nobody touches stay cheap
    return found;
}

void release(void* data) {
    if (!data) return;
    const std::lock_guard lock(region().mutex);
    auto& free = region().free;
    const auto block = region().used.extract(size_t(static_cast<std::byte*>(data) - region().base));
    if (block.empty()) std::abort();
    auto at = free.emplace(block.key(), block.mapped()).first;
    if (const auto next = std::next(at); next != free.end() && at->first + at->second == next->first) {
        at->second += next->second;
        free.erase(next);
    }
    if (at != free.begin())
        if (const auto before = std::prev(at); before->first + before->second == at->first) {
            before->second += at->second;
            free.erase(at);
        }
}

}  // namespace lv::emulation
