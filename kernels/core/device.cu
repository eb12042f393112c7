#include "kernels/core/device.cuh"

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

Lane::Lane() : products_(std::make_unique<Products>()) {
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
    for (size_t half = 0; half < 2; ++half) {
        if (staging_[half]) cudaFreeHost(staging_[half]);
        if (staged_[half]) cudaEventDestroy(staged_[half]);
    }
    cudaStreamDestroy(stream_);
}

void* Lane::scratch(Slot slot, size_t bytes) {
    Block& block = blocks_[size_t(slot)];
    if (bytes <= block.bytes) return block.data;
    // Freed in the order of the queue: work that still reads the old block is done by then.
    if (block.data) check(cudaFreeAsync(block.data, stream_), "giving back working memory");
    block = {};
    bytes = bytes + bytes / 4;  // lengths rise; not to grow at every step
    check(cudaMallocAsync(&block.data, bytes, stream_), "taking working memory");
    block.bytes = bytes;
    return block.data;
}

void Lane::upload(const void* host, void* to, size_t bytes) {
    for (size_t done = 0; done < bytes;) {
        const size_t count = std::min(bytes - done, staging_bytes);
        check(cudaEventSynchronize(staged_[half_]), "waiting for an upload");
        std::memcpy(staging_[half_], static_cast<const std::byte*>(host) + done, count);
        check(cudaMemcpyAsync(static_cast<std::byte*>(to) + done, staging_[half_], count, cudaMemcpyHostToDevice,
                              stream_),
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
                              cudaMemcpyDeviceToHost, stream_),
              "a download");
        wait();
        std::memcpy(static_cast<std::byte*>(host) + done, staging_[half_], count);
        done += count;
    }
    if (bytes == 0) wait();
}

const void* Lane::list(Slot slot, const void* host, size_t bytes) {
    std::vector<std::byte>& sent = sent_[size_t(slot)];
    if (bytes == 0) return nullptr;
    if (sent.size() == bytes && std::memcmp(sent.data(), host, bytes) == 0) return blocks_[size_t(slot)].data;
    void* to = scratch(slot, bytes);
    upload(host, to, bytes);
    const auto* from = static_cast<const std::byte*>(host);
    sent.assign(from, from + bytes);
    return to;
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

}  // namespace

CudaDevice::CudaDevice(const DeviceOptions& options) : options_(options), serial_(next_serial()) {
    cudaDeviceProp properties{};
    check(cudaGetDeviceProperties(&properties, 0), "asking what it is");
    int version = 0;
    check(cudaRuntimeGetVersion(&version), "asking its version");
    multiprocessors_ = size_t(properties.multiProcessorCount);
    most_shared_bytes_ = properties.sharedMemPerBlockOptin;
    name_ = std::string(properties.name) + ", " + std::to_string(multiprocessors_) + " multiprocessors, CUDA " +
            std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10) + driver_text() +
            (options.exact ? ", exact products" : "");
    require(properties.major >= 8, "Opening the GPU: ", properties.name, " has compute capability ", properties.major,
            ".", properties.minor, ", expected 8.0 or later; use --device cpu.");
    // Memory given back stays with the process: one pool serves all sizes.
    cudaMemPool_t pool{};
    check(cudaDeviceGetDefaultMemPool(&pool, 0), "asking for its memory");
    uint64_t keep = UINT64_MAX;
    check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep), "setting up its memory");
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
        if (!own) own = std::make_unique<Lane>();
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

}  // namespace cuda
}  // namespace lv
