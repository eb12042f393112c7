// A pool of threads that kernels spread their work over, or the device that they run on; passed to every kernel by
// reference.
//
// There is no global pool: who wants one makes one. Several user threads may call kernels with the same Context at
// once; each takes part in its own work, and the pool's threads help whoever came first.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace lv {

class Device;

class Context {
   public:
    static constexpr size_t most_threads = 256;
    // `threads` counts the caller too: 1 makes no threads at all, 0 asks for one a core, or most_threads of more. Throws
    // Error for more than most_threads, or where the system gives fewer.
    // With a device, all that kernels are given lies in its memory; the threads serve what is left to the host.
    explicit Context(size_t threads = 0, std::shared_ptr<Device> device = nullptr);
    ~Context();
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    size_t threads() const { return threads_; }
    Device* device() const { return device_.get(); }  // null: the host
    const std::shared_ptr<Device>& shared_device() const { return device_; }

    // Calls fn(first, last) for pieces that together cover [begin, end) once each; a piece has at least `grain`
    // indices (the last may have fewer). Returns when all are done. The caller works too, so a nested call makes
    // progress. The first exception thrown by fn is thrown again here, after the pieces already begun have ended.
    // Allocates nothing. Work that fits one grain runs inline.
    template <typename Fn>
    void parallel_for(size_t begin, size_t end, size_t grain, Fn&& fn) const {
        if (begin >= end) return;
        if (grain == 0) grain = 1;
        if (threads_ == 1 || end - begin <= grain) {
            fn(begin, end);
            return;
        }
        using Plain = std::remove_reference_t<Fn>;
        run(
            begin, end, grain, [](void* fn_, size_t first, size_t last) { (*static_cast<Plain*>(fn_))(first, last); },
            const_cast<void*>(static_cast<const void*>(&fn)));
    }

   private:
    struct Pool;
    void run(size_t begin, size_t end, size_t grain, void (*call)(void*, size_t, size_t), void* fn) const;

    size_t threads_;
    std::shared_ptr<Device> device_;
    std::unique_ptr<Pool> pool_;
};

}  // namespace lv
