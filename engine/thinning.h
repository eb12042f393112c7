// What goes when a budget is full: the frames of old pages that show least that is new.
//
// Two neighbouring old pages become one, until enough pages are gone. Taken are the two that together hold the least
// change for their age:
//   cost = sum of the frames' change (plus a little for each frame) / number of pages behind
// so static stretches go first, and older before newer: in the long run a page covers change in proportion to its age.
// Of the two pages' frames the least changed go, until the rest fits one page; what a frame had changed passes to the
// next one that stays. The very first frame stays. Rows keep their order.
// One page gone costs reading two and writing one, whatever the length; which two is looked up in O(pages).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/cache.h"
#include "engine/frame_index.h"

namespace lv {

struct Thinned {
    std::vector<KeptPage> pages;  // of the cache, oldest first
    std::vector<RowRun> rows;     // rows that stay, oldest first
    PrefixList<FrameMark> marks;  // of the frames that stay, the open one not counted
    uint32_t open_rows = 0;       // that stay of the open frame
    std::vector<RowRun> gone;     // rows that go, in no order
    size_t frames_gone = 0;       // frames of which no row stays
    size_t pages_gone = 0;
};

// Plans for `count` pages less; fewer when the pages before `protected_from` (a page) do not suffice. Deterministic.
Thinned plan_thinning(const Cache& cache, const FrameIndex& frames, size_t count, size_t protected_from);

}  // namespace lv
