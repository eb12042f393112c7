// Builds a Model from named tensors: those of a safetensors file, each checked, or random ones.
#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

#include "engine/digest.h"
#include "engine/model.h"
#include "kernels/core/device.h"
#include "kernels/core/error.h"
#include "kernels/core/weight_file.h"
#include "kernels/rope.h"

namespace lv {

namespace {

using Shape = std::vector<size_t>;

struct Values {
    std::vector<float> floats;
    DType type;  // that the source has them in
};

class Source {
   public:
    virtual ~Source() = default;
    virtual Values get(const std::string& name, const Shape& shape) = 0;
    virtual void finish() {}
    Digest& digest() { return digest_; }  // of what was got

   private:
    Digest digest_;
};

class FileSource : public Source {
   public:
    explicit FileSource(const std::filesystem::path& path) : file_(WeightFile::open(path)) {}

    Values get(const std::string& name, const Shape& shape) override {
        const TensorView& tensor = file_.get(name, shape);
        used_.insert(name);
        digest().add(name + std::string(dtype_name(tensor.dtype)), tensor.bytes);
        return {to_floats(tensor), tensor.dtype};
    }
    void finish() override {
        for (const TensorView& tensor : file_.tensors())
            require(used_.contains(tensor.name), "Reading ", file_.path().string(), ": found the tensor ",
                    tensor.describe(),
                    ", which the layers in config.json have no use for; the two files do not belong "
                    "together, copy the model directory again.");
    }

   private:
    WeightFile file_;
    std::set<std::string> used_;
};

// Of the sizes that training starts from, so that activations and logits stay sensible.
class RandomSource : public Source {
   public:
    explicit RandomSource(uint64_t seed) : state_(seed) {}

    Values get(const std::string& name, const Shape& shape) override {
        size_t size = 1;
        for (size_t extent : shape) size *= extent;
        Values out{std::vector<float>(size), DType::f32};
        if (name.ends_with("norm")) {
            std::ranges::fill(out.floats, 1.0f);
        } else if (name.ends_with("logit_scale")) {
            std::ranges::fill(out.floats, 0.3f);
        } else if (name.ends_with("sink")) {
            for (float& value : out.floats) value = uniform() - 0.5f;
        } else if (name.ends_with("decay_bias")) {
            for (size_t i = 0; i < size; ++i) out.floats[i] = size < 2 ? 3.0f : 7.0f * float(i) / float(size - 1);
        } else {
            const float width = deviation(name, shape) * std::sqrt(12.0f);  // of a uniform distribution
            for (float& value : out.floats) value = width * (uniform() - 0.5f);
        }
        digest().add(name, std::as_bytes(std::span(out.floats)));
        return out;
    }

   private:
    static float deviation(const std::string& name, const Shape& shape) {
        if (name == "embedding") return 1.0f / std::sqrt(float(shape[1]));
        if (name.starts_with("projector") || name.starts_with("time_proj")) return 0.5f;
        if (name.ends_with(".decay")) return 0.02f;
        const bool back = name.ends_with(".o") || name.ends_with(".down");
        return (back ? 0.5f : 1.0f) / std::sqrt(float(shape[0]));
    }
    float uniform() {  // splitmix64
        uint64_t z = state_ += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return float((z ^ (z >> 31)) >> 40) * 0x1p-24f;
    }
    uint64_t state_;
};

// The matrices of `parts` side by side: [in, sum of outs].
Linear side_by_side(const std::vector<Values>& parts, size_t in, const LoadOptions& options) {
    size_t out = 0;
    for (const Values& part : parts) out += part.floats.size() / in;
    std::vector<float> joined(in * out);
    const Matrix all(joined.data(), in, out);
    size_t first = 0;
    for (const Values& part : parts) {
        const ConstMatrix from(part.floats.data(), in, part.floats.size() / in);
        const Matrix to = all.columns(first, from.cols);
        for (size_t row = 0; row < in; ++row) std::ranges::copy(from.row(row), to.row(row).begin());
        first += from.cols;
    }
    Linear joint(all, options.weights.value_or(parts[0].type));
    joint.place(options.device);
    return joint;
}

Buffer stored_as(const std::vector<float>& values, DType type) {
    Buffer out(values.size() * dtype_bytes(type));
    if (type == DType::f32) std::ranges::copy(values, out.as<float>().begin());
    if (type == DType::f16) convert(values, out.as<Half>());
    if (type == DType::bf16) convert(values, out.as<BFloat16>());
    return out;
}

// All that decides what a model makes of its rows, besides weights and vocabulary; not the name.
std::string identity_of(const Config& c) {
    std::ostringstream text;
    text.precision(17);
    for (LayerKind kind : c.layers) text << name_of(kind) << ' ';
    for (size_t number :
         {c.dim, c.hidden_dim, c.n_self_heads, c.n_attn_heads, c.n_attn_kv_heads, c.attn_head_dim, c.vocab_size,
          c.sliding_window, size_t(c.cross_rope), size_t(c.cross_text), size_t(c.scalable_softmax),
          size_t(c.attention_sink), size_t(c.tied_output), c.rows.feature_dim, c.rows.is_time, c.rows.is_future,
          c.rows.fourier_first, c.rows.fourier_count})
        text << number << ' ';
    for (size_t number : {c.rows.roll, c.rows.is_object, c.rows.kind, c.rows.kinds}) text << number << ' ';
    for (double number : {c.rope_theta, double(c.norm_eps), c.rows.first_period_s, c.rows.period_ratio})
        text << number << ' ';
    return text.str();
}

}  // namespace

class ModelBuilder {
   public:
    ModelBuilder(const Config& config, Source& source, const LoadOptions& options)
        : c_(config), source_(source), wanted_(options.weights), options_(options), model_(new Model) {
        require(!wanted_ || *wanted_ == DType::f32 || *wanted_ == DType::f16 || *wanted_ == DType::bf16 ||
                    *wanted_ == DType::i8,
                "Loading a model: weights as ", dtype_name(wanted_.value_or(DType::f32)),
                ", expected F32, F16, BF16 or I8.");
        model_->config_ = config;
    }

