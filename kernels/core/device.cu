#include "kernels/core/device.cuh"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fstream>

#include "kernels/products.cuh"

namespace lv {

const std::string& why_no_cuda() {
    static const std::string reason = [] {
        int count = 0;
        const cudaError_t result = cudaGetDeviceCount(&count);
        if (result == cudaSuccess && count > 0) return std::string();
        cudaGetLastError();  // or the next call that asks would meet it
        return "no CUDA device answers (" +
               std::string(result == cudaSuccess ? "none is there" : cudaGetErrorString(result)) + ")";
    }();
    return reason;
}

std::shared_ptr<Device> open_cuda(const DeviceOptions& options) {
    require(why_no_cuda().empty(), "Opening the GPU: ", why_no_cuda(), "; install its driver, or use --device cpu.");
    return std::make_shared<cuda::CudaDevice>(options);
}

namespace cuda {

namespace {

// What a launch carries along: no memory of the host is needed then, and a step can hold it back with its kernels.
struct FewBytes {
    unsigned char of[512];
};

__global__ void put(FewBytes bytes, unsigned char* to, unsigned count) {
    if (threadIdx.x < count) to[threadIdx.x] = bytes.of[threadIdx.x];
}

}  // namespace

Lane::Lane(const ProductsLibrary& library) : products_(std::make_unique<Products>(library)) {
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a queue");
    for (size_t half = 0; half < 2; ++half) {
        check(cudaHostAlloc(&staging_[half], staging_bytes, cudaHostAllocDefault), "locking memory of the host");
        check(cudaEventCreateWithFlags(&staged_[half], cudaEventDisableTiming), "making an event");
    }
}

Lane::~Lane() {
    cudaStreamSynchronize(stream_);
    for (Block& block : blocks_)
        if (block.data) cudaFreeAsync(block.data, stream_);
    for (List& list : lists_)
        if (list.block.data) cudaFreeAsync(list.block.data, stream_);
    for (size_t half = 0; half < 2; ++half) {
        if (staging_[half]) cudaFreeHost(staging_[half]);
        if (staged_[half]) cudaEventDestroy(staged_[half]);
    }
    cudaStreamDestroy(stream_);
}

void* Lane::scratch(Slot slot, size_t bytes) {
    Block& block = blocks_[size_t(slot)];
    grow(block, bytes);
    return block.data;
}

void Lane::grow(Block& block, size_t bytes) {
    if (bytes <= block.bytes) return;
    // Freed in the order of the queue: work that still reads the old block is done by then.
    if (block.data) check(cudaFreeAsync(block.data, stream()), "giving back working memory");
    block = {};
    bytes = bytes + bytes / 4;  // lengths rise; not to grow at every step
    check(cudaMallocAsync(&block.data, bytes, stream()), "taking working memory");
    block.bytes = bytes;
}

void Lane::upload(const void* host, void* to, size_t bytes) {
    if (bytes == 0) return;
    if (FewBytes few; bytes <= sizeof few) {
        std::memcpy(few.of, host, bytes);
        std::memset(few.of + bytes, 0, sizeof few - bytes);
        return launch_on(*this, 1, sizeof few, 0, put, few, static_cast<unsigned char*>(to), unsigned(bytes));
    }
    for (size_t done = 0; done < bytes;) {
        const size_t count = std::min(bytes - done, staging_bytes);
        check(cudaEventSynchronize(staged_[half_]), "waiting for an upload");
        std::memcpy(staging_[half_], static_cast<const std::byte*>(host) + done, count);
        check(cudaMemcpyAsync(static_cast<std::byte*>(to) + done, staging_[half_], count, cudaMemcpyHostToDevice,
                              stream()),
              "an upload");
        check(cudaEventRecord(staged_[half_], stream_), "an upload");
        half_ ^= 1;
        done += count;
    }
}

void Lane::download(const void* from, void* host, size_t bytes) {
    for (size_t done = 0; done < bytes;) {
        const size_t count = std::min(bytes - done, staging_bytes);
        check(cudaEventSynchronize(staged_[half_]), "waiting for an upload");
        check(cudaMemcpyAsync(staging_[half_], static_cast<const std::byte*>(from) + done, count,
                              cudaMemcpyDeviceToHost, stream()),
              "a download");
        wait();
        std::memcpy(static_cast<std::byte*>(host) + done, staging_[half_], count);
        done += count;
    }
    if (bytes == 0) wait();
}

const void* Lane::list(const void* key, const void* host, size_t bytes) {
    if (bytes == 0) return nullptr;
    auto own = std::ranges::find(lists_, key, &List::key);
    if (own == lists_.end() && lists_.size() < most_lists) {
        lists_.push_back({key, {}, {}, 0});
        own = lists_.end() - 1;
    } else if (own == lists_.end()) {
        own = std::ranges::min_element(lists_, {}, &List::used);
        own->key = key;
    }
    own->used = ++lists_used_;
    if (bytes > own->block.bytes) {
        own->sent.clear();
        grow(own->block, bytes);
    }
    // The first of these steps that differs, and all behind it.
    constexpr size_t step = 256;
    const auto* from = static_cast<const std::byte*>(host);
    const size_t known = std::min(own->sent.size(), bytes);
    size_t first = 0;
    while (first < known && std::memcmp(own->sent.data() + first, from + first, std::min(step, known - first)) == 0)
        first += step;
    if (first = std::min(first, known); first < bytes) {
        own->sent.resize(first);
        upload(from + first, static_cast<std::byte*>(own->block.data) + first, bytes - first);
        own->sent.insert(own->sent.end(), from + first, from + bytes);
    }
    return own->block.data;
}

namespace {

uint64_t next_serial() {
    static std::atomic<uint64_t> serial{0};
    return ++serial;
}

// ", driver 580.95": the first number of two parts in what the driver says of itself; empty where it says nothing.
std::string driver_text() {
    std::ifstream version("/proc/driver/nvidia/version");
    for (std::string word; version >> word;)
        if (word.find_first_not_of("0123456789.") == std::string::npos && word.find('.') != std::string::npos)
            return ", driver " + word;
    return "";
}

// The context that all calls of CUDA's runtime on its first device share, as the driver knows it; null where this
// runtime does not tell.
void* runtime_context() {
#if CUDART_VERSION >= 12050
    check(cudaFree(nullptr), "beginning to use it");  // there is a context from the first call on that needs one
    using GetCurrent = int (*)(void**);               // cuCtxGetCurrent
    void* get_current = nullptr;
    void* context = nullptr;
    if (cudaGetDriverEntryPointByVersion("cuCtxGetCurrent", &get_current, 12000, cudaEnableDefault) == cudaSuccess &&
        get_current && reinterpret_cast<GetCurrent>(get_current)(&context) == 0)
        return context;
    cudaGetLastError();
#endif
    return nullptr;
}

}  // namespace

CudaDevice::CudaDevice(const DeviceOptions& options)
    : options_(options), library_(std::make_unique<ProductsLibrary>()), serial_(next_serial()) {
    cudaDeviceProp properties{};
    check(cudaGetDeviceProperties(&properties, 0), "asking what it is");
    int version = 0;
    check(cudaRuntimeGetVersion(&version), "asking its version");
    multiprocessors_ = size_t(properties.multiProcessorCount);
    most_shared_bytes_ = properties.sharedMemPerBlockOptin;
    name_ = std::string(properties.name) + ", " + std::to_string(multiprocessors_) + " multiprocessors, CUDA " +
            std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10) + driver_text() +
            (options.exact ? ", exact products" : "") + (options.graphs ? "" : ", no graphs");
    require(properties.major >= 8, "Opening the GPU: ", properties.name, " has compute capability ", properties.major,
            ".", properties.minor, ", expected 8.0 or later; use --device cpu.");
    // Memory given back stays with the process: one pool serves all sizes.
    cudaMemPool_t pool{};
    check(cudaDeviceGetDefaultMemPool(&pool, 0), "asking for its memory");
    uint64_t keep = UINT64_MAX;
    check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep), "setting up its memory");
    context_ = runtime_context();
}

