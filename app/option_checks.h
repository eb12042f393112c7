// What CLI11's own checks of values let through, for every command line of ours.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace lv {

constexpr int most_threads = 256;  // as Context allows

// A value of --fps. CLI::Range takes NaN for a number in between.
inline CLI::Validator fps_check() {
    const auto check = [](std::string& text) {
        double value = 0;
        if (CLI::detail::lexical_cast(text, value) && value >= 0.001 && value <= 60) return std::string();
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