    std::shared_ptr<const Model> build(std::unique_ptr<const Tokenizer> tokenizer) {
        rows(tokenizer.get());
        for (size_t index = 0; index < c_.n_layers(); ++index)
            model_->layers_.push_back(layer(c_.layers[index], "layers." + std::to_string(index) + "."));
        if (c_.has_cross()) {
            model_->bridge_norm_ = placed("bridge.norm", {c_.dim});
            model_->bridge_ = joined({"bridge.k", "bridge.v"}, c_.dim, {c_.kv_dim(), c_.kv_dim()});
        }
        model_->final_norm_ = placed("final_norm", {c_.dim});
        source_.finish();
        if (options_.device) {
            model_->place_rows(options_.device);
            options_.device->wait();  // other threads may use it from now on
        }
        Digest& digest = source_.digest();
        digest.add("config", identity_of(c_));
        for (size_t id = 0; tokenizer && id < tokenizer->size(); ++id)
            digest.add("piece", tokenizer->piece_text(int(id)));
        model_->digest_ = digest.hex();
        model_->tokenizer_ = std::move(tokenizer);
        if (c_.count(LayerKind::retention) > 0)
            model_->self_frequencies_ = retention_frequencies(c_.self_head_dim(), c_.rope_theta);
        model_->attn_frequencies_ = rope_frequencies(c_.attn_head_dim, c_.rope_theta);
        return model_;
    }

   private:
    std::vector<float> floats(const std::string& name, const Shape& shape) { return source_.get(name, shape).floats; }

    Floats placed(const std::string& name, const Shape& shape) { return {floats(name, shape), options_.device}; }

    Linear linear(const std::string& name, size_t in, size_t out) { return joined({name}, in, {out}); }

    Linear joined(const std::vector<std::string>& names, size_t in, const std::vector<size_t>& outs) {
        std::vector<Values> parts;
        for (size_t i = 0; i < names.size(); ++i) parts.push_back(source_.get(names[i], {in, outs[i]}));
        return side_by_side(parts, in, options_);
    }

