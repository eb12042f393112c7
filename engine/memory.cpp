#include "engine/memory.h"

#include <algorithm>

#include "engine/forward.h"
#include "kernels/core/device.h"
#include "kernels/core/error.h"

namespace lv {

namespace {

void check_options(const MemoryOptions& options) {
    const DType type = options.cache_type;
    require(type == DType::f16 || type == DType::f32 || type == DType::i8, "Making a memory: the cache type is ",
            dtype_name(type), ", expected F16, F32 or I8.");
    require(options.page_rows > 0, "Making a memory: pages of 0 rows, expected at least 1.");
}

}  // namespace

Memory::Memory(std::shared_ptr<const Model> model, const MemoryOptions& options)
    : model_(std::move(model)),
      options_(options),
      held_{.state = State(model_->config(), options.cache_type, options.page_rows, model_->device()),
            .times = {},
            .frames = FrameIndex(model_->config().rows),
            .roll = RollCall(model_->config().rows),
            .videos = nullptr,
            .forgotten = {},
            .last_time_us = 0} {
    check_options(options);
    if (options.budget_bytes > 0) thin(options.budget_bytes);
}

Memory::Memory(std::shared_ptr<const Model> model, const MemoryOptions& options, MemoryContents contents)
    : model_(std::move(model)), options_(options), held_(std::move(contents)) {
    check_options(options);
    const State expected(model_->config(), options.cache_type, options.page_rows, model_->device());
    require(held_.state.layers.size() == expected.layers.size() && held_.state.state_bytes() == expected.state_bytes(),
            "Making a memory from what was saved: its state has ", held_.state.layers.size(), " layers and ",
            held_.state.state_bytes(), " bytes, the model \"", model_->config().name, "\" expects ",
            expected.layers.size(), " and ", expected.state_bytes(), ".");
    size_t frame_rows = held_.frames.open().rows;
    for (size_t frame = 0; frame < held_.frames.marks().size(); ++frame) frame_rows += held_.frames.marks()[frame].rows;
    require(frame_rows == cache_rows(), "Making a memory from what was saved: its frames have ", frame_rows,
            " rows and its index ", cache_rows(), ", expected as many.");
    const Cache* first = nullptr;
    held_.state.for_caches([&](const Cache& cache) {
        const CacheShape& shape = cache.shape();
        require(shape.type == options.cache_type && shape.page_rows == options.page_rows &&
                    shape.kv_heads == model_->config().n_attn_kv_heads &&
                    shape.head_dim == model_->config().attn_head_dim,
                "Making a memory from what was saved: a cache of ", shape.kv_heads, " heads of ", shape.head_dim,
                " values ", dtype_name(shape.type), " does not fit the model \"", model_->config().name, "\".");
        if (!first) first = &cache;
        bool alike = cache.pages() == first->pages() && cache.dropped() == first->dropped();
        for (size_t page = 0; alike && page < cache.pages(); ++page)
            alike = cache.page_rows(page) == first->page_rows(page);
        require(alike,
                "Making a memory from what was saved: its caches have other pages, or dropped other rows, one than "
                "another; expected all alike.");
    });
    if (options.budget_bytes > 0) thin(options.budget_bytes);
}

Memory Memory::fork() const {
    Memory out(*this);
    if (Device* device = model_->device().get()) device->wait();  // the fork may go to another thread
    return out;
}

void Memory::begin_video(std::string name) {
    std::vector<VideoPart> next(videos().begin(), videos().end());
    if (!next.empty() && next.back().first_us == no_time) next.pop_back();
    next.push_back({std::move(name), no_time});
    held_.videos = std::make_shared<const std::vector<VideoPart>>(std::move(next));
}

std::span<const VideoPart> Memory::videos() const {
    if (!held_.videos) return {};
    return *held_.videos;
}

size_t Memory::append(Workspace& work, ConstMatrix rows, std::span<const int64_t> times_us, std::stop_token stop) {
    require(times_us.size() == rows.rows, "Reading rows: found ", times_us.size(), " times for ", rows.rows,
            " rows, expected one for each.");
    assert(!roll_called_);
    size_t done = 0;
    if (rows.rows > 0 && !videos().empty() && videos().back().first_us == no_time) {
        // What left with the video before comes first, at that one's last time.
        const auto own = cache_rows() == 0 ? times_us.begin() : std::ranges::upper_bound(times_us, held_.last_time_us);
        auto begun = std::make_shared<std::vector<VideoPart>>(*held_.videos);
        if (own != times_us.end()) begun->back().first_us = *own;
        held_.videos = std::move(begun);
    }
    while (done < rows.rows && !stop.stop_requested()) {
        const size_t count = std::min(rows.rows - done, work.options().chunk_rows);
        const ConstMatrix chunk = rows.slice(done, count);
        const std::span<const int64_t> chunk_us = times_us.subspan(done, count);
        if (options_.budget_bytes > 0) make_room(count);
        read(work, chunk, chunk_us);
        held_.frames.add(chunk, chunk_us);
        held_.roll.add(chunk, chunk_us);
        done += count;
        held_.last_time_us = times_us[done - 1];
    }
    if (Device* device = work.context().device()) device->wait();
    return done;
}

// No more than a chunk.
void Memory::read(Workspace& work, ConstMatrix rows, std::span<const int64_t> times_us) {
    const ArenaScope scope(work);
    const Matrix x = work.arena().matrix(rows.rows, model_->config().dim);
    model_->feature_rows(work.context(), rows, times_us, x);
    forward(work, *model_, held_.state, {.x = x});
    for (const int64_t time_us : times_us) held_.times.push_back(time_us);
}

void Memory::call_roll(Workspace& work) {
    assert(!roll_called_);
    roll_called_ = true;
    std::vector<float> values;
    std::vector<int64_t> times_us;
    held_.roll.write(values, times_us);
    const ConstMatrix rows{values.data(), times_us.size(), model_->config().rows.feature_dim};
    for (size_t done = 0; done < rows.rows;) {
        const size_t count = std::min(rows.rows - done, work.options().chunk_rows);
        read(work, rows.slice(done, count), std::span(times_us).subspan(done, count));
        done += count;
    }
    if (Device* device = work.context().device()) device->wait();
}

ConstMatrix Memory::append_prompt(Workspace& work, std::span<const PromptRow> rows, size_t sampled, AttentionMass* mass,
                                  LogitsAt at) {
    assert(!rows.empty() && sampled <= rows.size() && sampled <= work.options().sampled);
    ConstMatrix logits;
    for (size_t done = 0; done < rows.size();) {
        // The sampled rows pass together: they are the last chunk, or part of it.
        const size_t left = rows.size() - done, chunk = work.options().chunk_rows;
        const size_t count = left <= chunk ? left : std::min(chunk, left - sampled);
        const ArenaScope scope(work);
        const Matrix x = work.arena().matrix(count, model_->config().dim);
        Device* const device = work.context().device();
        const Matrix made = device ? work.host_rows(count) : x;
        for (size_t row = 0; row < count; ++row) {
            const PromptRow& from = rows[done + row];
            if (from.id >= 0)
                model_->text_row(from.id, from.time_us, made.row(row));
            else
                model_->time_row(from.time_us, from.time_us > last_time_us(), made.row(row));
        }
        if (device) device->upload(made.data, x.data, x.size() * sizeof(float));
        done += count;
        logits = forward(work, *model_, held_.state,
                         {.x = x, .text = true, .sampled = done == rows.size() ? sampled : 0, .logits = at}, mass);
        if (text_in_cache()) {
            for (size_t row = 0; row < count; ++row) held_.times.push_back(no_time);
            held_.frames.add_text(count);
        }
    }
    if (Device* device = work.context().device(); device && sampled == 0) device->wait();
    return logits;
}

ConstMatrix Memory::append_text(Workspace& work, int id, AttentionMass* mass, int64_t about_us, LogitsAt at) {
    const PromptRow row{.id = id, .time_us = about_us};
    return append_prompt(work, {&row, 1}, 1, mass, at);
}

void Memory::reserve_text(size_t rows) {
    held_.state.reserve_layers(rows);
    if (!text_in_cache()) return;
    if (model_->config().has_cross()) held_.state.cache.reserve(rows);
    held_.times.reserve(rows);
    held_.frames.reserve_text(rows);
}

MemoryBytes Memory::bytes() const {
    return {.state = held_.state.state_bytes() + held_.frames.state_bytes() + held_.roll.bytes(),
            .cache = held_.state.cache_bytes(),
            .index = held_.times.bytes() + held_.frames.bytes()};
}

}  // namespace lv
