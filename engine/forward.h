// Rows through the layers: what goes in, what each part leaves behind, and which rows go on.
//
// Vectors x [n, dim], n <= work.options().chunk_rows, stand at rows state.rows ... of the memory.
#pragma once

#include <span>

#include "engine/model.h"
#include "engine/state.h"
#include "engine/workspace.h"

namespace lv {

struct NewRows {
    Matrix x;            // used up
    bool text = false;   // where config.cross_text is off, text rows leave no keys in the one cache
    size_t sampled = 0;  // logits are wanted of so many of the last rows,
    LogitsAt logits = LogitsAt::host;
};

// Reads rows into `state` and returns the logits [sampled, vocab] of the sampled ones, valid until `work` is used
// again. Only these rows leave the self-decoder: with sampled = 0 nothing above it runs.
// `mass`, when given, gains the attention that the sampled rows pay to the rows of the cache.
ConstMatrix forward(Workspace& work, const Model& model, State& state, const NewRows& rows,
                    AttentionMass* mass = nullptr);

// The layers below the bridge, and the bridge: rows.x becomes the self-decoder's output, state holds the rows and the
// cache their keys and values. In a plain Transformer the topmost layer finishes only the sampled rows.
void self_decode(Workspace& work, const Model& model, State& state, const NewRows& rows, AttentionMass* mass);

// The layers above it: x [sampled, dim] are rows first_row ... of the memory.
void cross_decode(Workspace& work, const Model& model, const Cache& cache, uint64_t first_row, Matrix x,
                  AttentionMass* mass);

// Room in the arena for what `linear` alone will read of so many rows; or `plain`, where it reads f32.
ProductRows rows_for(Workspace& work, const Linear& linear, size_t rows);
ProductRows rows_for(Workspace& work, const Linear& linear, Matrix plain);

// x += swiglu(rms_norm(x)): the second half of every layer.
void feed_forward(Workspace& work, const Model& model, const Layer& layer, Matrix x);

// Attention of input.q to out, with one more logit a head that has no value (`sink`, or empty: none). When `mass` is
// given, the last mass->sampled rows also leave theirs there.
void attend_rows(Workspace& work, const AttentionInput& input, std::span<const float> sink, Matrix out,
                 AttentionMass* mass);

// Whether the attention of `layer` counts as evidence: it is one of those that mass->layers and
// mass->above choose among the layers that see all rows.
bool is_evidence_layer(const Config& config, size_t layer, const AttentionMass* mass);

}  // namespace lv
