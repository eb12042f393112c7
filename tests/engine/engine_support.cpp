#include "tests/engine/engine_support.h"

#include <array>
#include <cmath>
#include <random>
#include <sstream>

#include "kernels/core/weight_file.h"

namespace lv::test {

std::filesystem::path golden(const std::string& name) { return std::filesystem::path(LV_GOLDEN_DIR) / name; }

Config small_config(std::vector<LayerKind> layers) {
    Config c;
    c.name = "small";
    c.dim = 32;
    c.hidden_dim = 48;
    c.layers = std::move(layers);
    c.n_self_heads = 2;
    c.n_attn_heads = 4;
    c.n_attn_kv_heads = 2;
    c.attn_head_dim = 8;
    c.vocab_size = 480;
    c.norm_eps = 1e-6f;
    c.sliding_window = 7;
    c.scalable_softmax = true;
    c.rows = {.feature_dim = 200, .is_time = 2, .fourier_first = 160, .fourier_count = 16};
    return c;
}

using enum LayerKind;

Config yoco_config() { return small_config({retention, retention, cross, cross}); }
Config sliding_yoco_config() { return small_config({sliding, sliding, cross, cross}); }
Config transformer_config() { return small_config({full, full, full}); }

Config mini_config() { return all_mixes().back(); }

std::vector<Config> all_mixes() {
    Config mix = small_config({sliding, retention, full, retention, cross, cross});
    mix.cross_rope = true;
    mix.scalable_softmax = false;
    mix.tied_output = false;
    Config mini = small_config({sliding, retention, cross, cross});
    mini.cross_text = false;
    mini.attention_sink = true;
    mini.rows.roll = 6, mini.rows.is_object = 5, mini.rows.kind = 10, mini.rows.kinds = 12;
    return {yoco_config(), sliding_yoco_config(), transformer_config(), mix, mini};
}

std::string mix_name(const testing::TestParamInfo<size_t>& mix) {
    return std::array{"yoco", "sliding_yoco", "transformer", "all_kinds", "mini"}[mix.param];
}

void watch(Workspace& work, Memory& memory, size_t first, size_t last) {
    const Config& c = memory.model().config();
    const SampleRows sample = sample_rows(c, last - first, first);
    ASSERT_EQ(memory.append(work, sample.matrix(c), sample.times_us), last - first);
}

std::vector<PromptRow> some_prompt(size_t rows, size_t vocab_size) {
    std::vector<PromptRow> out{{-1, 83'000'000}};
    while (out.size() < rows) {  // every other row carries a time
        const int64_t about_us = out.size() % 2 ? 20'000'000 : no_time;
        out.push_back({int(7 + out.size() * 13 % (vocab_size - 7)), about_us});
    }
    return out;
}

std::vector<float> copied(ConstMatrix logits) {
    std::vector<float> out;
    for (size_t row = 0; row < logits.rows; ++row)
        out.insert(out.end(), logits.row(row).begin(), logits.row(row).end());
    return out;
}

float difference(std::span<const float> a, std::span<const float> b) {
    EXPECT_EQ(a.size(), b.size());
    float most = 0;
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        EXPECT_TRUE(std::isfinite(a[i]) && std::isfinite(b[i]));
        most = std::max(most, std::abs(a[i] - b[i]));
    }
    return most;
}

