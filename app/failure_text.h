// What an exception says to who uses the program.
#pragma once

#include <exception>
#include <new>
#include <string>
#include <system_error>

namespace lv {

// `failure` holds an exception; one that is no std::exception is thrown on. What the system had no more of is told with
// what to do.
inline std::string failure_text(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const std::bad_alloc&) {
        return "out of memory; watch less (--from, --to, --fps) or free some";
    } catch (const std::system_error& error) {
        const bool threads = error.code() == std::errc::resource_unavailable_try_again;
        return threads ? "the system starts no more threads; free memory, or use fewer (--threads)" : error.what();
    } catch (const std::exception& error) {
        return error.what();
    }
}

}  // namespace lv
