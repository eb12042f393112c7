// Room in a list that is filled anew time after time, for lists that grow by little.
#pragma once

#include <cstddef>
#include <vector>

namespace lv {

// Room for `size` values; with some to spare, so that one more now and then allocates nothing.
template <typename T>
void make_room(std::vector<T>& list, size_t size) {
    if (list.capacity() < size + 1) list.reserve(2 * size + 16);
}

}  // namespace lv
