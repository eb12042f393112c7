// Counts every allocation of the test program with operator new, and lets one fail.
#pragma once

#include <cstddef>

namespace lv::test {

size_t allocations();  // since the start, of all threads

// While it lives, this thread's allocation behind the next `later` ones fails, once, as out of memory.
class FailingAllocation {
   public:
    explicit FailingAllocation(size_t later);
    ~FailingAllocation();
    FailingAllocation(const FailingAllocation&) = delete;
    FailingAllocation& operator=(const FailingAllocation&) = delete;
    bool happened() const;
};

}  // namespace lv::test
