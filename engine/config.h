// The shape of a model: what config.json of a model directory says, checked once at the door.
//
// Names follow the YOCO reference code. A YOCO, a plain Transformer (all `full`) and mixes are values of one Config.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lv {

enum class LayerKind { retention, sliding, full, cross };

std::string_view name_of(LayerKind kind);

// Which columns of a feature row the engine itself knows: those of the row it makes of a time written in a question,
// and those of the roll call (roll_call.h).
struct RowLayout {
    size_t feature_dim = 0;       // columns of a feature row
    size_t is_time = 0;           // column that is 1 in a time row
    size_t is_future = 0;         // column that is 1 in a time row beyond the video; 0: no such column
    size_t fourier_first = 0;     // columns first + 2i, first + 2i + 1: sin, cos of 2 pi t / period_i
    size_t fourier_count = 0;     // periods; 0: no such columns
    double first_period_s = 2.0;  // period_i = first_period_s * period_ratio^i, in seconds
    double period_ratio = 1.8;
    size_t roll = 0;             // column that is 1 in a row of the roll call; 0: there is none
    size_t is_object = 0;        // column that is not 0 in a row about a kind of thing,
    size_t kind = 0, kinds = 0;  // which is the first of these columns that is not 0
};

struct Config {
    std::string name;
    size_t dim = 0;                 // width of the residual stream
    size_t hidden_dim = 0;          // width inside the feed-forward
    std::vector<LayerKind> layers;  // bottom to top; every cross layer stands above every other
    size_t n_self_heads = 0;        // heads of retention layers, each dim / n_self_heads wide
    size_t n_attn_heads = 0;        // query heads of sliding, full and cross layers
    size_t n_attn_kv_heads = 0;     // key/value heads of these, a divisor of n_attn_heads
    size_t attn_head_dim = 0;
    size_t vocab_size = 0;
    double rope_theta = 10000.0;
    float norm_eps = 1e-6f;
    size_t sliding_window = 0;      // rows a sliding layer sees, the row itself counted
    bool cross_rope = false;        // rope on the keys of the one cache and the queries of cross layers
    bool cross_text = true;         // text rows go into the one cache too; without, cross layers see the video only
    bool scalable_softmax = false;  // logits of cross layers times logit_scale[head] * log(visible rows)
    bool attention_sink = false;    // a learnt logit a head without a value: a cross layer may look at nothing
    bool tied_output = true;        // logits = x embedding^T
    RowLayout rows;

    size_t n_layers() const { return layers.size(); }
    size_t self_layers() const;  // layers below the bridge; all of them in a plain Transformer
    bool has_cross() const { return self_layers() < layers.size(); }
    size_t count(LayerKind kind) const;
    size_t self_head_dim() const { return dim / n_self_heads; }
    size_t q_dim() const { return n_attn_heads * attn_head_dim; }
    size_t kv_dim() const { return n_attn_kv_heads * attn_head_dim; }
    size_t parameters() const;  // of the whole model, projector and embedding counted
};

// Throws Error naming `source`, the field, what was found and what was expected.
Config parse_config(std::string_view json_text, std::string_view source);
Config read_config(const std::filesystem::path& file);

// The checks parse_config ends with, for configs made in code.
void check_config(const Config& config, std::string_view source);

// The same sizes as a plain Transformer: every layer `full`, each with a cache of its own.
Config transformer_of(const Config& config);

}  // namespace lv
