// The layers above the bridge: sampled rows read the one cache. No row of a video ever comes here.
#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/forward.h"
#include "engine/page_choice.h"
#include "kernels/core/device.h"
#include "kernels/norm.h"
#include "kernels/rope.h"

namespace lv {

namespace {

// The rows that sampled rows see: all of the cache, which holds the video only, or up to themselves. What thinning has
// dropped is not among them.
struct Visible {
    uint64_t first_row = 0;  // of the sampled rows, in the memory
    uint64_t cache_rows = 0;
    uint64_t dropped = 0;
    bool causal = true;
    uint64_t rows(size_t row) const { return causal ? first_row + row + 1 - dropped : cache_rows; }
};

// logit_scale[head] * log(rows that row r sees), [n, heads]: scalable softmax (arXiv 2501.19399).
void length_scale(Device* device, const Layer& layer, const Visible& visible, Matrix scale) {
    if (device) return device->length_scale(layer.logit_scale.span().data(), visible.rows(0), visible.causal, scale);
    for (size_t row = 0; row < scale.rows; ++row) {
        const float log_rows = float(std::log(double(std::max<uint64_t>(visible.rows(row), 2))));
        for (size_t head = 0; head < scale.cols; ++head)
            scale.at(row, head) = layer.logit_scale.span()[head] * log_rows;
    }
}

// Each row by itself over the pages that it chooses.
void attend_chosen(Workspace& work, const AttentionInput& input, std::span<const float> sink, Matrix out,
                   AttentionMass* mass) {
    for (size_t row = 0; row < out.rows; ++row) {
        AttentionInput one = input;
        one.q = input.q.slice(row, 1);
        one.first_row = input.first_row + row;
        if (input.logit_scale.data) one.logit_scale = input.logit_scale.slice(row, 1);
        CachePages& pages = work.pages();
        const AttentionInput chosen =
            choose_pieces(work.context(), one, pages.codes, work.options().top_pages, pages.choice);
        attend_rows(work, chosen, sink, out.slice(row, 1), mass);
    }
}

// x += attention(q, cache) Wo; `asking` is what all layers ask alike.
void mix_cross(Workspace& work, const Model& model, const Layer& layer, const Visible& visible,
               const AttentionInput& asking, ConstMatrix table, Matrix x, AttentionMass* mass) {
    const Config& c = model.config();
    const Context& context = work.context();
    const size_t n = x.rows;
    const ArenaScope scope(work);
    const ProductRows y = rows_for(work, layer.mix_in, n);
    const Matrix q = work.arena().matrix(n, c.q_dim()), out = work.arena().matrix(n, c.q_dim());

    rms_norm(context, x, layer.mix_norm, c.norm_eps, y);
    layer.mix_in.apply(context, y, q);
    if (c.cross_rope) rope(context, q, table, 1.0f, q);
    AttentionInput input = asking;
    input.q = q;
    if (c.scalable_softmax) {
        const Matrix scale = work.arena().matrix(n, c.n_attn_heads);
        length_scale(context.device(), layer, visible, scale);
        input.logit_scale = scale;
    }
    if (must_choose(work.pages(), work.options().top_pages))
        attend_chosen(work, input, layer.sink, out, mass);
    else
        attend_rows(work, input, layer.sink, out, mass);
    layer.mix_out.apply(context, out, x, true);
}

}  // namespace

void cross_decode(Workspace& work, const Model& model, const Cache& cache, uint64_t first_row, Matrix x,
                  AttentionMass* mass) {
    const Config& c = model.config();
    const ArenaScope scope(work);
    Matrix table;
    if (c.cross_rope) {
        table = work.arena().matrix(x.rows, c.attn_head_dim);
        rope_table(work.context(), model.attn_frequencies(), int64_t(first_row), table);
    }
    const Visible visible{first_row, cache.rows(), cache.dropped(), c.cross_text};
    list_pages(cache, c.cross_text ? first_row : std::numeric_limits<uint64_t>::max(), work.pages());
    AttentionInput asking{.heads = c.n_attn_heads,
                          .kv_heads = c.n_attn_kv_heads,
                          .head_dim = c.attn_head_dim,
                          .q = {nullptr, x.rows, c.q_dim()},
                          .pieces = work.pages().pieces,
                          .scale = 1.0f / std::sqrt(float(c.attn_head_dim)),
                          .logit_scale = {},
                          .first_row = visible.first_row,
                          .causal = visible.causal};
    asking.listed = list_pieces(work.context(), asking);
    for (size_t index = c.self_layers(); index < c.n_layers(); ++index) {
        const Layer& layer = model.layers()[index];
        mix_cross(work, model, layer, visible, asking, table, x, is_evidence_layer(c, index, mass) ? mass : nullptr);
        feed_forward(work, model, layer, x);
    }
}

}  // namespace lv
