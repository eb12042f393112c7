// The engine wherever it runs: what a device answers is what the host answers, for every mix of layers.
#include <algorithm>
#include <cstring>

#include "engine/forward.h"
#include "engine/memory_file.h"
#include "kernels/sampling.h"
#include "tests/devices/on_device.h"
#include "tests/engine/engine_support.h"

namespace lv::test {
namespace {

constexpr size_t read_rows = 40;

// Logits of a prompt and of the words chosen after it.
struct Told {
    std::vector<float> logits;
    std::vector<size_t> ids;
    std::vector<float> mass;
};

Told tell(Workspace& work, Memory turn, size_t prompt_rows = 6, size_t words = 4) {
    Told out;
    Floats gathered(turn.rows() + prompt_rows + words, work.context().shared_device());
    AttentionMass mass{.layers = 2, .rows = gathered.span(), .sampled = 0};
    ConstMatrix logits = turn.append_prompt(work, some_prompt(prompt_rows, turn.model().config().vocab_size), 1, &mass);
    for (size_t word = 0; word < words; ++word) {
        const std::span<const float> row = logits.row(0);
        out.logits.insert(out.logits.end(), row.begin(), row.end());
        out.ids.push_back(argmax(row));
        logits = turn.append_text(work, int(out.ids.back()), &mass);
    }
    out.mass = gathered.fetch();
    return out;
}

void expect_same(const Told& found, const Told& expected, float tolerance, const std::string& what) {
    EXPECT_LT(difference(found.logits, expected.logits), tolerance) << what;
    EXPECT_LT(difference(found.mass, expected.mass), tolerance) << what << ", evidence";
    EXPECT_EQ(found.ids, expected.ids) << what;
}

class Engines : public testing::TestWithParam<size_t> {
   protected:
    void SetUp() override {
        if (!why_no_cuda().empty()) GTEST_SKIP() << why_no_cuda();
        device = open_cuda({.exact = true});
    }
    std::shared_ptr<const Model> model(const std::shared_ptr<Device>& where, DType weights = DType::f32) const {
        return Model::random(config, 3, weights, where);
    }
    const Config config = all_mixes()[GetParam()];
    const WorkspaceOptions options{.chunk_rows = 16, .sampled = 1};
    std::shared_ptr<Device> device;
    // Sums in another order, after few layers, on logits of size 5.
    static constexpr float rounding = 2e-4f;
};

INSTANTIATE_TEST_SUITE_P(Mixes, Engines, testing::Range<size_t>(0, 5), mix_name);

TEST_P(Engines, ADeviceTellsWhatTheHostTells) {
    const Context host(1), there(1, device);
    Workspace here_work(host, config, options), there_work(there, config, options);
    for (DType cache : {DType::f32, DType::f16, DType::i8}) {
        const MemoryOptions kept{.cache_type = cache, .page_rows = 16};
        Memory ours(model(nullptr), kept), theirs(model(device), kept);
        watch(here_work, ours, 0, read_rows);
        watch(there_work, theirs, 0, read_rows);
        EXPECT_EQ(theirs.cache_rows(), ours.cache_rows());
        // A value that rounds up on one side and down on the other moves by a step of the cache's type.
        const float step = cache == DType::f32 ? 0 : cache == DType::f16 ? 2e-3f : 5e-2f;
        expect_same(tell(there_work, theirs.fork()), tell(here_work, ours.fork()), rounding + step,
                    std::string(dtype_name(cache)));
    }
}

TEST_P(Engines, WeightsOfEveryTypeTellTheSame) {
    const Context host(1), there(1, device);
    Workspace here_work(host, config, options), there_work(there, config, options);
    for (DType weights : {DType::f16, DType::bf16, DType::i8}) {
        Memory ours(model(nullptr, weights), exact), theirs(model(device, weights), exact);
        watch(here_work, ours, 0, 20);
        watch(there_work, theirs, 0, 20);
        expect_same(tell(there_work, theirs.fork(), 6, 1), tell(here_work, ours.fork(), 6, 1), rounding,
                    std::string(dtype_name(weights)));
    }
}

TEST_P(Engines, AForkGoesItsOwnWay) {
    const Context there(1, device);
    Workspace work(there, config, options);
    const auto own = model(device);
    Memory parent(own, exact), alone(own, exact);
    watch(work, parent, 0, 23);
    watch(work, alone, 0, 23);
    const Told before = tell(work, parent.fork(), 6, 1);
    watch(work, parent, 23, 40);
    watch(work, alone, 23, 40);
    EXPECT_EQ(tell(work, parent.fork(), 6, 1).logits, tell(work, alone.fork(), 6, 1).logits);
    EXPECT_NE(tell(work, parent.fork(), 6, 1).logits, before.logits);
}

TEST_P(Engines, AMemorySavedOnADeviceGoesOnOnTheHostAndBack) {
    const Context host(1), there(1, device);
    Workspace here_work(host, config, options), there_work(there, config, options);
    const TemporaryFolder folder;
    for (DType cache : {DType::f32, DType::i8}) {
        const auto here_model = model(nullptr), there_model = model(device);
        Memory memory(there_model, {.cache_type = cache, .page_rows = 16});
        watch(there_work, memory, 0, read_rows);
        save_memory(memory, {}, folder.path() / "there.lvm");
        Memory here = load_memory(host, here_model, folder.path() / "there.lvm").memory;
        save_memory(here, {}, folder.path() / "here.lvm");
        Memory back = load_memory(host, there_model, folder.path() / "here.lvm").memory;
        EXPECT_EQ(tell(there_work, back.fork(), 6, 1).logits, tell(there_work, memory.fork(), 6, 1).logits)
            << "two files in between change no bit";
        expect_same(tell(there_work, back.fork(), 6, 1), tell(here_work, here.fork(), 6, 1), rounding, "host");
    }
}

TEST_P(Engines, ChosenPagesAreThoseOfTheHost) {
    const Context host(1), there(1, device);
    WorkspaceOptions chosen = options;
    chosen.top_pages = 1;
    Workspace here_work(host, config, chosen), there_work(there, config, chosen);
    Memory ours(model(nullptr), exact), theirs(model(device), exact);
    watch(here_work, ours, 0, 70);
    watch(there_work, theirs, 0, 70);
    expect_same(tell(there_work, theirs.fork(), 6, 2), tell(here_work, ours.fork(), 6, 2), rounding, "top:1");
}

TEST(DeviceCache, PagesAreThoseOfTheHostAfterAppendingForkingAndThinning) {
    if (!why_no_cuda().empty()) GTEST_SKIP() << why_no_cuda();
    const auto device = open_cuda({});
    const Context there(1, device);
    for (DType type : {DType::f32, DType::f16, DType::i8}) {
        const CacheShape shape{.kv_heads = 2, .head_dim = 8, .page_rows = 16, .type = type};
        Cache ours(shape), theirs(shape, device);
        const auto append = [&](Cache& here, Cache& other, size_t rows, uint32_t seed) {
            const auto k = random_floats(rows * 16, seed), v = random_floats(rows * 16, seed + 1);
            here.append({k.data(), rows, 16}, {v.data(), rows, 16});
            PlacedMatrix placed_k(there, k, rows, 16, 0), placed_v(there, v, rows, 16, 0);
            other.append(placed_k.view(), placed_v.view());
        };
        const auto expect_equal = [&](const Cache& here, const Cache& other, const std::string& what) {
            ASSERT_EQ(other.pages(), here.pages());
            std::vector<std::byte> expected(shape.page_bytes()), found(shape.page_bytes());
            for (size_t page = 0; page < here.pages(); ++page) {
                here.copy_page(page, expected);
                other.copy_page(page, found);
                EXPECT_EQ(found, expected) << what << ", page " << page << " " << dtype_name(type);
                const auto codes = other.page(page).codes;  // what the device itself made of it
                if (codes.empty()) continue;
                std::vector<std::byte> made(codes.size());
                device->download(codes.data(), made.data(), codes.size());
                EXPECT_EQ(std::memcmp(made.data(), expected.data() + shape.codes_at(), codes.size()), 0);
            }
        };
        for (size_t rows : {1u, 15u, 20u, 3u, 30u}) append(ours, theirs, rows, uint32_t(rows));
        expect_equal(ours, theirs, "appended");
        Cache our_fork = ours, their_fork = theirs;
        append(our_fork, their_fork, 9, 50);  // copies the open page
        append(ours, theirs, 4, 60);
        expect_equal(ours, theirs, "parent");
        expect_equal(our_fork, their_fork, "fork");
        const std::vector<KeptPage> kept{{0, {}}, {1, {{17, 3}, {30, 6}}}, {ours.pages() - 1, {}}};
        ours.keep(kept);
        theirs.keep(kept);
        expect_equal(ours, theirs, "thinned");
        EXPECT_EQ(theirs.dropped(), ours.dropped());
    }
}

// Heads of 64, which the tensor cores take: retention in chunks, attention in tiles, products of f16.
TEST(FastEngine, TheTensorCoresStayNearTheHost) {
    if (!why_no_cuda().empty()) GTEST_SKIP() << why_no_cuda();
    using enum LayerKind;
    Config config = small_config({sliding, retention, cross, cross});
    config.dim = 128;
    config.attn_head_dim = 64;
    config.n_attn_heads = 2;
    config.n_attn_kv_heads = 1;
    const auto device = open_cuda({});
    const Context host(1), there(1, device);
    const WorkspaceOptions options{.chunk_rows = 70, .sampled = 1};
    Workspace here_work(host, config, options), there_work(there, config, options);
    const MemoryOptions kept{.cache_type = DType::f16, .page_rows = 32};
    Memory ours(Model::random(config, 3, DType::f16), kept), theirs(Model::random(config, 3, DType::f16, device), kept);
    watch(here_work, ours, 0, 70);
    watch(there_work, theirs, 0, 70);
    const Told found = tell(there_work, theirs.fork(), 6, 2), expected = tell(here_work, ours.fork(), 6, 2);
    EXPECT_LT(difference(found.logits, expected.logits), 0.1f);  // bf16 in retention, on logits of size 4
    EXPECT_GT(difference(found.logits, expected.logits), 0.0f);
    EXPECT_EQ(found.ids, expected.ids);
}

}  // namespace
}  // namespace lv::test
