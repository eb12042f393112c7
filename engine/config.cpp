#include "engine/config.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "kernels/core/error.h"
#include "kernels/core/shallow_json.h"

namespace lv {

namespace {

using Json = nlohmann::json;

constexpr LayerKind layer_kinds[] = {LayerKind::retention, LayerKind::sliding, LayerKind::full, LayerKind::cross};

// One JSON object with the words for its errors.
class Fields {
   public:
    Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
        require(object_.is_object(), where_, ": found ", object_.type_name(), ", expected an object of named fields.");
    }

    bool has(const char* name) const { return object_.contains(name); }

    const Json& at(const char* name) const {
        require(has(name), where_, ": the field \"", name,
                "\" is missing; is this the config.json of a Longview model?");
        return object_.at(name);
    }
    size_t size(const char* name, size_t least, size_t most) const {
        const Json& value = at(name);
        require(value.is_number_integer() && value.get<int64_t>() >= int64_t(least) &&
                    value.get<int64_t>() <= int64_t(most),
                where_, ": ", name, " is ", value.dump(), ", expected a whole number from ", least, " to ", most, ".");
        return value.get<size_t>();
    }
    double number(const char* name, double above, double most) const {
        const Json& value = at(name);
        require(value.is_number() && value.get<double>() > above && value.get<double>() <= most, where_, ": ", name,
                " is ", value.dump(), ", expected a number above ", above, ", at most ", most, ".");
        return value.get<double>();
    }
    bool flag(const char* name, bool otherwise) const {
        if (!has(name)) return otherwise;
        const Json& value = at(name);
        require(value.is_boolean(), where_, ": ", name, " is ", value.dump(), ", expected true or false.");
        return value.get<bool>();
    }
    std::string text(const char* name) const {
        const Json& value = at(name);
        require(value.is_string(), where_, ": ", name, " is ", value.dump(), ", expected a text in quotes.");
        return value.get<std::string>();
    }

   private:
    const Json& object_;
    std::string where_;
};

constexpr size_t most_dim = 1 << 16, most_layers = 1024, most_vocabulary = 1 << 20;

LayerKind kind_of(const Json& value, const std::string& where) {
    if (value.is_string())
        for (LayerKind kind : layer_kinds)
            if (value.get<std::string>() == name_of(kind)) return kind;
    fail(where, ": layers holds ", value.dump(), ", expected \"retention\", \"sliding\", \"full\" or \"cross\".");
}

RowLayout parse_rows(const Fields& config, const std::string& where) {
    const Fields rows(config.at("rows"), where + ", rows");
    RowLayout out;
    out.feature_dim = rows.size("feature_dim", 1, most_dim);
    out.is_time = rows.size("is_time", 0, out.feature_dim - 1);
    if (rows.has("is_future")) out.is_future = rows.size("is_future", 1, out.feature_dim - 1);
    if (rows.has("roll_call")) {
        const Fields roll(rows.at("roll_call"), where + ", rows.roll_call");
        out.roll = roll.size("mark", 1, out.feature_dim - 1);
        out.is_object = roll.size("is_object", 0, out.feature_dim - 1);
        out.kind = roll.size("kind", 0, out.feature_dim - 1);
        out.kinds = roll.size("kinds", 1, out.feature_dim - out.kind);
    }
    if (!rows.has("fourier")) return out;
    const Fields fourier(rows.at("fourier"), where + ", rows.fourier");
    out.fourier_first = fourier.size("first", 0, out.feature_dim - 1);
    out.fourier_count = fourier.size("count", 0, (out.feature_dim - out.fourier_first) / 2);
    out.first_period_s = fourier.number("first_period_s", 0.0, 1e9);
    out.period_ratio = fourier.number("ratio", 1.0, 1e3);
    return out;
}

}  // namespace

std::string_view name_of(LayerKind kind) {
    switch (kind) {
        case LayerKind::retention:
            return "retention";
        case LayerKind::sliding:
            return "sliding";
        case LayerKind::full:
            return "full";
        case LayerKind::cross:
            return "cross";
    }
    return "";
}

size_t Config::self_layers() const {
    size_t layer = 0;
    while (layer < layers.size() && layers[layer] != LayerKind::cross) ++layer;
    return layer;
}

size_t Config::count(LayerKind kind) const {
    size_t found = 0;
    for (LayerKind layer : layers) found += layer == kind;
    return found;
}

