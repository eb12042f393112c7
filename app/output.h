// What goes to standard output, checked: a full disk or a reader that left is an error, not silence.
#pragma once

#include <string_view>

#include "kernels/core/error.h"

namespace lv {

class OutputError : public Error {
   public:
    using Error::Error;
};

// To be called before anything is opened: a file that got the number of a closed standard stream would be read as
// questions, or answers would be written into it. What was closed reads as empty; writing to it goes on failing.
void hold_standard_streams();

// Writes and flushes. Throws OutputError when it cannot be written.
void print_out(std::string_view text);

}  // namespace lv
