// Every way in which a model directory can be wrong is a sentence; a good one loads in every type.
#include <cmath>
#include <fstream>
#include <functional>
#include <random>

#include "tests/engine/engine_support.h"

namespace lv::test {

namespace {

class Loading : public testing::Test {
   protected:
    void SetUp() override { write_model(folder.path(), config); }
    std::string error() {
        return error_of([&] { Model::load(folder.path()); });
    }
    void rewrite(const std::function<void(std::vector<NamedTensor>&)>& change) {
        std::vector<NamedTensor> tensors = model_tensors(config);
        change(tensors);
        write_tensors(folder.path() / "model.safetensors", tensors);
    }

    const Config config = all_mixes()[3];
    const TemporaryFolder folder;
};

TEST_F(Loading, a_model_directory_loads_in_every_weight_type) {
    size_t before = std::numeric_limits<size_t>::max();
    for (DType type : {DType::f32, DType::f16, DType::i8}) {
        const auto model = Model::load(folder.path(), {.weights = type});
        EXPECT_EQ(model->layers()[0].mix_in.stored(), type);
        EXPECT_LT(model->bytes(), before);
        before = model->bytes();
    }
    EXPECT_EQ(Model::load(folder.path())->layers()[0].mix_in.stored(), DType::f32) << "as the file has them";
    EXPECT_EQ(Model::load(folder.path(), {.weights = DType::bf16})->layers()[0].down.stored(), DType::bf16);
    EXPECT_TRUE(says(error_of([&] { Model::load(folder.path(), {.weights = DType::i64}); }), "expected F32, F16"));
}

TEST_F(Loading, parts_add_up_to_the_configs_parameters) {
    for (const Config& mix : all_mixes()) {
        const auto model = Model::random(mix, 1);
        size_t parameters = 0, bytes = 0;
        for (const ModelPart& part : model->parts()) {
            parameters += part.parameters;
            bytes += part.bytes;
            EXPECT_GT(part.bytes, 0u) << part.name;
        }
        EXPECT_EQ(parameters, mix.parameters());
        EXPECT_EQ(bytes, model->bytes());
        size_t in_file = 0;
        for (const NamedTensor& tensor : model_tensors(mix)) in_file += tensor.values.size();
        EXPECT_EQ(parameters, in_file);
    }
}

TEST_F(Loading, each_missing_tensor_is_named) {
    for (const NamedTensor& gone : model_tensors(config)) {
        rewrite([&](auto& tensors) { std::erase_if(tensors, [&](auto& t) { return t.name == gone.name; }); });
        EXPECT_TRUE(says(error(), gone.name));
    }
}

TEST_F(Loading, each_tensor_of_a_wrong_shape_is_named) {
    for (size_t index = 0; index < model_tensors(config).size(); ++index) {
        std::string name;
        rewrite([&](auto& tensors) {
            name = tensors[index].name;
            tensors[index].shape.back() += 1;
            tensors[index].values.resize(tensors[index].values.size() / (tensors[index].shape.back() - 1) *
                                         tensors[index].shape.back());
        });
        EXPECT_TRUE(says(error(), name));
    }
}

TEST_F(Loading, a_tensor_that_no_layer_uses_is_refused) {
    rewrite([](auto& tensors) { tensors.push_back({"layers.6.q", {2, 2}, {1, 2, 3, 4}}); });
    EXPECT_TRUE(says(error(), "layers.6.q"));
    EXPECT_TRUE(says(error(), "do not belong together"));
}

TEST_F(Loading, another_vocabulary_is_refused_with_both_sizes) {
    Config larger = config;
    larger.vocab_size = 481;
    write_text(folder.path() / "config.json", config_json(larger));
    EXPECT_TRUE(says(error(), "tokenizer.model has 480 pieces, config.json says vocab_size 481"));
}

TEST_F(Loading, each_missing_file_is_named) {
    for (const char* name : {"config.json", "model.safetensors", "tokenizer.model"}) {
        std::filesystem::rename(folder.path() / name, folder.path() / "away");
        EXPECT_TRUE(says(error(), name));
        std::filesystem::rename(folder.path() / "away", folder.path() / name);
    }
    EXPECT_TRUE(says(error_of([] { Model::load("/nowhere/model"); }), "/nowhere/model is no directory"));
}

TEST_F(Loading, damaged_files_are_errors_and_never_crashes) {
    std::mt19937 random(2);
    for (const char* name : {"model.safetensors", "tokenizer.model"}) {
        const std::filesystem::path file = folder.path() / name;
        std::ifstream in(file, std::ios::binary);
        const std::string whole((std::istreambuf_iterator<char>(in)), {});
        for (int round = 0; round < 60; ++round) {
            std::string damaged = whole;
            if (round % 2 == 0) damaged.resize(random() % damaged.size());
            for (int i = 0; i < 6 && !damaged.empty(); ++i)
                damaged[random() % std::min<size_t>(damaged.size(), 3000)] = char(random());
            write_text(file, damaged);
            try {
                Model::load(folder.path());  // a flipped weight is no error that anybody could see
            } catch (const std::runtime_error&) {
            }
        }
        write_text(file, whole);
    }
    write_text(folder.path() / "tokenizer.model", "");
    EXPECT_TRUE(says(error(), "tokenizer.model"));
    write_text(folder.path() / "model.safetensors", "text");
    EXPECT_TRUE(says(error(), "tokenizer.model"));
}

TEST(Random, the_same_seed_gives_the_same_model) {
    const Config config = yoco_config();
    const Context context(1);
    Workspace work(context, config);
    const auto logits = [&](uint64_t seed) {
        Memory memory(Model::random(config, seed));
        return copied(memory.append_prompt(work, some_prompt(9, config.vocab_size)));
    };
    EXPECT_EQ(logits(1), logits(1));
    EXPECT_NE(logits(1), logits(2));
}

TEST(Rows, wrong_widths_and_counts_are_said) {
    const Config config = yoco_config();
    const Context context(1);
    Workspace work(context, config);
    Memory memory(Model::random(config, 1));
    const std::vector<float> row(config.rows.feature_dim + 1);
    const std::vector<int64_t> time(2);
    EXPECT_TRUE(says(error_of([&] {
                         memory.append(work, {row.data(), 1, row.size()}, std::span(time).first(1));
                     }),
                     "a row has 201 features"));
    EXPECT_TRUE(says(error_of([&] {
                         memory.append(work, {row.data(), 1, row.size() - 1}, time);
                     }),
                     "2 times for 1 rows"));
}

TEST(Rows, a_time_row_is_the_feature_row_of_a_time) {
    const Config config = yoco_config();
    const auto model = Model::random(config, 1);
    for (int64_t time_us : {int64_t{0}, int64_t{20'250'000}, int64_t{3'723'000'000}, int64_t{400'000'000'000}}) {
        std::vector<float> features(config.rows.feature_dim), expected(config.dim), found(config.dim);
        features[config.rows.is_time] = 1;
        for (size_t i = 0; i < config.rows.fourier_count; ++i) {
            const double angle = 2 * 3.14159265358979323846 * double(time_us) / 1e6 / (2.0 * std::pow(1.8, double(i)));
            features[config.rows.fourier_first + 2 * i] = float(std::sin(angle));
            features[config.rows.fourier_first + 2 * i + 1] = float(std::cos(angle));
        }
        model->feature_rows(Context(1), {features.data(), 1, features.size()}, {&time_us, 1},
                            {expected.data(), 1, config.dim});
        model->time_row(time_us, true, found);
        EXPECT_LT(difference(found, expected), 1e-4f) << "a model without such a column";
    }
}

TEST(Rows, a_time_beyond_the_video_is_marked_where_the_model_has_a_column_for_it) {
    Config config = yoco_config();
    config.rows.is_future = 150;
    const auto model = Model::random(config, 1);
    const int64_t time_us = 7'000'000;
    std::vector<float> features(config.rows.feature_dim), marked(config.rows.feature_dim);
    marked[150] = 1;
    const auto projected = [&](std::vector<float>& row) {
        std::vector<float> x(config.dim);
        model->feature_rows(Context(1), {row.data(), 1, row.size()}, {&time_us, 1}, {x.data(), 1, config.dim});
        return x;
    };
    const std::vector<float> without = projected(features), with = projected(marked);
    std::vector<float> near(config.dim), beyond(config.dim);
    model->time_row(time_us, false, near);
    model->time_row(time_us, true, beyond);
    for (size_t i = 0; i < config.dim; ++i) EXPECT_NEAR(beyond[i] - near[i], with[i] - without[i], 1e-5f);
    EXPECT_GT(difference(beyond, near), 0.01f);
}

TEST(Rows, a_prompt_marks_the_times_beyond_the_last_frame) {
    Config config = yoco_config();
    const auto plain = Model::random(config, 1);
    config.rows.is_future = 150;
    const auto marking = Model::random(config, 1);
    const auto logits = [](const std::shared_ptr<const Model>& model, int64_t asked_us) {
        const Context context(1);
        Workspace work(context, model->config());
        Memory memory(model);
        const std::vector<float> row(model->config().rows.feature_dim);
        const int64_t time_us = 10'000'000;
        memory.append(work, {row.data(), 1, row.size()}, {&time_us, 1});
        const std::vector<PromptRow> prompt{{-1, asked_us}, {5}};
        const ConstMatrix out = memory.append_prompt(work, prompt);
        return std::vector<float>(out.row(0).begin(), out.row(0).end());
    };
    EXPECT_EQ(logits(plain, 10'000'000), logits(marking, 10'000'000));
    EXPECT_GT(difference(logits(plain, 11'000'000), logits(marking, 11'000'000)), 1e-4f);
}

}  // namespace

}  // namespace lv::test
