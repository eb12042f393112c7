#include "kernels/core/memory.h"

#include <cstring>
#include <new>

#include "kernels/core/device.h"
#include "kernels/core/error.h"

namespace lv {

constexpr size_t address_space = size_t{1} << 47;

Buffer::Buffer(size_t bytes) : bytes_(bytes) {
    if (bytes == 0) return;
    require(bytes <= address_space, "reserving memory: ", bytes, " bytes asked for, more than any machine has");
    void* block = ::operator new(bytes, std::align_val_t(memory_alignment), std::nothrow);
    require(block != nullptr, "reserving memory: the system has no ", bytes >> 20,
            " MiB to give; close other programs, or choose a smaller model or budget");
    data_.reset(static_cast<std::byte*>(block));
    std::memset(block, 0, bytes);
}

Buffer::Buffer(size_t bytes, std::shared_ptr<Device> device) {
    if (!device) {
        *this = Buffer(bytes);
        return;
    }
    bytes_ = bytes;
    std::byte* block = bytes > 0 ? device->allocate(bytes) : nullptr;
    data_ = {block, Free{std::move(device)}};
}

void Buffer::Free::operator()(std::byte* data) const {
    if (device)
        device->release(data);
    else
        ::operator delete(data, std::align_val_t(memory_alignment));
}

size_t Buffer::checked_bytes(size_t count, size_t size) {
    require(count <= address_space / size, "reserving memory: ", count, " values of ", size,
            " bytes asked for, more than any machine has");
    return count * size;
}

Floats::Floats(size_t count, std::shared_ptr<Device> device) : block_(Buffer::of<float>(count, std::move(device))) {}

Floats::Floats(std::span<const float> host, std::shared_ptr<Device> device) : Floats(host.size(), std::move(device)) {
    set(host);
}

Floats::Floats(const Floats& other) { *this = other; }

Floats& Floats::operator=(const Floats& other) {
    if (this == &other) return *this;
    if (size() != other.size() || block_.device() != other.block_.device())
        block_ = Buffer(other.block_.bytes(), other.block_.device());
    if (Device* device = block_.device().get())
        device->copy(other.block_.data(), block_.data(), block_.bytes());
    else if (!empty())
        std::memcpy(block_.data(), other.block_.data(), block_.bytes());
    return *this;
}

void Floats::set(std::span<const float> host) {
    assert(host.size() == size());
    if (Device* device = block_.device().get())
        device->upload(host.data(), block_.data(), block_.bytes());
    else if (!empty())
        std::memcpy(block_.data(), host.data(), block_.bytes());
}

std::vector<float> Floats::fetch() const {
    std::vector<float> out(size());
    if (Device* device = block_.device().get())
        device->download(block_.data(), out.data(), block_.bytes());
    else if (!empty())
        std::memcpy(out.data(), block_.data(), block_.bytes());
    return out;
}

void Arena::rewind(size_t mark) {
    assert(mark <= used_);
    used_ = mark;
}

std::byte* Arena::take(size_t bytes) {
    require(bytes <= block_.bytes() - used_, "taking working memory: ", bytes, " bytes asked for with ", used_, " of ",
            block_.bytes(), " in use; the arena was reckoned too small");
    std::byte* place = block_.data() + used_;
    used_ += bytes;
    if (used_ > peak_) peak_ = used_;
    return place;
}

}  // namespace lv
