// The layers below the bridge (retention, sliding, full) and the bridge: the only part that reads every row.
#include <cmath>

#include "engine/forward.h"
#include "engine/page_choice.h"
#include "kernels/elementwise.h"
#include "kernels/norm.h"
#include "kernels/retention.h"
#include "kernels/rope.h"

namespace lv {

namespace {

// Cosines and sines for the rows at hand, one table for each kind of rope that the layers use.
struct Positions {
    Matrix self;  // [n, self_head_dim]
    Matrix attn;  // [n, attn_head_dim]
};

Positions positions(Workspace& work, const Model& model, uint64_t first_row, size_t n) {
    const Config& c = model.config();
    Positions out;
    if (c.count(LayerKind::retention) > 0) {
        out.self = work.arena().matrix(n, c.self_head_dim());
        rope_table(work.context(), model.self_frequencies(), int64_t(first_row), out.self);
    }
    if (c.count(LayerKind::sliding) + c.count(LayerKind::full) > 0 || c.cross_rope) {
        out.attn = work.arena().matrix(n, c.attn_head_dim);
        rope_table(work.context(), model.attn_frequencies(), int64_t(first_row), out.attn);
    }
    return out;
}

// x += (silu(g) * rms_norm_per_head(retention(q, k, v))) Wo
void mix_retention(Workspace& work, const Model& model, const Layer& layer, LayerState& state, ConstMatrix table,
                   Matrix x) {
    const Config& c = model.config();
    const Context& context = work.context();
    const size_t n = x.rows, dim = c.dim;
    const ArenaScope scope(work);
    const Matrix y = work.arena().matrix(n, dim), qkvg = work.arena().matrix(n, 4 * dim);
    const Matrix decay = work.arena().matrix(n, c.n_self_heads);
    const Matrix q = qkvg.columns(0, dim), k = qkvg.columns(dim, dim);
    const Matrix v = qkvg.columns(2 * dim, dim), g = qkvg.columns(3 * dim, dim);

    rms_norm(context, x, layer.mix_norm, c.norm_eps, y);
    layer.mix_in.apply(context, y, qkvg);
    layer.decay.apply(context, y, decay);
    log_decay(context, decay, {}, 16.0f, decay);
    const Matrix out = y;  // the normed rows are not needed any more
    const RotaryRetentionInput input{.heads = c.n_self_heads,
                                     .q = q,
                                     .k = k,
                                     .v = v,
                                     .log_decay = decay,
                                     .table = table,
                                     .k_factor = 1.0f / std::sqrt(float(c.self_head_dim()))};
    rotary_retention(context, input, state.retention.span(), out);
    const ProductRows gated = rows_for(work, layer.mix_out, out);
    gated_norm_heads(context, out, g, c.n_self_heads, c.norm_eps, gated);
    layer.mix_out.apply(context, gated, x, true);
}

// x += attention(q, k, v) Wo over a window or over all rows. Keys and values of every row are kept; only the last
// `sampled` rows ask.
void mix_attention(Workspace& work, const Model& model, const Layer& layer, LayerState& state, uint64_t first_row,
                   ConstMatrix table, Matrix x, size_t sampled, AttentionMass* mass) {
    const Config& c = model.config();
    const Context& context = work.context();
    const size_t n = x.rows, q_dim = c.q_dim(), kv_dim = c.kv_dim();
    const ArenaScope scope(work);
    const ProductRows y = rows_for(work, layer.mix_in, n);
    const Matrix qkv = work.arena().matrix(n, q_dim + 2 * kv_dim);
    const Matrix q = qkv.columns(0, q_dim), k = qkv.columns(q_dim, kv_dim), v = qkv.columns(q_dim + kv_dim, kv_dim);

    rms_norm(context, x, layer.mix_norm, c.norm_eps, y);
    layer.mix_in.apply(context, y, qkv);
    rope(context, q, table, 1.0f, q);
    rope(context, k, table, 1.0f, k);
    std::vector<KvPiece>& pieces = work.pages().pieces;
    if (layer.kind == LayerKind::sliding) {
        state.window.append(k, v);
        pieces.assign(1, state.window.piece());
    } else {
        state.cache.append(k, v);
        list_pages(state.cache, first_row, work.pages());
    }
    if (sampled > 0) {
        const size_t skipped = n - sampled;
        const Matrix out = work.arena().matrix(sampled, q_dim);
        const AttentionInput input{.heads = c.n_attn_heads,
                                   .kv_heads = c.n_attn_kv_heads,
                                   .head_dim = c.attn_head_dim,
                                   .q = q.slice(skipped, sampled),
                                   .pieces = pieces,
                                   .scale = 1.0f / std::sqrt(float(c.attn_head_dim)),
                                   .logit_scale = {},
                                   .first_row = first_row + skipped,
                                   .window = layer.kind == LayerKind::sliding ? c.sliding_window : 0};
        attend_rows(work, input, {}, out, mass);
        layer.mix_out.apply(context, out, x.slice(skipped, sampled), true);
    }
}

// k, v = rms_norm(x) W into the one cache.
void bridge(Workspace& work, const Model& model, State& state, ConstMatrix table, ConstMatrix x) {
    const Config& c = model.config();
    const size_t n = x.rows, kv_dim = c.kv_dim();
    const ArenaScope scope(work);
    const ProductRows y = rows_for(work, model.bridge(), n);
    const Matrix kv = work.arena().matrix(n, 2 * kv_dim);
    const Matrix k = kv.columns(0, kv_dim), v = kv.columns(kv_dim, kv_dim);
    rms_norm(work.context(), x, model.bridge_norm(), c.norm_eps, y);
    model.bridge().apply(work.context(), y, kv);
    if (c.cross_rope) rope(work.context(), k, table, 1.0f, k);
    state.cache.append(k, v);
}

}  // namespace

void self_decode(Workspace& work, const Model& model, State& state, const NewRows& rows, AttentionMass* mass) {
    const Config& c = model.config();
    const Matrix x = rows.x;
    const ArenaScope scope(work);
    const Positions at = positions(work, model, state.rows, x.rows);
    for (size_t index = 0; index < c.self_layers(); ++index) {
        const Layer& layer = model.layers()[index];
        LayerState& memory = state.layers[index];
        // Nothing reads the topmost layer of a plain Transformer but the logits: other rows only leave keys there.
        const bool last = !c.has_cross() && index + 1 == c.n_layers();
        const size_t going_on = last ? rows.sampled : x.rows;
        if (layer.kind == LayerKind::retention)
            mix_retention(work, model, layer, memory, at.self, x);
        else
            mix_attention(work, model, layer, memory, state.rows, at.attn, x, going_on,
                          is_evidence_layer(c, index, mass) ? mass : nullptr);
        if (going_on > 0) feed_forward(work, model, layer, x.slice(x.rows - going_on, going_on));
    }
    if (c.has_cross() && (c.cross_text || !rows.text)) bridge(work, model, state, at.attn, x);
    state.rows += x.rows;
}

}  // namespace lv
