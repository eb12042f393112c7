#include "engine/config.h"

#include <random>

#include "tests/engine/engine_support.h"

namespace lv::test {

namespace {

// The small config's JSON with one passage changed.
std::string changed(const std::string& from, const std::string& to) {
    std::string json = config_json(all_mixes()[3]);
    const size_t at = json.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return json.replace(at, from.size(), to);
}

std::string error_with(const std::string& from, const std::string& to) {
    const std::string json = changed(from, to);
    return error_of([&] { parse_config(json, "a/config.json"); });
}

}  // namespace

TEST(Config, reads_every_field) {
    const Config expected = all_mixes()[3], c = parse_config(config_json(expected), "config.json");
    EXPECT_EQ(c.name, "small");
    EXPECT_EQ(c.layers, expected.layers);
    EXPECT_EQ(c.dim, 32u);
    EXPECT_EQ(c.hidden_dim, 48u);
    EXPECT_EQ(c.n_self_heads, 2u);
    EXPECT_EQ(c.n_attn_heads, 4u);
    EXPECT_EQ(c.n_attn_kv_heads, 2u);
    EXPECT_EQ(c.attn_head_dim, 8u);
    EXPECT_EQ(c.vocab_size, 480u);
    EXPECT_EQ(c.rope_theta, 10000.0);
    EXPECT_FLOAT_EQ(c.norm_eps, 1e-6f);
    EXPECT_EQ(c.sliding_window, 7u);
    EXPECT_TRUE(c.cross_rope);
    EXPECT_FALSE(c.scalable_softmax);
    EXPECT_TRUE(c.cross_text);
    EXPECT_FALSE(c.attention_sink);
    EXPECT_FALSE(c.tied_output);
    EXPECT_EQ(c.rows.feature_dim, 200u);
    EXPECT_EQ(c.rows.is_time, 2u);
    EXPECT_EQ(c.rows.is_future, 0u);
    EXPECT_EQ(c.rows.fourier_first, 160u);
    EXPECT_EQ(c.rows.fourier_count, 16u);
    EXPECT_EQ(c.rows.period_ratio, 1.8);
    EXPECT_EQ(c.self_layers(), 4u);
    EXPECT_TRUE(c.has_cross());
}

TEST(Config, every_missing_field_is_named) {
    for (const char* field : {"format",      "name",         "layers",       "n_layers",        "dim",
                              "hidden_dim",  "n_self_heads", "n_attn_heads", "n_attn_kv_heads", "attn_head_dim",
                              "vocab_size",  "rope_theta",   "norm_eps",     "sliding_window",  "rows",
                              "feature_dim", "is_time",      "first",        "count",           "first_period_s",
                              "ratio"}) {
        const std::string quoted = std::string("\"").append(field).append("\"");
        EXPECT_TRUE(says(error_with(quoted, "\"gone\""), "the field " + quoted + " is missing"));
    }
}

TEST(Config, every_wrong_field_is_refused_with_what_was_found_and_expected) {
    const std::pair<const char*, const char*> wrong[] = {
        {"\"format\": 1", "\"format\": 2"},
        {"\"name\": \"small\"", "\"name\": 3"},
        {"\"n_layers\": 6", "\"n_layers\": 5"},
        {"\"dim\": 32", "\"dim\": -32"},
        {"\"hidden_dim\": 48", "\"hidden_dim\": 0"},
        {"\"n_self_heads\": 2", "\"n_self_heads\": 3"},
        {"\"n_attn_heads\": 4", "\"n_attn_heads\": \"four\""},
        {"\"n_attn_kv_heads\": 2", "\"n_attn_kv_heads\": 3"},
        {"\"attn_head_dim\": 8", "\"attn_head_dim\": 7"},
        {"\"vocab_size\": 480", "\"vocab_size\": 99999999999"},
        {"\"rope_theta\": 10000", "\"rope_theta\": 0, \"x\": 10000"},
        {"\"norm_eps\": 1e-06", "\"norm_eps\": -1e-06"},
        {"\"sliding_window\": 7", "\"sliding_window\": 0"},
        {"\"cross_rope\": true", "\"cross_rope\": 1"},
        {"\"scalable_softmax\": false", "\"scalable_softmax\": \"no\""},
        {"\"cross_text\": true", "\"cross_text\": 0"},
        {"\"attention_sink\": false", "\"attention_sink\": []"},
        {"\"tied_output\": false", "\"tied_output\": null"},
        {"\"feature_dim\": 200", "\"feature_dim\": 1.5"},
        {"\"is_time\": 2", "\"is_time\": 200"},
        {"\"first\": 160", "\"first\": 400"},
        {"\"count\": 16", "\"count\": 21"},
        {"\"first_period_s\": 2", "\"first_period_s\": -2"},
        {"\"ratio\": 1.8", "\"ratio\": 0.5"},
    };
    for (const auto& [from, to] : wrong) {
        const std::string field = std::string(from).substr(1, std::string(from).find('"', 1) - 1);
        const std::string message = error_with(from, to);
        EXPECT_TRUE(says(message, field));
        EXPECT_TRUE(says(message, "a/config.json"));
    }
}

TEST(Config, a_column_for_times_beyond_the_video_may_be_named) {
    const std::string json = changed("\"is_time\": 2", "\"is_time\": 2, \"is_future\": 150");
    EXPECT_EQ(parse_config(json, "config.json").rows.is_future, 150u);
    EXPECT_TRUE(says(error_with("\"is_time\": 2", "\"is_time\": 2, \"is_future\": 200"), "is_future"));
}

TEST(Config, a_roll_call_has_its_mark_and_its_kinds) {
    const auto with = [](const std::string& fields) { return "\"is_time\": 2, \"roll_call\": {" + fields + "}"; };
    const std::string good = R"("mark": 150, "is_object": 1, "kind": 4, "kinds": 80)";
    const RowLayout rows = parse_config(changed("\"is_time\": 2", with(good)), "config.json").rows;
    EXPECT_EQ(rows.roll, 150u);
    EXPECT_EQ(rows.is_object, 1u);
    EXPECT_EQ(rows.kind, 4u);
    EXPECT_EQ(rows.kinds, 80u);
    for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
             {"\"mark\": 150", "\"mark\": 0"},
             {"\"is_object\": 1", "\"is_object\": 200"},
             {"\"kind\": 4", "\"kind\": -1"},
             {"\"kinds\": 80", "\"kinds\": 197"},
         }) {
        std::string wrong = good;
        wrong.replace(wrong.find(from), from.size(), to);
        EXPECT_TRUE(says(error_with("\"is_time\": 2", with(wrong)), from.substr(1, from.find('"', 1) - 1)));
    }
}

