// What an exception carried from another thread says.
#pragma once

#include <exception>
#include <string>

namespace lv {

// `failure` holds an exception; one that is no std::exception is thrown on.
inline std::string failure_text(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& error) {
        return error.what();
    }
}

}  // namespace lv
