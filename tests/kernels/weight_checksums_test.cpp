#include "kernels/core/weight_checksums.h"

#include "kernels/core/error.h"
#include "tests/support.h"

namespace lv {
namespace {

using test::read_text;
using test::TemporaryFolder;
using test::write_text;

const Context context(2);

// Two tensors of several blocks, one smaller than a block, one empty.
class Checksums : public testing::Test {
   protected:
    void SetUp() override {
        for (size_t i = 0; i < big.size(); ++i) big[i] = uint8_t(i * 7 ^ i >> 11);
        const std::span<const std::byte> bytes = std::as_bytes(std::span(big));
        std::vector<TensorSource> tensors{
            {"small", DType::f32, {3}, {std::as_bytes(std::span(small))}},
            {"pages", DType::u8, {3, 64, 1 << 14}, {bytes.first(1'000'000), bytes.subspan(1'000'000)}, 64},
            {"none", DType::f32, {0}, {}},
            {"rest", DType::u8, {1'500'000}, {bytes.first(1'500'000)}},
        };
        write_weight_file(path, tensors, {{"note", "x"}}, {.checksums = true});
    }
    std::optional<std::string> damage() { return damage_of(context, WeightFile::open(path)); }
    // Where a tensor begins in the file.
    size_t place_of(const char* name) {
        const WeightFile file = WeightFile::open(path);
        return size_t(file.get(name).bytes.data() - file.head().data());
    }

    const TemporaryFolder folder;
    const std::filesystem::path path = folder / "m.safetensors";
    std::vector<uint8_t> big = std::vector<uint8_t>(3 << 20);
    std::vector<float> small{1, 2, 3};
};

TEST_F(Checksums, AWholeFileIsWholeAndItsTensorsLieWhereAskedFor) {
    EXPECT_EQ(damage(), std::nullopt);
    const WeightFile file = WeightFile::open(path);
    EXPECT_EQ(damage_of_header(file), std::nullopt);
    EXPECT_EQ(file.get("checksums").size(), 1 + 3 + 1 + 2u);
    EXPECT_EQ(place_of("pages") % 64, 0u);
    EXPECT_EQ(file.tensors()[0].name, "pages");
}

TEST_F(Checksums, AFlippedBitAnywhereNamesItsBlock) {
    const std::string good = read_text(path);
    const auto flipped = [&](size_t at, int bits = 4) {
        std::string bad = good;
        bad[at] = char(bad[at] ^ bits);
        write_text(path, bad);
        return damage();
    };
    const size_t pages = place_of("pages"), rest = place_of("rest"), small_at = place_of("small");
    EXPECT_EQ(flipped(pages), "pages, block 1 of 3");
    EXPECT_EQ(flipped(pages + (1 << 20) - 1), "pages, block 1 of 3");
    EXPECT_EQ(flipped(pages + (1 << 20)), "pages, block 2 of 3");
    EXPECT_EQ(flipped(pages + (3 << 20) - 1), "pages, block 3 of 3");
    EXPECT_EQ(flipped(rest + 1'499'999), "rest, block 2 of 2");
    EXPECT_EQ(flipped(small_at + 5), "small");
    EXPECT_EQ(flipped(pages - 1, ' ' ^ '\t'), "header") << "padding counts too";
    EXPECT_EQ(flipped(place_of("checksums")), "header") << "whose checksum it is";
    EXPECT_EQ(flipped(place_of("checksums") + 7), "header") << "a checksum is a whole word of the file";
}

TEST_F(Checksums, AFileWithoutThemHasADamagedHeader) {
    write_weight_file(path, std::vector<TensorSource>{{"w", DType::f32, {3}, {std::as_bytes(std::span(small))}}});
    EXPECT_EQ(damage(), "header");
}

TEST_F(Checksums, TooFewOrOtherNumbersAreADamagedHeader) {
    std::vector<int64_t> sums(4);
    for (size_t count : {0, 1, 4}) {
        const auto bytes = std::as_bytes(std::span(sums).first(count));
        write_weight_file(path, std::vector<TensorSource>{{"checksums", DType::i64, {count}, {bytes}}});
        EXPECT_EQ(damage(), "header");
    }
    write_weight_file(path,
                      std::vector<TensorSource>{{"checksums", DType::f64, {4}, {std::as_bytes(std::span(sums))}}});
    EXPECT_EQ(damage(), "header");
}

TEST_F(Checksums, ATensorOfTheirNameIsRefused) {
    const std::vector<TensorSource> tensors{{"checksums", DType::f32, {3}, {std::as_bytes(std::span(small))}}};
    EXPECT_THROW(write_weight_file(path, tensors, {}, {.checksums = true}), Error);
}

}  // namespace
}  // namespace lv
