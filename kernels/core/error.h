// One exception for everything the world or the user got wrong; main alone catches it.
//
// A message says: doing what, found what, expected what, what to do. Our own mistakes are `assert`s.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace lv {

class Error : public std::runtime_error {
   public:
    using std::runtime_error::runtime_error;
};

// The command line or a request was wrong, not the world: exit code 2 instead of 1.
class UsageError : public Error {
   public:
    using Error::Error;
};

// Joins the parts as an ostream would and throws Error.
template <typename... Parts>
[[noreturn]] void fail(const Parts&... parts) {
    std::ostringstream message;
    (message << ... << parts);
    throw Error(message.str());
}

// Throws Error when `condition` is false; the parts are only formatted then.
template <typename... Parts>
void require(bool condition, const Parts&... parts) {
    if (!condition) fail(parts...);
}

}  // namespace lv
