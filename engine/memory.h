// What one video has become: the self-decoder's state, the one cache, and the frame index (time of every row).
//
// A Memory belongs to one thread at a time. fork() costs the state's copy, whatever the length of the video: cache
// pages and times are shared, and parent and fork then grow apart without seeing each other. The parent may go on
// appending in one thread while forks made earlier are used in others. Forking *while* another thread appends is what
// live_memory.h is for.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <stop_token>

#include "engine/cache.h"
#include "engine/model.h"
#include "engine/prefix_list.h"
#include "engine/prompt.h"
#include "engine/state.h"
#include "engine/workspace.h"

namespace lv {

struct MemoryOptions {
    DType cache_type = DType::f16;  // of the cache, of sliding windows and of the caches of full layers; f32 is exact
    size_t page_rows = 256;         // rows of a cache page
};

// Bytes of a memory by part. Pages shared with a parent or a fork are counted in each.
struct MemoryBytes {
    size_t state = 0;  // constant in length
    size_t cache = 0;  // whole pages; grows with the length
    size_t index = 0;
    size_t total() const { return state + cache + index; }
};

class Memory {
   public:
    explicit Memory(std::shared_ptr<const Model> model, const MemoryOptions& options = {});
    Memory(Memory&&) = default;
    Memory& operator=(Memory&&) = default;

    Memory fork() const { return Memory(*this); }

    // Prefill: reads `rows` [tokens, feature_dim] of a video, times_us [tokens]; only the self-decoder runs. The memory
    // holds them when this returns. Asked to stop, it leaves after a chunk and returns how many rows were read.
    size_t append(Workspace& work, ConstMatrix rows, std::span<const int64_t> times_us, std::stop_token stop = {});

    // Reads text and time rows, and returns the logits [sampled, vocab] of the last `sampled` of them (at most
    // work.options().sampled): valid until `work` is used again. Only these rows see the cross-decoder.
    ConstMatrix append_prompt(Workspace& work, std::span<const PromptRow> rows, size_t sampled = 1,
                              AttentionMass* mass = nullptr);
    // The same for one piece of text: a decode step.
    ConstMatrix append_text(Workspace& work, int id, AttentionMass* mass = nullptr, int64_t about_us = no_time);

    // Makes room, so that appending this many more rows of text allocates nothing.
    void reserve_text(size_t rows);

    const Model& model() const { return *model_; }
    const std::shared_ptr<const Model>& shared_model() const { return model_; }
    const MemoryOptions& options() const { return options_; }
    size_t rows() const { return state_.rows; }  // of video and text
    // Rows that later rows can attend to: those of the video, and text where the model keeps it (config.cross_text).
    size_t cache_rows() const { return times_.size(); }
    int64_t row_time_us(size_t cache_row) const { return times_[cache_row]; }  // no_time for text
    int64_t last_time_us() const { return last_time_us_; }  // of the last video row; 0 before the first
    MemoryBytes bytes() const;

    // For tests and for saving.
    const State& state() const { return state_; }

   private:
    Memory(const Memory&) = default;
    Memory& operator=(const Memory&) = default;
    bool text_in_cache() const { return model_->config().cross_text || !model_->config().has_cross(); }

    std::shared_ptr<const Model> model_;
    MemoryOptions options_;
    State state_;                // with the cache
    PrefixList<int64_t> times_;  // [cache_rows]
    int64_t last_time_us_ = 0;
};

}  // namespace lv
