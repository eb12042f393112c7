#include "engine/measure.h"

#include "tests/engine/engine_support.h"

namespace lv::test {

TEST(Measure, reckoned_bytes_are_those_of_a_real_memory) {
    for (const Config& config : all_mixes())
        for (DType type : {DType::f16, DType::f32}) {
            const MemoryOptions options{.cache_type = type, .page_rows = 32};
            const Context context(1);
            Workspace work(context, config);
            Memory memory(Model::random(config, 1), options);
            for (size_t rows : {0, 31, 1, 33}) {
                if (rows > 0) watch(work, memory, memory.rows(), memory.rows() + rows);
                const MemoryBytes reckoned = reckon_memory(config, memory.rows(), options), real = memory.bytes();
                EXPECT_EQ(reckoned.state, real.state);
                EXPECT_EQ(reckoned.cache, real.cache);
                EXPECT_EQ(reckoned.index, real.index);
            }
        }
}

TEST(Measure, rates_are_positive_and_consistent) {
    const Config config = yoco_config();
    const auto model = Model::random(config, 1);
    const Context context(1);
    Workspace work(context, config);
    const Rate prefill = measure_prefill(work, model, 100, 0.01);
    EXPECT_GT(prefill.rows_per_second, 0);
    EXPECT_NEAR(prefill.rows_per_second * prefill.seconds, 100, 1e-6);
    EXPECT_GT(prefill.flops_per_second, 0);
    Memory memory(model);
    fill_memory(work, memory, 50);
    EXPECT_EQ(memory.rows(), 50u);
    const Rate decode = measure_decode(work, memory, 4);
    EXPECT_GT(decode.bytes_per_second, 0);
    EXPECT_EQ(memory.rows(), 50u);
    EXPECT_GT(measure_fork(memory, 4), 0);
    EXPECT_GT(measure_first_token(work, memory, 5, 2), 0);
    EXPECT_GT(measure_append(work, memory, 7, 0), 0);
    EXPECT_EQ(memory.rows(), 50u);
}

TEST(Measure, the_yoco_prefill_does_not_grow_with_what_it_sees_and_the_transformers_does) {
    const Config yoco = config_100m(), transformer = transformer_of(yoco);
    EXPECT_EQ(prefill_flops(yoco, 100), prefill_flops(yoco, 100000));
    EXPECT_GT(prefill_flops(transformer, 100000), 5 * prefill_flops(transformer, 100));
    EXPECT_NEAR(double(yoco.parameters()), 100e6, 15e6);
}

}  // namespace lv::test
