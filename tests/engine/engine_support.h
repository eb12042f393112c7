// What the engine's tests share: small models of every mix of layers, files of a model directory, comparing.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "engine/measure.h"
#include "engine/memory.h"
#include "tests/temporary_folder.h"

namespace lv::test {

std::filesystem::path golden(const std::string& name);

// dim 32, two retention heads, four query heads over two key/value heads of 8, a window of 7, vocabulary of 480.
Config small_config(std::vector<LayerKind> layers);
Config yoco_config();
Config sliding_yoco_config();
Config transformer_config();
// The three above, a mix of all kinds of layers, and the default model's: a sink, a roll call, no text in the cache.
std::vector<Config> all_mixes();
Config mini_config();                                             // the last of them
std::string mix_name(const testing::TestParamInfo<size_t>& mix);  // of all_mixes()[mix.param]

// Exact: f32 caches; small pages, so that a short test crosses many.
inline const MemoryOptions exact{.cache_type = DType::f32, .page_rows = 16};

// Reads rows [first, last) of an endless made-up video.
void watch(Workspace& work, Memory& memory, size_t first, size_t last);

// Prompt: a time row, then text ids from 7 on.
std::vector<PromptRow> some_prompt(size_t rows, size_t vocab_size);

// A copy of logits, which the next call would overwrite.
std::vector<float> copied(ConstMatrix logits);

// max |a - b|
float difference(std::span<const float> a, std::span<const float> b);

// The tensors of a model directory by name, with random values.
struct NamedTensor {
    std::string name;
    std::vector<size_t> shape;
    std::vector<float> values;
};
std::vector<NamedTensor> model_tensors(const Config& config);
void write_tensors(const std::filesystem::path& file, const std::vector<NamedTensor>& tensors);
std::string config_json(const Config& config);
// A whole model directory with the tests' tokenizer.
void write_model(const std::filesystem::path& folder, const Config& config);

// The message of the Error that `action` throws; fails the test when it throws none.
template <typename Action>
std::string error_of(Action&& action) {
    try {
        action();
    } catch (const std::exception& error) {
        return error.what();
    }
    ADD_FAILURE() << "expected an Error";
    return "";
}

inline testing::AssertionResult says(const std::string& message, const std::string& part) {
    if (message.find(part) != std::string::npos) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "\"" << message << "\" does not say \"" << part << "\"";
}

}  // namespace lv::test