    // Embedding, output, projector, and what each hour, minute and second adds to a row.
    void rows(const Tokenizer* tokenizer) {
        const Values embedding = source_.get("embedding", {c_.vocab_size, c_.dim});
        const DType type = wanted_.value_or(embedding.type);
        model_->embedding_type_ = type == DType::i8 ? DType::f16 : type;
        model_->embedding_ = stored_as(embedding.floats, model_->embedding_type_);
        if (c_.tied_output)
            model_->output_ =
                Linear(ConstMatrix(embedding.floats.data(), c_.vocab_size, c_.dim), type, {}, WeightLayout::out_in);
        else
            model_->output_ = linear("output", c_.dim, c_.vocab_size);
        if (c_.tied_output) model_->output_.place(options_.device);
        model_->projector_ = floats("projector.weight", {c_.rows.feature_dim, c_.dim});
        model_->projector_bias_ = floats("projector.bias", {c_.dim});

        // Without a tokenizer the two-digit pieces are where tools/train/text.py puts them.
        constexpr size_t first_digits = 7;
        std::vector<float> digits(100 * c_.dim);
        for (size_t n = 0; n < 100; ++n) {
            const size_t id = tokenizer ? size_t(tokenizer->two_digits()[n]) : (first_digits + n) % c_.vocab_size;
            std::copy_n(embedding.floats.begin() + ptrdiff_t(id * c_.dim), c_.dim,
                        digits.begin() + ptrdiff_t(n * c_.dim));
        }
        const std::vector<float> weight = floats("time_proj.weight", {3 * c_.dim, c_.dim});
        model_->time_table_.resize(3 * 100 * c_.dim);
        const Context one(1);
        for (size_t part = 0; part < 3; ++part)
            matmul(one, ConstMatrix(digits.data(), 100, c_.dim),
                   ConstMatrix(weight.data() + part * c_.dim * c_.dim, c_.dim, c_.dim),
                   Matrix(model_->time_table_.data() + part * 100 * c_.dim, 100, c_.dim));
    }

    Layer layer(LayerKind kind, const std::string& prefix) {
        const size_t dim = c_.dim, q = c_.q_dim(), kv = c_.kv_dim();
        Layer out;
        out.kind = kind;
        out.mix_norm = placed(prefix + "mix_norm", {dim});
        switch (kind) {
            case LayerKind::retention: {
                out.mix_in =
                    joined({prefix + "q", prefix + "k", prefix + "v", prefix + "g"}, dim, {dim, dim, dim, dim});
                out.mix_out = linear(prefix + "o", dim, dim);
                const std::vector<float> decay = floats(prefix + "decay", {dim, c_.n_self_heads});
                const std::vector<float> bias = floats(prefix + "decay_bias", {c_.n_self_heads});
                out.decay = Linear(ConstMatrix(decay.data(), dim, c_.n_self_heads), DType::f32, bias);
                out.decay.place(options_.device);
                break;
            }
            case LayerKind::sliding:
            case LayerKind::full:
                out.mix_in = joined({prefix + "q", prefix + "k", prefix + "v"}, dim, {q, kv, kv});
                out.mix_out = linear(prefix + "o", q, dim);
                break;
            case LayerKind::cross:
                out.mix_in = linear(prefix + "q", dim, q);
                out.mix_out = linear(prefix + "o", q, dim);
                if (c_.scalable_softmax) out.logit_scale = placed(prefix + "logit_scale", {c_.n_attn_heads});
                if (c_.attention_sink) out.sink = placed(prefix + "sink", {c_.n_attn_heads});
                break;
        }
        out.ffn_norm = placed(prefix + "ffn_norm", {dim});
        out.gate_up = joined({prefix + "ffn.gate", prefix + "ffn.up"}, dim, {c_.hidden_dim, c_.hidden_dim});
        out.down = linear(prefix + "ffn.down", c_.hidden_dim, dim);
        return out;
    }

    const Config& c_;
    Source& source_;
    std::optional<DType> wanted_;
    LoadOptions options_;
    std::shared_ptr<Model> model_;
};

std::shared_ptr<const Model> Model::load(const std::filesystem::path& directory, const LoadOptions& options) {
    require(std::filesystem::is_directory(directory), "Loading a model: ", directory.string(),
            " is no directory; expected one with config.json, model.safetensors and tokenizer.model.");
    const Config config = read_config(directory / "config.json");
    auto tokenizer = std::make_unique<const Tokenizer>(Tokenizer::load(directory / "tokenizer.model"));
    require(tokenizer->size() == config.vocab_size, "Loading the model ", directory.string(), ": tokenizer.model has ",
            tokenizer->size(), " pieces, config.json says vocab_size ", config.vocab_size,
            "; the files do not belong together, copy the model directory again.");
    FileSource source(directory / "model.safetensors");
    return ModelBuilder(config, source, options).build(std::move(tokenizer));
}

std::shared_ptr<const Model> Model::load(const Config& config, const std::filesystem::path& weights,
                                         const LoadOptions& options) {
    FileSource source(weights);
    return ModelBuilder(config, source, options).build(nullptr);
}

std::shared_ptr<const Model> Model::random(const Config& config, uint64_t seed, DType weights,
                                           std::shared_ptr<Device> device) {
    check_config(config, "Making a random model");
    RandomSource source(seed);
    return ModelBuilder(config, source, {.weights = weights, .device = std::move(device)}).build(nullptr);
}

}  // namespace lv