CudaDevice::~CudaDevice() = default;

std::string CudaDevice::name() const { return name_; }

size_t CudaDevice::free_bytes() const {
    size_t free = 0, total = 0;
    check(cudaMemGetInfo(&free, &total), "asking for its free memory");
    return free;
}

Lane& CudaDevice::lane() {
    struct Last {
        uint64_t serial = 0;
        Lane* lane = nullptr;
    };
    thread_local Last last;
    if (last.serial != serial_) {
        const std::lock_guard lock(mutex_);
        std::unique_ptr<Lane>& own = lanes_[std::this_thread::get_id()];
        if (!own) own = std::make_unique<Lane>(*library_);
        last = {serial_, own.get()};
    }
    return *last.lane;
}

void CudaDevice::allow_shared(const void* kernel, size_t bytes) {
    const std::lock_guard lock(mutex_);
    size_t& allowed = allowed_[kernel];
    if (bytes <= allowed) return;
    require(bytes <= most_shared_bytes_, "Using the GPU: a kernel wants ", bytes,
            " bytes of shared memory, a block of ", name_, " has ", most_shared_bytes_, "; use --device cpu.");
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, int(bytes)),
          "reserving shared memory");
    allowed = bytes;
}

std::byte* CudaDevice::allocate(size_t bytes) {
    void* data = nullptr;
    const cudaError_t result = cudaMallocAsync(&data, bytes, lane().stream());
    if (result == cudaErrorMemoryAllocation) {
        cudaGetLastError();
        fail("Reserving memory of the GPU: ", bytes >> 20, " MiB asked for, ", free_bytes() >> 20,
             " MiB are free; choose a smaller model, --cache int8 or a --budget.");
    }
    check(result, "reserving memory");
    clear(data, bytes);
    return static_cast<std::byte*>(data);
}

void CudaDevice::release(std::byte* data) noexcept {
    try {
        cudaFreeAsync(data, lane().stream());
    } catch (const Error&) {  // no queue can be made any more: the process ends, and the driver takes all back
    }
}

void CudaDevice::upload(const void* host, void* to, size_t bytes) { lane().upload(host, to, bytes); }

void CudaDevice::download(const void* from, void* host, size_t bytes) { lane().download(from, host, bytes); }

void CudaDevice::copy(const void* from, void* to, size_t bytes) {
    if (bytes == 0) return;
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, lane().stream()), "copying");
}

void CudaDevice::clear(void* to, size_t bytes) {
    if (bytes == 0) return;
    check(cudaMemsetAsync(to, 0, bytes, lane().stream()), "clearing");
}

void CudaDevice::wait() { lane().wait(); }

void CudaDevice::wait_for_libraries() { check(cudaStreamSynchronize(nullptr), "waiting for the video decoder"); }

void CudaDevice::begin_step() {
    if (options_.graphs) lane().begin_step();
}

void CudaDevice::end_step() { lane().end_step(); }

}  // namespace cuda
}  // namespace lv
