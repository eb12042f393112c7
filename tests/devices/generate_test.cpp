// Answers wherever they are made: a device chooses each word and sums the evidence itself.
#include "engine/generate.h"

#include "tests/devices/on_device.h"
#include "tests/engine/engine_support.h"

namespace lv::test {
namespace {

class Answers : public testing::TestWithParam<size_t> {
   protected:
    void SetUp() override {
        if (!why_no_cuda().empty()) GTEST_SKIP() << why_no_cuda();
        write_model(folder.path(), config);
    }
    Answer told(const std::shared_ptr<Device>& device, const GenerateOptions& options) const {
        const Context context(1, device);
        Workspace work(context, config, {.chunk_rows = 16});
        Memory memory(Model::load(folder.path(), {.weights = {}, .device = device}), exact);
        watch(work, memory, 0, 30);
        return ask(work, memory, "what is visible at 0:20", options);
    }
    const Config config = all_mixes()[GetParam()];
    const TemporaryFolder folder;
};

INSTANTIATE_TEST_SUITE_P(Mixes, Answers, testing::Range<size_t>(0, 5), mix_name);

TEST_P(Answers, OfADeviceAreThoseOfTheHostWithTheirEvidence) {
    const auto device = open_cuda({.exact = true});
    for (const GenerateOptions& choice :
         {GenerateOptions{}, GenerateOptions{.temperature = 1}, GenerateOptions{.temperature = 2, .top_k = 40},
          GenerateOptions{.temperature = 2, .top_k = 40, .top_p = 0.8f}}) {
        GenerateOptions options = choice;
        options.seed = 7;
        options.most_tokens = 8;
        options.evidence.curve_points = 12;
        const Answer expected = told(nullptr, options), found = told(device, options);
        EXPECT_EQ(found.ids, expected.ids) << "temperature " << options.temperature;
        EXPECT_EQ(found.text, expected.text);
        EXPECT_NEAR(found.first_probability, expected.first_probability, 1e-4f * expected.first_probability);
        ASSERT_EQ(found.evidence.size(), expected.evidence.size());
        for (size_t i = 0; i < found.evidence.size(); ++i) {
            EXPECT_EQ(found.evidence[i].start_us, expected.evidence[i].start_us);
            EXPECT_NEAR(found.evidence[i].weight, expected.evidence[i].weight, 1e-3f);
        }
        ASSERT_EQ(found.attention.size(), expected.attention.size());
        for (size_t i = 0; i < found.attention.size(); ++i)
            EXPECT_NEAR(found.attention[i].share, expected.attention[i].share, 1e-3f);
        EXPECT_FALSE(expected.attention.empty());
    }
}

}  // namespace
}  // namespace lv::test
