// Text to pieces and back: the sentencepiece vocabulary of a model. Const after loading; threads share it.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lv {

class Tokenizer {
   public:
    // Throws Error when the file is missing or damaged, or has no piece that Longview needs (</s>, <time>, <q>, <a>,
    // "00" to "99").
    static Tokenizer load(const std::filesystem::path& file);
    Tokenizer(Tokenizer&&) noexcept;
    ~Tokenizer();

    size_t size() const { return pieces_.size(); }
    // Ids of ordinary text; special pieces that somebody types out, such as "<a>", are left out.
    std::vector<int> encode(std::string_view text) const;
    // What a piece adds to a text: words begin with a space, a byte piece is its byte, special pieces are empty.
    std::string_view piece_text(int id) const { return pieces_[size_t(id)]; }

    int end() const { return end_; }                                        // </s>
    int time() const { return time_; }                                      // <time>, followed by hh mm ss
    int question() const { return question_; }                              // <q>
    int answer() const { return answer_; }                                  // <a>
    const std::array<int, 100>& two_digits() const { return two_digits_; }  // ids of "00" to "99"
    std::optional<int> two_digits_value(int id) const;                      // 0..99

   private:
    Tokenizer();
    struct Pieces;  // the only user of sentencepiece
    std::unique_ptr<Pieces> sentencepiece_;
    std::vector<std::string> pieces_;
    std::vector<bool> special_;
    std::array<int, 100> two_digits_{};
    int end_ = 0, time_ = 0, question_ = 0, answer_ = 0;
};

}  // namespace lv
