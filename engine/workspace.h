// One thread's hands for running a model: its working memory, sized once from the config, and the pool to spread over.
#pragma once

#include <vector>

#include "engine/config.h"
#include "kernels/core/context.h"
#include "kernels/core/memory.h"
#include "kernels/piece_choice.h"

namespace lv {

struct WorkspaceOptions {
    size_t chunk_rows = 0;  // rows that pass through a layer at once in prefill; 0: as many as may
    size_t sampled = 1;     // rows that logits may be asked for at once, at most chunk_rows
    size_t top_pages = 0;   // pages of the one cache that a cross layer reads for a row: the newest and so many best;
                            // 0: all, exactly
};

// Where logits are left: on the host, or where the context's layers leave them: on its device.
enum class LogitsAt { host, context };

// Where the attention of sampled rows is added up, for evidence.
struct AttentionMass {
    size_t layers = 2;       // attention layers that count: the topmost but for the `above`
    size_t above = 0;        // fewer where the model has not so many
    std::span<float> rows;   // by row of the cache, with room for all of them, where the context runs
    size_t sampled = 0;      // rows that count in the call at hand; set by forward()
    uint64_t first_key = 0;  // number of the key that rows[0] is of; set by forward()
};

// What cross layers can read, and what is chosen of it for one row; see page_choice.h. Scratch.
struct CachePages {
    std::vector<KvPiece> pieces;                    // all, oldest first
    std::vector<std::span<const std::byte>> codes;  // of the first of them: those that a row may leave out
    PieceChoice choice;
};

// Not shared between threads; the context may be.
class Workspace {
   public:
    Workspace(const Context& context, const Config& config, const WorkspaceOptions& options = {});

    const Context& context() const { return context_; }
    const WorkspaceOptions& options() const { return options_; }
    Arena& arena() { return arena_; }
    Matrix logits() { return {logits_.as<float>().data(), options_.sampled, vocab_size_}; }  // on the host
    // Where the layers leave them: logits() themselves, or memory of the context's device.
    Matrix made_logits();
    // x [chunk_rows, dim] on the host, for rows that are made there and go to a device.
    Matrix host_rows(size_t rows);
    CachePages& pages() { return pages_; }
    size_t bytes() const { return arena_.capacity_bytes() + logits_.bytes(); }

   private:
    const Context& context_;
    WorkspaceOptions options_;
    Arena arena_;
    Buffer logits_;                     // [sampled, vocab]
    Buffer device_logits_, host_rows_;  // with a device only
    size_t dim_, vocab_size_;
    CachePages pages_;
};

// What is taken from a workspace's arena while this lives goes back with it, also where something is thrown.
class ArenaScope {
   public:
    explicit ArenaScope(Workspace& work) : arena_(work.arena()), mark_(arena_.mark()) {}
    ~ArenaScope() { arena_.rewind(mark_); }
    ArenaScope(const ArenaScope&) = delete;
    ArenaScope& operator=(const ArenaScope&) = delete;

   private:
    Arena& arena_;
    size_t mark_;
};

}  // namespace lv
