#include "kernels/core/context.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "kernels/core/error.h"

namespace lv {
namespace {

// Lives on the stack of the thread that called parallel_for.
struct Job {
    size_t end, step;
    void (*call)(void*, size_t, size_t);
    void* fn;
    std::atomic<size_t> next;
    std::atomic<bool> failed{false};
    std::exception_ptr error{};  // guarded by the pool's mutex
    size_t helpers = 0;          // guarded by the pool's mutex
    Job* following = nullptr;    // guarded by the pool's mutex

    // Takes pieces until none is left; returns the exception this thread met, if any.
    std::exception_ptr work() {
        try {
            while (!failed.load(std::memory_order_relaxed)) {
                size_t first = next.fetch_add(step, std::memory_order_relaxed);
                if (first >= end) break;
                call(fn, first, std::min(end, first + step));
            }
        } catch (...) {
            failed.store(true, std::memory_order_relaxed);
            return std::current_exception();
        }
        return nullptr;
    }
};

}  // namespace

struct Context::Pool {
    std::mutex mutex;
    std::condition_variable wake, done;
    Job* first = nullptr;  // jobs that may still have pieces to take
    bool ending = false;
    std::vector<std::thread> threads;

    void add(Job& job) {
        std::lock_guard lock(mutex);
        Job** place = &first;
        while (*place) place = &(*place)->following;
        *place = &job;
    }
    void remove(Job& job) {
        for (Job** place = &first; *place; place = &(*place)->following)
            if (*place == &job) {
                *place = job.following;
                return;
            }
    }
    Job* open_job() {
        for (Job* job = first; job; job = job->following)
            if (!job->failed.load(std::memory_order_relaxed) && job->next.load(std::memory_order_relaxed) < job->end)
                return job;
        return nullptr;
    }

    void end() {
        {
            std::lock_guard lock(mutex);
            ending = true;
        }
        wake.notify_all();
        for (std::thread& thread : threads) thread.join();
    }

    void worker() {
        std::unique_lock lock(mutex);
        while (true) {
            Job* job = nullptr;
            wake.wait(lock, [&] { return ending || (job = open_job()); });
            if (!job) return;
            ++job->helpers;
            lock.unlock();
            std::exception_ptr error = job->work();
            lock.lock();
            if (error && !job->error) job->error = error;
            // The owner may leave, and the job be gone, as soon as the last helper has let go of the mutex.
            if (--job->helpers == 0) done.notify_all();
        }
    }
};

Context::Context(size_t threads, std::shared_ptr<Device> device)
    : threads_(threads ? threads : std::clamp<size_t>(std::thread::hardware_concurrency(), 1, most_threads)),
      device_(std::move(device)) {
    require(threads_ <= most_threads, "starting threads: ", threads_, " asked for, at most ", most_threads,
            " are allowed; give a smaller number");
    if (threads_ == 1) return;
    pool_ = std::make_unique<Pool>();
    try {
        for (size_t i = 1; i < threads_; ++i) pool_->threads.emplace_back([pool = pool_.get()] { pool->worker(); });
    } catch (const std::system_error& error) {
        const size_t started = pool_->threads.size() + 1;
        pool_->end();
        fail("starting threads: ", threads_, " asked for, ", started, " could be had (", error.what(),
             "); give a smaller number");
    }
}

Context::~Context() {
    if (pool_) pool_->end();
}

void Context::run(size_t begin, size_t end, size_t grain, void (*call)(void*, size_t, size_t), void* fn) const {
    // About four pieces a thread, so that a thread held up by something else does not hold up all.
    size_t count = end - begin;
    size_t step = std::max(grain, (count + threads_ * 4 - 1) / (threads_ * 4));
    Job job{end, step, call, fn, begin};
    pool_->add(job);
    size_t pieces = (count + step - 1) / step;
    if (pieces > 2)
        pool_->wake.notify_all();
    else
        pool_->wake.notify_one();
    std::exception_ptr error = job.work();

    std::unique_lock lock(pool_->mutex);
    pool_->remove(job);
    pool_->done.wait(lock, [&] { return job.helpers == 0; });
    if (!error) error = job.error;
    lock.unlock();
    if (error) std::rethrow_exception(error);
}

}  // namespace lv