TEST(Config, layers_must_be_known_and_cross_layers_on_top) {
    EXPECT_TRUE(says(error_with("\"sliding\"", "\"convolution\""), "layers holds \"convolution\""));
    EXPECT_TRUE(says(error_with("\"sliding\"", "7"), "layers holds 7"));
    EXPECT_TRUE(says(error_with("\"sliding\"", "\"cross\""), "at least one"));
    EXPECT_TRUE(says(error_with("\"retention\"", "\"cross\""), "above a cross layer"));
    EXPECT_TRUE(says(error_with("[\"sliding\"", "{\"a\": \"sliding\""), "not JSON"));
}

TEST(Config, what_is_not_json_or_not_there_is_said) {
    EXPECT_TRUE(says(error_of([] { parse_config("dim = 3", "c.json"); }), "this is not JSON"));
    EXPECT_TRUE(says(error_of([] { parse_config("[1, 2]", "c.json"); }), "expected an object"));
    EXPECT_TRUE(says(error_of([] { read_config("/nowhere/config.json"); }), "cannot open /nowhere/config.json"));
}

TEST(Config, lists_within_lists_without_end_are_refused) {
    const size_t deep = 200'000;
    const std::string lists = std::string(deep, '[') + std::string(deep, ']');
    EXPECT_TRUE(says(error_with("\"dim\": 32", "\"dim\": " + lists), "dim is"));
}

TEST(Config, random_bytes_never_crash_the_parser) {
    std::mt19937 random(1);
    const std::string json = config_json(all_mixes()[3]);
    for (int round = 0; round < 2000; ++round) {
        std::string damaged = json;
        for (int i = 0; i < 4; ++i) damaged[random() % damaged.size()] = char(random());
        try {
            check_config(parse_config(damaged, "c.json"), "c.json");
        } catch (const std::runtime_error&) {
        }
    }
}

TEST(Config, a_transformer_of_a_yoco_has_the_same_sizes) {
    const Config yoco = config_100m(), transformer = transformer_of(yoco);
    EXPECT_EQ(transformer.count(LayerKind::full), yoco.n_layers());
    EXPECT_FALSE(transformer.has_cross());
    EXPECT_NEAR(double(transformer.parameters()), double(yoco.parameters()), 0.1 * double(yoco.parameters()));
}

}  // namespace lv::test
