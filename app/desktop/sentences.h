// Messages of errors as sentences that stand alone.
#pragma once

#include <string>

namespace lv {

// Errors begin in lower case, for "longview: ..."; here they stand alone.
inline std::string sentence(std::string text) {
    if (text.empty()) return text;
    if (text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
    if (text.back() != '.' && text.back() != '?' && text.back() != '!') text += '.';
    return text;
}

}  // namespace lv
