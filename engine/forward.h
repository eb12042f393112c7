// Rows through the layers: what goes in, what each part leaves behind, and which rows go on.
//
// x [n, dim] are model vectors, n <= work.options().chunk_rows, standing at rows state.rows ... of the memory.
#pragma once

#include "engine/model.h"
#include "engine/state.h"
#include "engine/workspace.h"

namespace lv {

// Reads x into `state` and returns the logits [sampled, vocab] of its last `sampled` rows, valid until `work` is used
// again. Only these rows leave the self-decoder: with sampled = 0 nothing above it runs. x is used up.
// `mass`, when given, gains the attention that the sampled rows pay to the rows of the memory.
ConstMatrix forward(Workspace& work, const Model& model, State& state, Matrix x, size_t sampled,
                    AttentionMass* mass = nullptr);

// The layers below the bridge, and the bridge: x becomes the self-decoder's output, state holds the rows and the cache
// their keys and values. In a plain Transformer only the last `sampled` rows of x are finished by the topmost layer.
void self_decode(Workspace& work, const Model& model, State& state, Matrix x, size_t sampled, AttentionMass* mass);

// The layers above it: x [sampled, dim] are rows first_row ... of the memory, already in the cache.
void cross_decode(Workspace& work, const Model& model, const Cache& cache, uint64_t first_row, Matrix x,
                  AttentionMass* mass);

// x += swiglu(rms_norm(x)): the second half of every layer.
void feed_forward(Workspace& work, const Model& model, const Layer& layer, Matrix x);

// Attention of input.q to out. When `mass` is given, the last `sampled` rows also leave their mass there.
void attend_rows(Workspace& work, const AttentionInput& input, Matrix out, size_t sampled, AttentionMass* mass);

// Whether the attention of `layer` counts as evidence: it is one of the topmost that see all rows.
bool is_evidence_layer(const Config& config, size_t layer, const AttentionMass* mass);

}  // namespace lv
