// What goes to standard output, checked: a full disk or a reader that left is an error, not silence.
#pragma once

#include <string_view>

#include "kernels/core/error.h"

namespace lv {

class OutputError : public Error {
   public:
    using Error::Error;
};

// Writes and flushes. Throws OutputError when it cannot be written.
void print_out(std::string_view text);

}  // namespace lv
