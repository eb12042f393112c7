// What an exception carried from another thread says.
#pragma once

#include <exception>
#include <new>
#include <string>

namespace lv {

constexpr const char* out_of_memory = "out of memory; watch less (--from, --to, --fps) or free some";

// `failure` holds an exception; one that is no std::exception is thrown on.
inline std::string failure_text(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const std::bad_alloc&) {
        return out_of_memory;
    } catch (const std::exception& error) {
        return error.what();
    }
}

}  // namespace lv
