// The engine against PyTorch: tools/train/golden.py wrote what the same weights answer there.
#include "engine/prompt.h"
#include "kernels/core/weight_file.h"
#include "tests/engine/engine_support.h"

namespace lv::test {

namespace {

struct Golden {
    explicit Golden(const std::string& name)
        : config(read_config(golden(name + ".json"))), file(WeightFile::open(golden(name + "_golden.safetensors"))) {}

    std::vector<PromptRow> prompt() const {
        const TensorView& ids = file.get("ids");
        const std::span<const int> id = file.values<int>("ids", {ids.shape[0]});
        const std::span<const double> seconds = file.values<double>("seconds", {ids.shape[0]});
        std::vector<PromptRow> out;
        for (size_t i = 0; i < id.size(); ++i)
            out.push_back({id[i], seconds[i] < 0 ? no_time : int64_t(seconds[i] * 1e6)});
        return out;
    }

    Config config;
    WeightFile file;
};

void expect_golden(const std::string& name, bool has_mass) {
    const Golden golden_run(name);
    const Config& config = golden_run.config;
    const auto model = Model::load(config, golden(name + ".safetensors"));
    const Context context(1);
    Workspace work(context, config, {.chunk_rows = 16, .sampled = 8});
    Memory memory(model, exact);

    const std::vector<size_t> shape = golden_run.file.get("features").shape;
    const std::vector<float> features = golden_run.file.floats("features", {shape[0], shape[1]});
    memory.append(work, {features.data(), shape[0], shape[1]}, golden_run.file.values<int64_t>("times_us", {shape[0]}));

    const size_t sampled = golden_run.file.get("logits").shape[0];
    const std::vector<float> expected = golden_run.file.floats("logits", {sampled, config.vocab_size});
    const std::vector<PromptRow> prompt = golden_run.prompt();
    std::vector<float> gathered(memory.rows() + prompt.size());
    AttentionMass mass{.layers = 1, .rows = gathered, .sampled = 0};
    const std::vector<float> found = copied(memory.append_prompt(work, prompt, sampled, &mass));
    EXPECT_LT(difference(found, expected), 1e-4f);

    if (!has_mass) return;
    const std::vector<size_t> mass_shape = golden_run.file.get("mass").shape;
    const std::vector<float> masses = golden_run.file.floats("mass", {mass_shape[0], mass_shape[1]});
    gathered.resize(memory.cache_rows());
    EXPECT_LT(difference(gathered, std::span(masses).last(mass_shape[1])), 1e-4f);
}

}  // namespace

TEST(Golden, the_default_mix_answers_as_in_pytorch) { expect_golden("engine_mini", true); }

TEST(Golden, a_yoco_of_all_kinds_of_layers_answers_as_in_pytorch) { expect_golden("engine_yoco", true); }

TEST(Golden, a_plain_transformer_answers_as_in_pytorch) { expect_golden("engine_transformer", false); }

TEST(Golden, rounded_weights_stay_near) {
    const Golden run("engine_yoco");
    const Context context(1);
    Workspace work(context, run.config, {.chunk_rows = 64, .sampled = 1});
    const std::vector<size_t> shape = run.file.get("features").shape;
    const std::vector<float> features = run.file.floats("features", {shape[0], shape[1]});
    const auto logits = [&](DType type) {
        Memory memory(Model::load(run.config, golden("engine_yoco.safetensors"), {.weights = type}), exact);
        memory.append(work, {features.data(), shape[0], shape[1]}, run.file.values<int64_t>("times_us", {shape[0]}));
        return copied(memory.append_prompt(work, run.prompt()));
    };
    const std::vector<float> fine = logits(DType::f32);
    EXPECT_LT(difference(fine, logits(DType::f16)), 1e-4f);  // the file's numbers are f16 already
    // 8 and 7 bits of mantissa, through six layers, on logits of size 4.
    EXPECT_LT(difference(fine, logits(DType::bf16)), 0.3f);
    EXPECT_LT(difference(fine, logits(DType::i8)), 0.3f);
}

}  // namespace lv::test
