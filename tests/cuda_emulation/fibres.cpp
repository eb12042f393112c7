#include "tests/cuda_emulation/fibres.h"

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <string_view>
#include <vector>

#include <ucontext.h>

thread_local uint3 threadIdx, blockIdx;
thread_local dim3 blockDim, gridDim;

namespace lv::emulation {

namespace {

constexpr size_t stack_bytes = 64 * 1024;

enum class Waits { nothing, warp, block, done };

struct Fibre {
    std::unique_ptr<char[]> stack;
    jmp_buf at;
    uint3 thread;
    Waits waits = Waits::done;
    bool begun = false;
    unsigned turn = 0;  // of the two sets of slots of its warp
};

struct Warp {
    Words slots[2][warp_lanes];
    unsigned arrived = 0, alive = 0;
};

struct Block {
    std::vector<std::unique_ptr<Fibre>> fibres;
    std::vector<Warp> warps;
    std::vector<unsigned> order;  // in which its threads run from barrier to barrier
    unsigned threads = 0, arrived = 0, alive = 0, current = 0;
    const std::function<void()>* kernel = nullptr;
    std::minstd_rand chance;
    jmp_buf scheduler;
    alignas(128) unsigned char shared[most_shared_bytes];
};

Block& block() {
    thread_local std::unique_ptr<Block> own = std::make_unique<Block>();
    return *own;
}

Fibre& self() { return *block().fibres[block().current]; }

void release(Waits what, unsigned first, unsigned last) {
    Block& b = block();
    for (unsigned i = first; i < last; ++i)
        if (b.fibres[i]->waits == what) b.fibres[i]->waits = Waits::nothing;
}

void release_warp(unsigned warp) {
    block().warps[warp].arrived = 0;
    release(Waits::warp, warp * warp_lanes, std::min(block().threads, (warp + 1) * warp_lanes));
}

void release_block() {
    block().arrived = 0;
    release(Waits::block, 0, block().threads);
}

void give_way() {
    if (_setjmp(self().at) == 0) _longjmp(block().scheduler, 1);
}

// What every fibre does for ever: a block's kernel, then wait to be given another block.
void live() {
    while (true) {
        (*block().kernel)();
        Block& b = block();
        Warp& warp = b.warps[block().current / warp_lanes];
        self().waits = Waits::done;
        --b.alive;
        --warp.alive;
        // A thread that has ended is waited for no longer.
        if (b.alive > 0 && b.arrived == b.alive) release_block();
        if (warp.alive > 0 && warp.arrived == warp.alive) release_warp(block().current / warp_lanes);
        give_way();
    }
}

void begin(Fibre& fibre) {
    fibre.begun = true;
    fibre.stack.reset(new char[stack_bytes]);
    ucontext_t context;
    getcontext(&context);
    context.uc_stack.ss_sp = fibre.stack.get();
    context.uc_stack.ss_size = stack_bytes;
    context.uc_link = nullptr;
    makecontext(&context, live, 0);
    setcontext(&context);
}

[[noreturn]] void abort_with(const char* what) {
    std::fprintf(stderr, "emulated CUDA: %s (block %u,%u,%u of %u threads)\n", what, blockIdx.x, blockIdx.y, blockIdx.z,
                 block().threads);
    std::abort();
}

// Runs a fibre until it gives way.
void go_on(Fibre& fibre) {
    threadIdx = fibre.thread;
    if (_setjmp(block().scheduler) != 0) return;
    if (fibre.begun) _longjmp(fibre.at, 1);
    begin(fibre);
}

enum class Order { forwards, backwards, mixed };

// LV_EMULATED_ORDER, or by turns.
Order next_order() {
    static const char* const given = std::getenv("LV_EMULATED_ORDER");
    const std::string_view name = given ? given : "";
    if (name == "forwards") return Order::forwards;
    if (name == "backwards") return Order::backwards;
    if (name == "mixed") return Order::mixed;
    return static_cast<Order>(block().chance() % 3);
}

template <typename T>
void put_in_order(std::vector<T>& all, Order order) {
    if (order == Order::backwards) std::ranges::reverse(all);
    if (order == Order::mixed) std::ranges::shuffle(all, block().chance);
}

void run_block(uint3 at) {
    Block& b = block();
    const Order order = next_order();
    b.order.resize(b.threads);
    std::iota(b.order.begin(), b.order.end(), 0u);
    put_in_order(b.order, order);
    b.arrived = 0;
    b.alive = b.threads;
    std::memset(b.shared, 0xff, sizeof b.shared);
    for (Warp& warp : b.warps) warp.arrived = warp.alive = 0;
    for (unsigned i = 0; i < b.threads; ++i) {
        Fibre& fibre = *b.fibres[i];
        fibre.thread = {i % blockDim.x, i / blockDim.x % blockDim.y, i / (blockDim.x * blockDim.y)};
        fibre.waits = Waits::nothing;
        fibre.turn = 0;
        ++b.warps[i / warp_lanes].alive;
    }
    blockIdx = at;
    // A warp runs as far as it can before the next one; mixed, all threads take turns.
    const unsigned together = order == Order::mixed ? b.threads : warp_lanes;
    unsigned idle = 0;
    for (unsigned first = 0; b.alive > 0; first = first + together < b.threads ? first + together : 0) {
        if (idle > b.threads) abort_with("threads wait for each other at different barriers");
        bool went_on = true;
        for (++idle; went_on;) {
            went_on = false;
            for (unsigned turn = first; turn < std::min(first + together, b.threads); ++turn) {
                b.current = b.order[turn];
                if (self().waits != Waits::nothing) continue;
                go_on(self());
                went_on = true;
                idle = 0;
            }
        }
    }
}

}  // namespace

void run_grid(dim3 grid, dim3 size, size_t shared_bytes, const std::function<void()>& kernel) {
    Block& b = block();
    if (shared_bytes > most_shared_bytes) abort_with("more shared memory than a block can have");
    b.threads = size.x * size.y * size.z;
    if (b.threads == 0 || b.threads > 1024) abort_with("a block of no or of over 1024 threads");
    while (b.fibres.size() < b.threads) b.fibres.push_back(std::make_unique<Fibre>());
    b.warps.assign((b.threads + warp_lanes - 1) / warp_lanes, {});
    b.kernel = &kernel;
    blockDim = size;
    gridDim = grid;
    std::vector<uint3> blocks;
    for (unsigned z = 0; z < grid.z; ++z)
        for (unsigned y = 0; y < grid.y; ++y)
            for (unsigned x = 0; x < grid.x; ++x) blocks.push_back({x, y, z});
    put_in_order(blocks, next_order());
    for (const uint3 at : blocks) run_block(at);
}

unsigned char* dynamic_shared() { return block().shared; }

unsigned lane() { return block().current % warp_lanes; }

void block_barrier() {
    Block& b = block();
    if (++b.arrived == b.alive) return release_block();
    self().waits = Waits::block;
    give_way();
}

void warp_barrier() {
    Warp& warp = block().warps[block().current / warp_lanes];
    if (++warp.arrived == warp.alive) return release_warp(block().current / warp_lanes);
    self().waits = Waits::warp;
    give_way();
}

const Words* share(const Words& own) {
    Warp& warp = block().warps[block().current / warp_lanes];
    if (warp.alive != warp_lanes) abort_with("a shuffle in a warp that is not whole");
    // Two sets in turn: nobody can write the next but one before all have read this one.
    const unsigned turn = self().turn ^= 1;
    warp.slots[turn][lane()] = own;
    warp_barrier();
    return warp.slots[turn];
}

}  // namespace lv::emulation
