// What CLI11's own checks of values let through, for every command line of ours.
#pragma once

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

#include "kernels/core/context.h"

namespace lv {

// Plain digits; for transform(), not check(). CLI11 reads 010 as 8, 0x10 as 16, and -1 as the largest unsigned number.
inline CLI::Validator whole_number(uint64_t least, uint64_t most) {
    const auto check = [least, most](std::string& text) {
        uint64_t value = 0;
        const char* const last = text.data() + text.size();
        const auto [end, code] = std::from_chars(text.data(), last, value);
        if (code == std::errc() && end == last && value >= least && value <= most) {
            text = std::to_string(value);
            return std::string();
        }
        return "found '" + text + "', expected a whole number from " + std::to_string(least) + " to " +
               std::to_string(most);
    };
    return {check, "", ""};
}

inline CLI::Validator threads_check() { return whole_number(1, Context::most_threads); }

// Plain digits and a point. None of anything else: CLI::Range takes NaN for a number in between.
inline std::optional<double> plain_number(const std::string& text, double least, double most) {
    double value = 0;
    const char* const last = text.data() + text.size();
    const auto [end, code] = std::from_chars(text.data(), last, value, std::chars_format::fixed);
    return code == std::errc() && end == last && value >= least && value <= most ? std::optional(value) : std::nullopt;
}

// A value of --fps.
inline CLI::Validator fps_check() {
    const auto check = [](std::string& text) {
        if (plain_number(text, 0.001, 60)) return std::string();
        return "found '" + text + "', expected a number from 0.001 to 60";
    };
    return {check, "", ""};
}

// An empty value, mostly a script's variable that was never set, must not pass for an option that was left out:
// --save "" would watch for hours and keep nothing.
inline void refuse_empty_values(CLI::App& command) {
    const auto check = [](std::string& text) {
        return text.empty() ? "found an empty value; give one, or leave the option out" : std::string();
    };
    for (CLI::Option* option : command.get_options())
        if (!option->get_positional() && option->get_expected_max() > 0) option->check(CLI::Validator(check, "", ""));
}

}  // namespace lv
