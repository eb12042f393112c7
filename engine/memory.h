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
#include <string>
#include <vector>

#include "engine/cache.h"
#include "engine/frame_index.h"
#include "engine/model.h"
#include "engine/prefix_list.h"
#include "engine/prompt.h"
#include "engine/roll_call.h"
#include "engine/state.h"
#include "engine/thinning.h"
#include "engine/workspace.h"

namespace lv {

struct MemoryOptions {
    DType cache_type = DType::f16;  // of the cache, of sliding windows and of the caches of full layers: f32 (exact),
                                    // f16, or i8 with a scale for each row and kv head
    size_t page_rows = 256;         // rows of a cache page
    size_t budget_bytes = 0;        // what the memory may take in all; 0: no bound
};

// What keeping the budget dropped, and between which times of the memory's clock.
struct Forgotten {
    int64_t frames = 0;
    size_t rows = 0;
    int64_t first_us = 0, last_us = 0;  // of what was dropped; 0 while nothing was
};

// One of several videos in one memory, one after another on one clock.
struct VideoPart {
    std::string name;
    int64_t first_us = no_time;  // where it begins on the memory's clock; no_time: no row of it has come yet
};

// All that a memory is besides its model: read to save it, given back to make it again.
struct MemoryContents {
    State state;                // with the caches
    PrefixList<int64_t> times;  // [cache rows]; no_time for text
    FrameIndex frames;          // of the cache's rows
    RollCall roll;
    std::shared_ptr<const std::vector<VideoPart>> videos;  // null: none was begun
    Forgotten forgotten;
    int64_t last_time_us = 0;  // of the last video row; 0 before the first
};

// Bytes of a memory by part. Pages shared with a parent or a fork are counted in each.
struct MemoryBytes {
    size_t state = 0;  // constant in length
    size_t cache = 0;  // whole pages, mapped ones and the codes of their keys counted; grows with the length
    size_t index = 0;  // times of rows, marks of frames
    size_t total() const { return state + cache + index; }
};

class Memory {
   public:
    explicit Memory(std::shared_ptr<const Model> model, const MemoryOptions& options = {});
    // From the contents() of a memory with these options (but for the budget), or a copy of them from a file: appending
    // goes on bit for bit. Throws Error where they do not fit the model or each other.
    Memory(std::shared_ptr<const Model> model, const MemoryOptions& options, MemoryContents contents);
    Memory(Memory&&) = default;
    Memory& operator=(Memory&&) = default;

    Memory fork() const;

    // Prefill: reads `rows` [tokens, feature_dim] of a video, times_us [tokens]; only the self-decoder runs. The memory
    // holds them when this returns. Asked to stop, it leaves after a chunk and returns how many rows were read.
    size_t append(Workspace& work, ConstMatrix rows, std::span<const int64_t> times_us, std::stop_token stop = {});

    // What a question's fork reads first, where the model has a roll call (roll_call.h): its rows, with the times when
    // each kind was last told of. Such a fork is asked, as often as one likes, and neither appended to nor saved.
    void call_roll(Workspace& work);
    bool roll_called() const { return roll_called_; }

    // Reads text and time rows, and returns the logits [sampled, vocab] of the last `sampled` of them (at most
    // work.options().sampled): valid until `work` is used again. Only these rows see the cross-decoder.
    ConstMatrix append_prompt(Workspace& work, std::span<const PromptRow> rows, size_t sampled = 1,
                              AttentionMass* mass = nullptr, LogitsAt logits = LogitsAt::host);
    // The same for one piece of text: a decode step.
    ConstMatrix append_text(Workspace& work, int id, AttentionMass* mass = nullptr, int64_t about_us = no_time,
                            LogitsAt logits = LogitsAt::host);

    // The rows that come next are of another video; their times are the memory's clock already.
    void begin_video(std::string name);
    // The videos begun, in order; empty for a memory of one video without a name. Valid until the next begin_video or
    // append.
    std::span<const VideoPart> videos() const;

    // Forgets until no more than `budget_bytes` are taken in all, and returns the bytes given back. Of the older rows
    // those go that show least that is new (thinning.h); the newest quarter stays, and what stays keeps its times.
    // Forks keep what they had. Throws Error when that is less than least_budget(). With options().budget_bytes,
    // append() does this by itself before it would take more; text that a turn adds comes on top.
    size_t thin(size_t budget_bytes);
    // The least that a budget can be: the state, and pages enough to read and to forget.
    size_t least_budget() const;

    // Makes room, so that appending this many more rows of text allocates nothing.
    void reserve_text(size_t rows);

    const Model& model() const { return *model_; }
    const std::shared_ptr<const Model>& shared_model() const { return model_; }
    const MemoryOptions& options() const { return options_; }
    size_t rows() const { return held_.state.rows; }  // of video and text, forgotten ones counted
    // Rows that later rows can attend to: those of the video, and text where the model keeps it (config.cross_text).
    size_t cache_rows() const { return held_.times.size(); }
    int64_t row_time_us(size_t cache_row) const { return held_.times[cache_row]; }  // no_time for text
    int64_t last_time_us() const { return held_.last_time_us; }  // of the last video row; 0 before the first
    const Forgotten& forgotten() const { return held_.forgotten; }
    MemoryBytes bytes() const;

    // For saving; valid while this memory is not changed.
    const MemoryContents& contents() const { return held_; }
    const State& state() const { return held_.state; }

   private:
    Memory(const Memory&) = default;
    Memory& operator=(const Memory&) = default;
    void read(Workspace& work, ConstMatrix rows, std::span<const int64_t> times_us);
    void make_room(size_t rows);
    void thin_to(size_t bytes, size_t protected_bytes);
    void forget(Thinned plan);
    size_t page_bytes() const;  // of one page in each cache
    bool text_in_cache() const { return model_->config().cross_text || !model_->config().has_cross(); }

    std::shared_ptr<const Model> model_;
    MemoryOptions options_;
    MemoryContents held_;
    bool roll_called_ = false;
};

}  // namespace lv
