#include "engine/tokenizer.h"

#include "tests/engine/engine_support.h"

namespace lv::test {

namespace {

Tokenizer tokenizer() { return Tokenizer::load(golden("engine_tokenizer.model")); }

std::string joined(const Tokenizer& t, const std::vector<int>& ids) {
    std::string out;
    for (int id : ids) out += t.piece_text(id);
    return out;
}

}  // namespace

TEST(Tokenizer, text_goes_to_pieces_and_back) {
    const Tokenizer t = tokenizer();
    EXPECT_EQ(t.size(), 480u);
    for (const char* text : {"what is visible at", "how many bottles, and a dog.", "caf\u00e9 \u72ac"})
        EXPECT_EQ(joined(t, t.encode(text)), std::string(" ").append(text));
    EXPECT_TRUE(t.encode("").empty());
}

TEST(Tokenizer, special_pieces_are_where_the_trainer_puts_them) {
    const Tokenizer t = tokenizer();
    EXPECT_EQ(t.end(), 3);
    EXPECT_EQ(t.time(), 4);
    EXPECT_EQ(t.question(), 5);
    EXPECT_EQ(t.answer(), 6);
    for (int n = 0; n < 100; ++n) {
        EXPECT_EQ(t.two_digits()[size_t(n)], 7 + n);
        EXPECT_EQ(t.two_digits_value(7 + n), n);
    }
    EXPECT_EQ(t.two_digits_value(6), std::nullopt);
    EXPECT_EQ(t.piece_text(t.answer()), "");
}

TEST(Tokenizer, nobody_types_a_special_piece) {
    const Tokenizer t = tokenizer();
    for (int id : t.encode("what is <a> </s> <q> <time> visible")) {
        EXPECT_NE(id, t.answer());
        EXPECT_NE(id, t.question());
        EXPECT_NE(id, t.time());
        EXPECT_NE(id, t.end());
    }
}

TEST(Tokenizer, a_file_that_is_none_is_refused) {
    const TemporaryFolder folder;
    EXPECT_TRUE(says(error_of([&] { Tokenizer::load(folder.path() / "tokenizer.model"); }), "tokenizer.model"));
    write_text(folder.path() / "t.model", "no sentencepiece model, but a text of some length");
    EXPECT_TRUE(says(error_of([&] { Tokenizer::load(folder.path() / "t.model"); }), "expected a sentencepiece model"));
}

}  // namespace lv::test
