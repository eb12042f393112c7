#include "engine/thinning.h"

#include <algorithm>

namespace lv {

namespace {

constexpr float change_of_time = 0.01f;  // that a frame is worth though nothing changed in it

// The rows of one frame in one page.
struct Part {
    RowRun run;
    size_t frame = 0;
    float worth = 0;        // change since the part before that stays
    size_t frame_rows = 0;  // of the whole frame

    // Goes last: of the first frame, or of one that reaches into another page.
    bool kept() const { return frame == 0 || run.rows < frame_rows; }
};

struct OldPage {
    size_t page = 0;  // of the cache, while it is as it was
    bool changed = false;
    std::vector<Part> parts;
    size_t rows = 0;
    double worth = 0;
};

std::vector<OldPage> parts_of(const Cache& cache, const FrameIndex& frames) {
    std::vector<OldPage> pages(cache.pages());
    size_t frame = 0, used = 0;  // rows of `frame` in earlier pages
    const auto rows_of = [&](size_t index) {
        return index < frames.marks().size() ? size_t(frames.marks()[index].rows) : size_t(frames.open().rows);
    };
    size_t first = 0;
    for (size_t index = 0; index < pages.size(); ++index) {
        OldPage& page = pages[index];
        page.page = index;
        page.rows = cache.page_rows(index);
        for (size_t row = 0; row < page.rows;) {
            const size_t count = std::min(page.rows - row, rows_of(frame) - used);
            const float change = frame < frames.marks().size() ? frames.marks()[frame].change : 0;
            const Part part{{first + row, count}, frame, used == 0 ? change + change_of_time : 0, rows_of(frame)};
            page.worth += part.worth;
            page.parts.push_back(part);
            row += count;
            used += count;
            if (used == rows_of(frame)) {
                ++frame;
                used = 0;
            }
        }
        first += page.rows;
    }
    return pages;
}

// Joins `next` to `page` and lets go what does not fit.
void merge(OldPage& page, OldPage&& next, size_t most_rows, std::vector<RowRun>& gone) {
    auto from = next.parts.begin();
    Part& last = page.parts.back();
    if (last.frame == from->frame && last.run.first + last.run.rows == from->run.first &&
        last.run.rows + from->run.rows <= most_rows) {  // one frame, cut by the end of the page
        last.run.rows += from->run.rows;
        last.worth += from->worth;
        ++from;
    }
    page.parts.insert(page.parts.end(), from, next.parts.end());
    page.rows += next.rows;
    page.worth += next.worth;
    page.changed = true;
    while (page.rows > most_rows) {
        const auto least = std::min_element(page.parts.begin(), page.parts.end(), [](const Part& a, const Part& b) {
            return a.kept() != b.kept() ? b.kept() : a.worth < b.worth;  // of equals the older
        });
        page.rows -= least->run.rows;
        gone.push_back(least->run);
        const float worth = least->worth;
        const auto heir = page.parts.erase(least);
        if (heir != page.parts.end())
            heir->worth += worth;
        else if (!page.parts.empty())
            page.parts.back().worth += worth;
    }
}

}  // namespace

Thinned plan_thinning(const Cache& cache, const FrameIndex& frames, size_t count, size_t protected_from) {
    std::vector<OldPage> pages = parts_of(cache, frames);
    Thinned out;
    size_t old = std::min(protected_from, pages.size());
    for (; out.pages_gone < count && old >= 2; ++out.pages_gone, --old) {
        size_t best = 0;
        double least = 0;
        for (size_t index = 0; index + 1 < old; ++index) {
            const double cost = (pages[index].worth + pages[index + 1].worth) / double(pages.size() - index);
            if (index > 0 && cost >= least) continue;
            best = index;
            least = cost;
        }
        merge(pages[best], std::move(pages[best + 1]), cache.shape().page_rows, out.gone);
        pages.erase(pages.begin() + ptrdiff_t(best) + 1);
    }

    size_t last_frame = 0, frames_left = 0;
    FrameMark mark;
    for (const OldPage& page : pages) {
        KeptPage& kept = out.pages.emplace_back();
        kept.page = page.page;
        for (const Part& part : page.parts) {
            if (page.changed) kept.runs.push_back(part.run);
            out.rows.push_back(part.run);
            if (frames_left == 0 || part.frame != last_frame) {
                if (frames_left > 0) out.marks.push_back(mark);
                mark = {};
                last_frame = part.frame;
                ++frames_left;
            }
            mark.rows += uint32_t(part.run.rows);
            mark.change += part.worth;
        }
    }
    // What passing time is worth was added to every frame, and is added again next time.
    const size_t frames_before = frames.marks().size() + (frames.open().rows > 0);
    out.frames_gone = frames_before - frames_left;
    if (frames_left > 0 && last_frame == frames.marks().size())
        out.open_rows = mark.rows;
    else if (frames_left > 0)
        out.marks.push_back(mark);
    for (size_t frame = 0; frame < out.marks.size(); ++frame) {
        float& change = out.marks.own(frame).change;
        change = std::max(0.0f, change - change_of_time);
    }
    return out;
}

}  // namespace lv
