#include "engine/forward.h"

#include <algorithm>
#include <cmath>

#include "kernels/core/device.h"
#include "kernels/core/scratch.h"
#include "kernels/elementwise.h"
#include "kernels/norm.h"

namespace lv {

ConstMatrix forward(Workspace& work, const Model& model, State& state, const NewRows& rows, AttentionMass* mass) {
    const Matrix x = rows.x;
    const size_t sampled = rows.sampled;
    assert(x.rows > 0 && x.rows <= work.options().chunk_rows && sampled <= x.rows && sampled <= work.options().sampled);
    const Config& c = model.config();
    const uint64_t first_row = state.rows;
    Device* const device = work.context().device();
    DeviceStep step(x.rows == 1 ? device : nullptr);  // one row comes again and again; several end soon
    if (mass) {
        mass->sampled = sampled;
        state.for_caches([&](const Cache& cache) { mass->first_key = cache.dropped(); });  // all have dropped as many
    }
    self_decode(work, model, state, rows, mass);
    if (sampled == 0) {
        step.end();
        return {};
    }

    const size_t skipped = x.rows - sampled;
    const Matrix asked = x.slice(skipped, sampled);
    if (c.has_cross()) cross_decode(work, model, state.cache, first_row + skipped, asked, mass);
    rms_norm(work.context(), asked, model.final_norm(), c.norm_eps, asked);
    const Matrix made = work.made_logits().slice(0, sampled), logits = work.logits().slice(0, sampled);
    model.output().apply(work.context(), asked, made);
    step.end();
    if (!device) return logits;
    if (rows.logits == LogitsAt::context) return made;
    device->download(made.data, logits.data, logits.size() * sizeof(float));
    return logits;
}

ProductRows rows_for(Workspace& work, const Linear& linear, Matrix plain) {
    ProductRows out(plain);
    out.type = linear.product_type(work.context(), plain.rows);
    if (out.type == DType::f32) return out;
    out.stride = product_stride(plain.cols);
    out.data = reinterpret_cast<std::byte*>(work.arena().array<Half>(plain.rows * out.stride).data());
    return out;
}

ProductRows rows_for(Workspace& work, const Linear& linear, size_t rows) {
    const bool f32 = linear.product_type(work.context(), rows) == DType::f32;
    return rows_for(work, linear, f32 ? work.arena().matrix(rows, linear.in()) : Matrix(nullptr, rows, linear.in()));
}

void feed_forward(Workspace& work, const Model& model, const Layer& layer, Matrix x) {
    const Config& c = model.config();
    const Context& context = work.context();
    const ArenaScope scope(work);
    const ProductRows y = rows_for(work, layer.gate_up, x.rows);
    const Matrix wide = work.arena().matrix(x.rows, 2 * c.hidden_dim);
    const Matrix gate = wide.columns(0, c.hidden_dim), up = wide.columns(c.hidden_dim, c.hidden_dim);
    const ProductRows inner = rows_for(work, layer.down, gate);
    rms_norm(context, x, layer.ffn_norm, c.norm_eps, y);
    layer.gate_up.apply(context, y, wide);
    swiglu(context, gate, up, inner);
    layer.down.apply(context, inner, x, true);
}

namespace {

// Of every row, head and key. Grows with the cache, in steps: 48 bytes a row for twelve heads, of the thread
// that asks.
Matrix room_for_logits(const AttentionInput& input) {
    size_t keys = 0;
    for (const KvPiece& piece : input.pieces) keys += piece.rows;
    const size_t lines = input.q.rows * input.heads;
    constexpr size_t step = 4096;  // so that decoding does not allocate at each row that it adds
    return {thread_scratch(ScratchSlot::attention_logits, lines * ((keys + step - 1) / step * step)), lines, keys};
}

}  // namespace

void attend_rows(Workspace& work, const AttentionInput& input, std::span<const float> sink, Matrix out,
                 AttentionMass* mass) {
    const size_t sampled = mass ? std::min(mass->sampled, input.q.rows) : 0;
    if (sampled == 0 && sink.empty()) {
        attend(work.context(), input, out);
        return;
    }
    const size_t n = input.q.rows;
    const ArenaScope scope(work);
    AttentionPart part{out, work.arena().matrix(n, input.heads), work.arena().matrix(n, input.heads)};
    if (sampled == n && n <= attention_few_rows && !work.context().device()) part.logits = room_for_logits(input);
    attend_part(work.context(), input, part);
    if (!sink.empty()) add_sink(work.context(), sink, part);
    if (sampled > 0) {
        AttentionInput tail = input;
        const size_t skipped = n - sampled;
        tail.q = input.q.slice(skipped, sampled);
        tail.first_row = input.first_row + skipped;
        if (input.logit_scale.data) tail.logit_scale = input.logit_scale.slice(skipped, sampled);
        attention_mass(work.context(), tail,
                       {out.slice(skipped, sampled), part.max.slice(skipped, sampled), part.sum.slice(skipped, sampled),
                        part.logits},
                       {mass->rows, mass->first_key, 1.0f / float(input.heads)});
    }
    finish_attention(work.context(), part, out);
}

bool is_evidence_layer(const Config& config, size_t layer, const AttentionMass* mass) {
    if (mass == nullptr) return false;
    const auto sees_all = [&](size_t i) {
        return config.layers[i] == LayerKind::cross || config.layers[i] == LayerKind::full;
    };
    size_t above = 0, all = 0;
    for (size_t i = 0; i < config.n_layers(); ++i) {
        all += sees_all(i);
        above += i > layer && sees_all(i);
    }
    const size_t skipped = std::min(mass->above, all - std::min<size_t>(all, 1));
    return sees_all(layer) && above >= skipped && above - skipped < mass->layers;
}

}  // namespace lv
