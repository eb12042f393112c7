// Keeping a memory within its budget.
#include <algorithm>

#include "engine/memory.h"
#include "kernels/core/error.h"

namespace lv {

namespace {

constexpr size_t least_pages = 8;  // of each cache: two that stay whole, the rest to forget from

size_t caches_of(const Config& config) { return config.count(LayerKind::full) + (config.has_cross() ? 1 : 0); }

CacheShape shape_of(const Config& config, const MemoryOptions& options) {
    return {config.n_attn_kv_heads, config.attn_head_dim, options.page_rows, options.cache_type};
}

// What the index grows by at most when `rows` rows come, each a frame.
size_t index_growth(size_t rows_before, size_t rows) {
    const auto bytes = [](size_t n) { return PrefixList<int64_t>::bytes_for(n) + PrefixList<FrameMark>::bytes_for(n); };
    return bytes(rows_before + rows) - bytes(rows_before);
}

}  // namespace

size_t Memory::page_bytes() const {
    return caches_of(model_->config()) * shape_of(model_->config(), options_).page_bytes();
}

size_t Memory::least_budget() const {
    const size_t pages = least_pages + 2 * (most_rows_at_once(model_->device().get()) / options_.page_rows + 1);
    return bytes().state + pages * page_bytes() + 2 * index_growth(0, pages * options_.page_rows);
}

size_t Memory::thin(size_t budget_bytes) {
    require(page_bytes() > 0, "Keeping a memory within ", budget_bytes, " bytes: the model \"", model_->config().name,
            "\" has no cache to forget from; leave the budget away.");
    require(budget_bytes >= least_budget(), "Keeping a memory within ", budget_bytes, " bytes: its state takes ",
            bytes().state, " and the fewest pages that it can do with ", least_budget() - bytes().state,
            "; give it at least ", least_budget(), " bytes.");
    const size_t before = bytes().total();
    if (before > budget_bytes) thin_to(budget_bytes, (budget_bytes - bytes().state) / 4);
    return before - std::min(before, bytes().total());
}

void Memory::make_room(size_t rows) {
    const size_t budget = options_.budget_bytes;
    const size_t coming = (rows / options_.page_rows + 1) * page_bytes() + index_growth(cache_rows(), rows);
    if (bytes().total() + coming <= budget) return;
    // The newest quarter of what the state leaves stays whole; a sixteenth is thinned at a time, so that what is done
    // once a thinning costs little a row.
    const size_t left = budget - bytes().state;
    thin_to(budget - std::max(left / 16, coming), left / 4);
}

void Memory::thin_to(size_t most, size_t protected_bytes) {
    const size_t page = page_bytes();
    const size_t stay = std::max<size_t>(1, protected_bytes / page);
    while (bytes().total() > most) {
        const size_t over = bytes().total() - most;
        const Cache* cache = nullptr;  // all have the same pages
        held_.state.for_caches([&](const Cache& each) {
            cache = &each;
            require(each.rows() == cache_rows(), "Keeping a memory within its budget: a layer keeps ", each.rows(),
                    " rows of its own and the index ", cache_rows(),
                    "; text was read into it: ask questions of a fork.");
        });
        Thinned plan = plan_thinning(*cache, held_.frames, (over + page - 1) / page,
                                     cache->pages() - std::min(cache->pages(), stay));
        require(plan.pages_gone > 0, "Keeping a memory within its budget: ", bytes().total(),
                " bytes are taken and nothing more can be forgotten, expected ", most, "; give it at least ",
                least_budget(), " bytes.");
        forget(std::move(plan));
    }
}

void Memory::forget(Thinned plan) {
    Forgotten& forgotten = held_.forgotten;
    bool first = forgotten.rows == 0;
    for (const RowRun& run : plan.gone)
        for (size_t row = run.first; row < run.first + run.rows; ++row) {
            const int64_t time_us = row_time_us(row);
            ++forgotten.rows;
            if (time_us == no_time) continue;
            forgotten.first_us = first ? time_us : std::min(forgotten.first_us, time_us);
            forgotten.last_us = first ? time_us : std::max(forgotten.last_us, time_us);
            first = false;
        }
    forgotten.frames += int64_t(plan.frames_gone);

    PrefixList<int64_t> times;
    for (const RowRun& run : plan.rows)
        for (size_t row = run.first; row < run.first + run.rows; ++row) times.push_back(held_.times[row]);
    held_.state.for_caches([&](Cache& cache) { cache.keep(plan.pages); });
    held_.times = std::move(times);
    held_.frames.keep(std::move(plan.marks), plan.open_rows);
}

}  // namespace lv
