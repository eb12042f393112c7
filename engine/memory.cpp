#include "engine/memory.h"

#include <algorithm>

#include "engine/forward.h"
#include "kernels/core/error.h"

namespace lv {

Memory::Memory(std::shared_ptr<const Model> model, const MemoryOptions& options)
    : model_(std::move(model)), options_(options), state_(model_->config(), options.cache_type, options.page_rows) {
    require(options.cache_type == DType::f16 || options.cache_type == DType::f32, "Making a memory: the cache type is ",
            dtype_name(options.cache_type), ", expected F16 or F32.");
    require(options.page_rows > 0, "Making a memory: pages of 0 rows, expected at least 1.");
}

size_t Memory::append(Workspace& work, ConstMatrix rows, std::span<const int64_t> times_us, std::stop_token stop) {
    require(times_us.size() == rows.rows, "Reading rows: found ", times_us.size(), " times for ", rows.rows,
            " rows, expected one for each.");
    size_t done = 0;
    while (done < rows.rows && !stop.stop_requested()) {
        const size_t count = std::min(rows.rows - done, work.options().chunk_rows), mark = work.arena().mark();
        const Matrix x = work.arena().matrix(count, model_->config().dim);
        model_->feature_rows(work.context(), rows.slice(done, count), times_us.subspan(done, count), x);
        forward(work, *model_, state_, {.x = x});
        work.arena().rewind(mark);
        for (size_t row = done; row < done + count; ++row) times_.push_back(times_us[row]);
        done += count;
        last_time_us_ = times_us[done - 1];
    }
    return done;
}

ConstMatrix Memory::append_prompt(Workspace& work, std::span<const PromptRow> rows, size_t sampled,
                                  AttentionMass* mass) {
    assert(!rows.empty() && sampled <= rows.size() && sampled <= work.options().sampled);
    ConstMatrix logits;
    for (size_t done = 0; done < rows.size();) {
        // The sampled rows pass together: they are the last chunk, or part of it.
        const size_t left = rows.size() - done, chunk = work.options().chunk_rows;
        const size_t count = left <= chunk ? left : std::min(chunk, left - sampled), mark = work.arena().mark();
        const Matrix x = work.arena().matrix(count, model_->config().dim);
        for (size_t row = 0; row < count; ++row) {
            const PromptRow& from = rows[done + row];
            if (from.id >= 0)
                model_->text_row(from.id, from.time_us, x.row(row));
            else
                model_->time_row(from.time_us, from.time_us > last_time_us_, x.row(row));
        }
        done += count;
        logits =
            forward(work, *model_, state_, {.x = x, .text = true, .sampled = done == rows.size() ? sampled : 0}, mass);
        work.arena().rewind(mark);
        if (text_in_cache())
            for (size_t row = 0; row < count; ++row) times_.push_back(no_time);
    }
    return logits;
}

ConstMatrix Memory::append_text(Workspace& work, int id, AttentionMass* mass, int64_t about_us) {
    const PromptRow row{.id = id, .time_us = about_us};
    return append_prompt(work, {&row, 1}, 1, mass);
}

void Memory::reserve_text(size_t rows) {
    state_.reserve_layers(rows);
    if (!text_in_cache()) return;
    if (model_->config().has_cross()) state_.cache.reserve(rows);
    times_.reserve(rows);
}

MemoryBytes Memory::bytes() const {
    return {.state = state_.state_bytes(), .cache = state_.cache_bytes(), .index = times_.size() * sizeof(int64_t)};
}

}  // namespace lv
