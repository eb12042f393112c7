#include "engine/tokenizer.h"

#include <sentencepiece_processor.h>

#include <algorithm>

#include "kernels/core/error.h"

namespace lv {

struct Tokenizer::Pieces {
    sentencepiece::SentencePieceProcessor processor;
};

Tokenizer::Tokenizer() : sentencepiece_(std::make_unique<Pieces>()) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

namespace {

constexpr std::string_view space_mark = "\u2581";

// The piece with its marks as spaces.
std::string spaced(std::string_view piece) {
    std::string out;
    for (size_t at = piece.find(space_mark); at != std::string_view::npos; at = piece.find(space_mark)) {
        out.append(piece.substr(0, at)).push_back(' ');
        piece.remove_prefix(at + space_mark.size());
    }
    return out.append(piece);
}

}  // namespace

Tokenizer Tokenizer::load(const std::filesystem::path& file) {
    Tokenizer out;
    sentencepiece::SentencePieceProcessor& processor = out.sentencepiece_->processor;
    const auto status = processor.Load(file.string());
    require(status.ok(), "Reading the vocabulary ", file.string(), ": ", status.ToString(),
            "; expected a sentencepiece model, copy the model directory again.");

    const auto id_of = [&](const std::string& piece) {
        const int id = processor.PieceToId(piece);
        require(id > 0 && id != processor.unk_id(), "Reading the vocabulary ", file.string(), ": it has no piece \"",
                piece, "\", which Longview needs; this tokenizer.model belongs to another program.");
        return id;
    };
    out.end_ = id_of("</s>");
    out.time_ = id_of("<time>");
    out.question_ = id_of("<q>");
    out.answer_ = id_of("<a>");
    for (int n = 0; n < 100; ++n) out.two_digits_[size_t(n)] = id_of({char('0' + n / 10), char('0' + n % 10)});

    const int size = processor.GetPieceSize();
    for (int id = 0; id < size; ++id) {
        const bool special = processor.IsControl(id) || processor.IsUnknown(id) || id == out.time_ ||
                             id == out.question_ || id == out.answer_;
        std::string text = special ? std::string() : spaced(processor.IdToPiece(id));
        if (processor.IsByte(id))
            text = std::string(1, char(std::stoi(processor.IdToPiece(id).substr(3, 2), nullptr, 16)));
        out.special_.push_back(special && !processor.IsUnknown(id));
        out.pieces_.push_back(std::move(text));
    }
    return out;
}

std::vector<int> Tokenizer::encode(std::string_view text) const {
    std::vector<int> ids;
    const auto status = sentencepiece_->processor.Encode({text.data(), text.size()}, &ids);
    require(status.ok(), "Reading a text: ", status.ToString());
    std::erase_if(ids, [&](int id) { return special_[size_t(id)]; });
    return ids;
}

std::optional<int> Tokenizer::two_digits_value(int id) const {
    const auto found = std::ranges::find(two_digits_, id);
    if (found == two_digits_.end()) return std::nullopt;
    return int(found - two_digits_.begin());
}

}  // namespace lv
