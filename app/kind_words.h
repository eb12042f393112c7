// The words people use for the model's kinds of objects: names, plurals, everyday synonyms ("men", "motorbike").
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lv {

// The twins of tools/train/classes.py.
std::string plural_name(std::string_view name);
// "a dog", "an apple", "skis".
std::string with_article(std::string_view name);
// "none", "one", ... "seven", "more than seven".
std::string_view number_word(int count);

// What a phrase names: the kind as the model calls it, and how many words said so.
struct KindMention {
    std::string name;
    size_t words = 0;
};

// Const after construction; any thread.
class KindWords {
   public:
    explicit KindWords(std::span<const std::string> names);

    // The longest kind that the words begin with, lower case.
    std::optional<KindMention> find(std::span<const std::string> words) const;
    const std::vector<std::string>& names() const { return names_; }
    // A name that is spelt nearly like the word; empty when none is.
    std::string nearest(std::string_view word) const;

   private:
    struct Spelling {
        std::vector<std::string> words;
        std::string name;
    };
    void add(std::string_view spelling, const std::string& name);

    std::vector<std::string> names_;
    std::vector<Spelling> spellings_;
};

}  // namespace lv
