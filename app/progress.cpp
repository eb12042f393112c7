#include "app/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

#include "app/output.h"
#include "engine/prompt.h"

namespace lv {
namespace {

constexpr std::chrono::milliseconds redraw_every{100};

// Three digits that matter: "0.52", "8.1", "31", "4200".
std::string short_number(double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), value < 1 ? "%.2f" : value < 10 ? "%.1f" : "%.0f", value);
    return text.data();
}

size_t terminal_columns() {
    winsize size{};
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

std::string progress_line(const ProgressState& state, size_t columns) {
    std::string line = state.label.empty() ? "" : shown(state.label) + "  ";
    const bool known = state.total_us > 0;
    const int64_t done_us = known ? std::min(state.done_us, state.total_us) : state.done_us;
    if (known) line += std::to_string(done_us * 100 / state.total_us) + "%  ";
    line += written_time(done_us);
    if (known) line += " of " + written_time(state.total_us);
    if (state.elapsed_us > 0) {
        const double elapsed = static_cast<double>(state.elapsed_us);
        const double speed = static_cast<double>(done_us) / elapsed;
        line += "  " + short_number(static_cast<double>(state.frames) * 1e6 / elapsed) + " frames/s";
        line += "  " + short_number(speed) + "x real time";
        if (known && speed > 0)
            line += "  " + written_time(std::llround(static_cast<double>(state.total_us - done_us) / speed)) + " left";
    }
    if (line.size() <= columns) return line;
    size_t end = columns;
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) --end;  // keep UTF-8 names whole
    return line.substr(0, end);
}

ProgressState combined(std::span<const ProgressState> states) {
    if (states.size() == 1) return states.front();
    ProgressState sum;
    sum.label = std::to_string(states.size()) + " videos";
    bool known = true;
    for (const ProgressState& state : states) {
        sum.done_us += state.done_us;
        sum.total_us += state.total_us;
        sum.frames += state.frames;
        sum.elapsed_us = std::max(sum.elapsed_us, state.elapsed_us);
        known = known && state.total_us > 0;
    }
    if (!known) sum.total_us = 0;
    return sum;
}

Progress::Progress(bool quiet) : quiet_(quiet), drawing_(!quiet && isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
    const std::lock_guard lock(mutex_);
    clear_locked();
}

void Progress::update(const ProgressState& state, size_t slot) {
    if (!drawing_) return;
    const std::lock_guard lock(mutex_);
    states_[slot] = state;
    const auto now = std::chrono::steady_clock::now();
    if (!prompt_.empty() || (line_shown_ && now - drawn_at_ < redraw_every)) return;
    drawn_at_ = now;
    line_shown_ = true;
    std::vector<ProgressState> states;
    for (const auto& [running, running_state] : states_) states.push_back(running_state);
    std::fprintf(stderr, "\r\033[K%s", progress_line(combined(states), terminal_columns() - 1).c_str());
    std::fflush(stderr);
}

void Progress::finish(size_t slot) {
    const std::lock_guard lock(mutex_);
    states_.erase(slot);
    if (states_.empty()) clear_locked();
}

void Progress::clear_locked() {
    if (!line_shown_) return;
    std::fputs("\r\033[K", stderr);
    std::fflush(stderr);
    line_shown_ = false;
}

void Progress::say(const std::string& message) {
    if (!quiet_) print_line(message);
}

void Progress::warn(const std::string& message) { print_line("longview: " + message); }

void Progress::prompt(const std::string& text) {
    const std::lock_guard lock(mutex_);
    prompt_ = text;
    if (text.empty()) return;
    clear_locked();
    std::fputs(text.c_str(), stderr);
    std::fflush(stderr);
}

void Progress::print_line(const std::string& line) {
    const std::lock_guard lock(mutex_);
    clear_locked();
    if (!prompt_.empty()) std::fputs("\r\033[K", stderr);
    std::fprintf(stderr, "%s\n%s", shown(line).c_str(), prompt_.c_str());
    std::fflush(stderr);
}

}  // namespace lv
