// A model: its config, its weights, its tokenizer. Const after loading; any number of threads share one.
//
//   rows of a video  [tokens, feature_dim] --feature_rows--+
//   pieces of text   ids                   --text_row------+--> x [tokens, dim]
//                                                          |
//   self layers: x += mix(rms_norm(x)); x += swiglu(rms_norm(x))   -> constant state
//   bridge:      k, v = rms_norm(x) W                              -> the one cache   [tokens, kv_dim] each
//   cross layers, on sampled rows only: the same with mix = attention over the cache
//   logits = rms_norm(x) output   [sampled, vocab]
//
// A plain Transformer has no bridge and no cross layers; each of its `full` layers keeps a cache of its own.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/config.h"
#include "engine/tokenizer.h"
#include "kernels/core/context.h"
#include "kernels/core/dtype.h"
#include "kernels/core/memory.h"
#include "kernels/core/tensor.h"
#include "kernels/matmul.h"

namespace lv {

// Matrices are [in, out], y = x W. Where several read the same rows they are one, side by side.
struct Layer {
    LayerKind kind = LayerKind::full;
    Floats mix_norm;  // [dim]
    Linear
        mix_in;  // retention: q k v g [dim, 4 dim]; sliding, full: q k v [dim, q_dim + 2 kv_dim]; cross: q [dim, q_dim]
    Linear mix_out;      // retention [dim, dim]; attention [q_dim, dim]
    Linear decay;        // retention only: [dim, n_self_heads] with its bias, always f32
    Floats logit_scale;  // cross with scalable softmax only: [n_attn_heads]
    Floats sink;         // cross with attention sink only: [n_attn_heads]
    Floats ffn_norm;     // [dim]
    Linear gate_up;      // gate, up [dim, 2 hidden_dim]
    Linear down;         // [hidden_dim, dim]
};

struct LoadOptions {
    std::optional<DType> weights;    // f32, f16, bf16 or i8 (quantised while loading); none: as the file has them
    std::shared_ptr<Device> device = nullptr;  // where the layers lie and run; null: the host
};

// What `longview info` lists.
struct ModelPart {
    std::string name;  // "embedding", "projector", "self-decoder", "bridge", "cross-decoder", "output"
    size_t parameters = 0;
    size_t bytes = 0;  // as they lie in memory
};

class Model {
   public:
    // Reads config.json, model.safetensors and tokenizer.model of a model directory. Throws Error when a file is
    // missing or damaged, a tensor is missing, unknown or of another shape, or the vocabularies differ in size.
    static std::shared_ptr<const Model> load(const std::filesystem::path& directory, const LoadOptions& options = {});
    // From config and weights alone, without a tokenizer.
    static std::shared_ptr<const Model> load(const Config& config, const std::filesystem::path& weights,
                                             const LoadOptions& options = {});
    // Random weights of sensible size, the same for the same seed: for benchmarks and tests.
    static std::shared_ptr<const Model> random(const Config& config, uint64_t seed, DType weights = DType::f32,
                                               std::shared_ptr<Device> device = nullptr);

    const Config& config() const { return config_; }
    // 16 hex digits that stand for config, weights (as the source has them) and vocabulary; the name does not count.
    const std::string& digest() const { return digest_; }
    const Tokenizer& tokenizer() const;  // Error when there is none
    // What contexts and memories of this model must be on; null: the host.
    const std::shared_ptr<Device>& device() const { return device_; }
    std::vector<ModelPart> parts() const;
    size_t bytes() const;

    // x [tokens, dim] = features [tokens, feature_dim] projector + bias + what the row's hour, minute and second add.
    // Features are the host's, x lies where the model does. On the host it costs by the non-zero features. Error when
    // the width or the number of times is wrong.
    void feature_rows(const Context& context, ConstMatrix features, std::span<const int64_t> times_us, Matrix x) const;
    // These two make a row on the host, wherever the model lies. x [dim] of a time that a question names (or of "now");
    // `future`: it lies beyond the last frame.
    void time_row(int64_t time_us, bool future, std::span<float> x) const;
    // x [dim] = embedding[id] * sqrt(dim); with a time, what that adds to any row is added.
    void text_row(int id, int64_t time_us, std::span<float> x) const;

    // What the decoders read.
    const std::vector<Layer>& layers() const { return layers_; }
    const Floats& bridge_norm() const { return bridge_norm_; }
    const Linear& bridge() const { return bridge_; }  // k v [dim, 2 kv_dim]
    const Floats& final_norm() const { return final_norm_; }
    const Linear& output() const { return output_; }                                   // [dim, vocab]
    const std::vector<double>& self_frequencies() const { return self_frequencies_; }  // rope of retention
    const std::vector<double>& attn_frequencies() const { return attn_frequencies_; }  // rope of sliding, full, cross

   private:
    friend class ModelBuilder;  // load.cpp
    Model() = default;
    void add_time(int64_t time_us, std::span<float> x) const;       // hour, minute, second
    std::span<const float> projector_column(size_t column) const;   // [dim]
    void add_time_part(int64_t time_us, std::span<float> x) const;  // these and the Fourier code

    void place_rows(const std::shared_ptr<Device>& device);
    std::array<uint32_t, 3> time_rows(int64_t time_us) const;  // of time_table_

    Config config_;
    std::shared_ptr<Device> device_;
    std::string digest_;
    std::unique_ptr<const Tokenizer> tokenizer_;
    Buffer embedding_;  // [vocab, dim] of embedding_type_
    DType embedding_type_ = DType::f32;
    std::vector<float> projector_;       // [feature_dim, dim]
    std::vector<float> projector_bias_;  // [dim]
    std::vector<float> time_table_;      // [3, 100, dim]: what each hour, minute, second adds
    std::vector<Layer> layers_;
    Floats bridge_norm_, final_norm_;
    Linear device_projector_;  // projector and time table once more, on a device
    Floats device_time_table_;
    Linear bridge_, output_;
    std::vector<double> self_frequencies_, attn_frequencies_;
};

}  // namespace lv
