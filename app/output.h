// What goes to standard output, checked: a full disk or a reader that left is an error, not silence.
#pragma once

#include <string>
#include <string_view>

#include "kernels/core/error.h"

namespace lv {

class OutputError : public Error {
   public:
    OutputError(const std::string& what, bool reader_left) : Error(what), reader_left_(reader_left) {}
    // Of a pipe.
    bool reader_left() const { return reader_left_; }

   private:
    bool reader_left_;
};

// To be called before anything is opened: a file that got the number of a closed standard stream would be read as
// questions, or answers would be written into it. What was closed reads as empty; writing to it goes on failing.
void hold_standard_streams();

// `text` for a terminal: what would move its cursor, change its colours or its title (control characters of ASCII but
// line feed and tab, and those of U+0080..9F) is a question mark, as `ls` shows it. Questions and file names may hold
// such.
std::string shown(std::string_view text);

// Writes and flushes. Throws OutputError when it cannot be written.
void print_out(std::string_view text);

}  // namespace lv
