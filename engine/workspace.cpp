#include "engine/workspace.h"

#include <algorithm>
#include <cassert>

#include "engine/state.h"
#include "kernels/core/device.h"
#include "kernels/product_rows.h"

namespace lv {

namespace {

// The most that lies in the arena at once: the rows themselves, two rope tables, and the widest of the parts below; on
// a device what they leave for a product beside what it was made of.
size_t arena_bytes(const Config& c, const WorkspaceOptions& options, bool on_device) {
    const auto matrix = [&](size_t cols) { return Arena::bytes_of<float>(options.chunk_rows * cols); };
    const size_t attention =
        matrix(c.dim) + matrix(c.q_dim() + 2 * c.kv_dim()) + matrix(c.q_dim()) + 3 * matrix(c.n_attn_heads);
    const size_t cross = matrix(c.dim) + 2 * matrix(c.q_dim()) + 3 * matrix(c.n_attn_heads);
    const size_t retention = c.count(LayerKind::retention) == 0 ? 0 : 5 * matrix(c.dim) + matrix(c.n_self_heads);
    const size_t feed_forward = matrix(c.dim) + matrix(2 * c.hidden_dim);
    const size_t tables = matrix(c.dim) + matrix(c.attn_head_dim);
    const size_t rounded =
        on_device ? Arena::bytes_of<Half>(options.chunk_rows * product_stride(std::max(c.dim, c.hidden_dim))) : 0;
    return matrix(c.dim) + tables + rounded + std::max({attention, cross, retention, feed_forward});
}

WorkspaceOptions chosen(const Context& context, WorkspaceOptions options) {
    if (options.chunk_rows == 0) options.chunk_rows = most_rows_at_once(context.device());
    return options;
}

}  // namespace

Workspace::Workspace(const Context& context, const Config& config, const WorkspaceOptions& options)
    : context_(context),
      options_(chosen(context, options)),
      arena_(arena_bytes(config, options_, context.device() != nullptr), context.shared_device()),
      logits_(Buffer::of<float>(options_.sampled * config.vocab_size)),
      dim_(config.dim),
      vocab_size_(config.vocab_size) {
    assert(options_.chunk_rows <= most_rows_at_once(context.device()));
    assert(options_.sampled > 0 && options_.sampled <= options_.chunk_rows);
    if (!context.device()) return;
    device_logits_ = Buffer(logits_.bytes(), context.shared_device());
    host_rows_ = Buffer::of<float>(options_.chunk_rows * dim_);
    context.device()->wait();  // as for a State: another thread may use it
}

Matrix Workspace::made_logits() {
    if (!context_.device()) return logits();
    return {device_logits_.as<float>().data(), options_.sampled, vocab_size_};
}

Matrix Workspace::host_rows(size_t rows) {
    assert(rows <= options_.chunk_rows);
    return {host_rows_.as<float>().data(), rows, dim_};
}

}  // namespace lv
