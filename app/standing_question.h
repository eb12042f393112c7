// Standing questions: "a person appears" as questions the model can answer after every frame, and what to make of them.
//
// Knows no session, terminal or window: watch_list.h asks and listens.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/kind_words.h"

namespace lv {

// A question about now, and the answers at which a condition holds.
struct Check {
    enum class Holds { yes, no, equal, other_than, has, more, at_most };
    std::string question;  // "Is there a person now?"
    Holds holds = Holds::yes;
    std::string word{};  // equal, other_than: the whole answer; has: a part of it; more, at_most: a number; lower case,
                         // without the full stop

    // Not set: the answer says neither ("I can't tell").
    std::optional<bool> read(std::string_view answer) const;
    bool yes_or_no() const { return holds == Holds::yes || holds == Holds::no; }
};

// What a user wants to be told of. It holds when all of its checks do.
struct Condition {
    std::string text;              // as it was written
    std::vector<Check> checks;     // at least one
    bool must_fail_first = false;  // "a person leaves": to be told of only after it did not hold
    bool on_change = false;        // "the number of cars changes": told when the first check's answer is another one

    // "asks \"Is there a person now?\" and tells when the answer is yes"
    std::string meaning() const;
};

// Throws UsageError, with the forms that are known, for what cannot be made into questions that the model is trained
// on.
Condition parse_condition(std::string_view text, const KindWords& kinds);

// The forms, one a line, for help texts.
std::string_view condition_forms();

}  // namespace lv
