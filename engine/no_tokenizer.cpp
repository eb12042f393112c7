// Without sentencepiece: models of random weights run, text does not.
#include "engine/tokenizer.h"
#include "kernels/core/error.h"

namespace lv {

struct Tokenizer::Pieces {};

Tokenizer::Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::load(const std::filesystem::path& file) {
    fail("Reading the vocabulary ", file.string(),
         ": this program was built without sentencepiece; install "
         "libsentencepiece-dev and build again.");
}

std::vector<int> Tokenizer::encode(std::string_view) const { return {}; }
std::optional<int> Tokenizer::two_digits_value(int) const { return std::nullopt; }

}  // namespace lv
