// Counts every allocation of the test program with operator new.
#pragma once

#include <cstddef>

namespace lv::test {

size_t allocations();  // since the start, of all threads

}  // namespace lv::test