size_t Config::parameters() const {
    size_t total = vocab_size * dim * (tied_output ? 1 : 2) + (rows.feature_dim + 1) * dim + 3 * dim * dim + dim;
    if (has_cross()) total += dim + 2 * dim * kv_dim();
    for (LayerKind kind : layers) {
        total += 2 * dim + 3 * dim * hidden_dim;
        if (kind == LayerKind::retention)
            total += 5 * dim * dim + dim * n_self_heads + n_self_heads;
        else
            total += 2 * dim * q_dim() + (kind == LayerKind::cross ? 0 : 2 * dim * kv_dim());
        if (kind == LayerKind::cross) total += n_attn_heads * (size_t(scalable_softmax) + size_t(attention_sink));
    }
    return total;
}

void check_config(const Config& c, std::string_view source) {
    require(c.self_layers() > 0, source, ": layers has no layer below the cross layers, expected at least one.");
    for (size_t layer = c.self_layers(); layer < c.n_layers(); ++layer)
        require(c.layers[layer] == LayerKind::cross, source, ": layers has \"", name_of(c.layers[layer]),
                "\" above a cross layer, expected every cross layer on top.");
    if (c.count(LayerKind::retention) > 0)
        require(c.n_self_heads > 0 && c.dim % c.n_self_heads == 0 && c.dim / c.n_self_heads % 2 == 0, source,
                ": n_self_heads is ", c.n_self_heads, ", expected to divide dim ", c.dim, " into heads of even width.");
    require(c.n_attn_kv_heads > 0 && c.n_attn_heads % c.n_attn_kv_heads == 0, source, ": n_attn_kv_heads is ",
            c.n_attn_kv_heads, ", expected a divisor of n_attn_heads ", c.n_attn_heads, ".");
    require(c.attn_head_dim > 0 && c.attn_head_dim % 2 == 0, source, ": attn_head_dim is ", c.attn_head_dim,
            ", expected an even number (rope turns pairs).");
    require(c.count(LayerKind::sliding) == 0 || c.sliding_window > 0, source,
            ": sliding_window is 0, expected at least 1 where a layer is \"sliding\".");
}

Config parse_config(std::string_view json_text, std::string_view source) {
    const std::string where = "Reading " + std::string(source);
    const Json json = parse_shallow<Json>(json_text, 8);
    require(!json.is_discarded(), where, ": this is not JSON; copy the model directory again.");
    const Fields fields(json, where);
    fields.size("format", 1, 1);

    Config c;
    c.name = fields.text("name");
    c.dim = fields.size("dim", 2, most_dim);
    c.hidden_dim = fields.size("hidden_dim", 1, 4 * most_dim);
    const Json& layers = fields.at("layers");
    require(layers.is_array() && !layers.empty() && layers.size() <= most_layers, where, ": layers is no list of 1 to ",
            most_layers, " layer kinds.");
    for (const Json& layer : layers) c.layers.push_back(kind_of(layer, where));
    const size_t n_layers = fields.size("n_layers", 1, most_layers);
    require(n_layers == c.layers.size(), where, ": n_layers is ", n_layers, ", but layers names ", c.layers.size(),
            ".");

    c.n_self_heads = fields.size("n_self_heads", 1, c.dim);
    c.n_attn_heads = fields.size("n_attn_heads", 1, most_dim);
    c.n_attn_kv_heads = fields.size("n_attn_kv_heads", 1, c.n_attn_heads);
    c.attn_head_dim = fields.size("attn_head_dim", 2, 512);
    c.vocab_size = fields.size("vocab_size", 8, most_vocabulary);
    c.rope_theta = fields.number("rope_theta", 1.0, 1e12);
    c.norm_eps = float(fields.number("norm_eps", 0.0, 1.0));
    if (fields.has("sliding_window") || c.count(LayerKind::sliding) > 0)
        c.sliding_window = fields.size("sliding_window", c.count(LayerKind::sliding) > 0 ? 1 : 0, 1 << 24);
    c.cross_rope = fields.flag("cross_rope", false);
    c.cross_text = fields.flag("cross_text", true);
    c.scalable_softmax = fields.flag("scalable_softmax", false);
    c.attention_sink = fields.flag("attention_sink", false);
    c.tied_output = fields.flag("tied_output", true);
    c.rows = parse_rows(fields, where);
    check_config(c, where);
    return c;
}

Config read_config(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    require(bool(in), "Reading the model: cannot open ", file.string(),
            "; expected a model directory with config.json, model.safetensors and tokenizer.model.");
    std::ostringstream text;
    text << in.rdbuf();
    require(!in.bad(), "Reading ", file.string(), ": the file cannot be read; check the disk.");
    return parse_config(text.str(), file.string());
}

Config transformer_of(const Config& config) {
    Config out = config;
    out.name += "-transformer";
    for (LayerKind& kind : out.layers) kind = LayerKind::full;
    return out;
}

}  // namespace lv