std::vector<NamedTensor> model_tensors(const Config& c) {
    std::vector<NamedTensor> out;
    std::mt19937 random(5);
    const auto add = [&](std::string name, std::vector<size_t> shape) {
        size_t size = 1;
        for (size_t extent : shape) size *= extent;
        std::normal_distribution<float> normal(name.ends_with("norm") ? 1.0f : 0.0f, 0.2f);
        std::vector<float> values(size);
        for (float& value : values) value = normal(random);
        out.push_back({std::move(name), std::move(shape), std::move(values)});
    };
    const size_t dim = c.dim, q = c.q_dim(), kv = c.kv_dim();
    add("embedding", {c.vocab_size, dim});
    add("projector.weight", {c.rows.feature_dim, dim});
    add("projector.bias", {dim});
    add("time_proj.weight", {3 * dim, dim});
    for (size_t i = 0; i < c.n_layers(); ++i) {
        const std::string layer = "layers." + std::to_string(i) + ".";
        add(layer + "mix_norm", {dim});
        add(layer + "ffn_norm", {dim});
        add(layer + "ffn.gate", {dim, c.hidden_dim});
        add(layer + "ffn.up", {dim, c.hidden_dim});
        add(layer + "ffn.down", {c.hidden_dim, dim});
        switch (c.layers[i]) {
            case retention:
                for (const char* name : {"q", "k", "v", "g", "o"}) add(layer + name, {dim, dim});
                add(layer + "decay", {dim, c.n_self_heads});
                add(layer + "decay_bias", {c.n_self_heads});
                break;
            case sliding:
            case full:
                add(layer + "k", {dim, kv});
                add(layer + "v", {dim, kv});
                [[fallthrough]];
            case cross:
                add(layer + "q", {dim, q});
                add(layer + "o", {q, dim});
                if (c.layers[i] == cross && c.scalable_softmax) add(layer + "logit_scale", {c.n_attn_heads});
                if (c.layers[i] == cross && c.attention_sink) add(layer + "sink", {c.n_attn_heads});
        }
    }
    if (c.has_cross()) {
        add("bridge.norm", {dim});
        add("bridge.k", {dim, kv});
        add("bridge.v", {dim, kv});
    }
    add("final_norm", {dim});
    if (!c.tied_output) add("output", {dim, c.vocab_size});
    return out;
}

void write_tensors(const std::filesystem::path& file, const std::vector<NamedTensor>& tensors) {
    std::vector<TensorSource> sources;
    for (const NamedTensor& tensor : tensors)
        sources.push_back({tensor.name, DType::f32, tensor.shape, {std::as_bytes(std::span(tensor.values))}});
    write_weight_file(file, sources);
}

std::string config_json(const Config& c) {
    std::ostringstream out;
    const auto field = [&](const char* name, const auto& value) { out << '"' << name << "\": " << value << ", "; };
    const auto flag = [&](const char* name, bool value) { field(name, value ? "true" : "false"); };
    out << "{\"layers\": [";
    for (size_t i = 0; i < c.n_layers(); ++i) out << (i ? ", \"" : "\"") << name_of(c.layers[i]) << '"';
    out << "], \"name\": \"" << c.name << "\", \"format\": 1, ";
    field("n_layers", c.n_layers());
    field("dim", c.dim);
    field("hidden_dim", c.hidden_dim);
    field("n_self_heads", c.n_self_heads);
    field("n_attn_heads", c.n_attn_heads);
    field("n_attn_kv_heads", c.n_attn_kv_heads);
    field("attn_head_dim", c.attn_head_dim);
    field("vocab_size", c.vocab_size);
    field("rope_theta", c.rope_theta);
    field("norm_eps", c.norm_eps);
    field("sliding_window", c.sliding_window);
    flag("cross_rope", c.cross_rope);
    flag("cross_text", c.cross_text);
    flag("scalable_softmax", c.scalable_softmax);
    flag("attention_sink", c.attention_sink);
    flag("tied_output", c.tied_output);
    out << "\"rows\": {";
    field("feature_dim", c.rows.feature_dim);
    field("is_time", c.rows.is_time);
    if (c.rows.roll > 0) {
        out << "\"roll_call\": {";
        field("mark", c.rows.roll);
        field("is_object", c.rows.is_object);
        field("kind", c.rows.kind);
        out << "\"kinds\": " << c.rows.kinds << "}, ";
    }
    out << "\"fourier\": {";
    field("first", c.rows.fourier_first);
    field("count", c.rows.fourier_count);
    field("first_period_s", c.rows.first_period_s);
    out << "\"ratio\": " << c.rows.period_ratio << "}}}";
    return out.str();
}

void write_model(const std::filesystem::path& folder, const Config& config) {
    std::filesystem::create_directories(folder);
    write_text(folder / "config.json", config_json(config));
    write_tensors(folder / "model.safetensors", model_tensors(config));
    std::filesystem::copy_file(golden("engine_tokenizer.model"), folder / "tokenizer.model",
                               std::filesystem::copy_options::overwrite_existing);
}

}  // namespace lv::test
