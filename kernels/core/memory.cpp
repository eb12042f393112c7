#include "kernels/core/memory.h"

#include <cstring>
#include <new>

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

void Buffer::Free::operator()(std::byte* data) const { ::operator delete(data, std::align_val_t(memory_alignment)); }

size_t Buffer::checked_bytes(size_t count, size_t size) {
    require(count <= address_space / size, "reserving memory: ", count, " values of ", size,
            " bytes asked for, more than any machine has");
    return count * size;
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
