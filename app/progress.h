// The one moving line of a run: how far, how fast, how long still.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>

namespace lv {

struct ProgressState {
    std::string label;       // what is being read, e.g. the file's name
    int64_t done_us = 0;     // of the video
    int64_t total_us = 0;    // of the part to be read; 0: not known (a pipe, a stream)
    int64_t frames = 0;      // read so far
    int64_t elapsed_us = 0;  // of the wall clock
};

// "bottles.mp4  45%  0:18 of 0:40  31 frames/s  31x real time  0:01 left", cut to `columns` characters.
std::string progress_line(const ProgressState& state, size_t columns);

// Several runs at once as one: sums of times and frames, the longest wall clock, "3 videos" for a label.
ProgressState combined(std::span<const ProgressState> states);

// Draws progress_line on stderr, at most ten times a second, when stderr is a terminal and `quiet` is off; else silent.
// Runs at the same time use different slots (small numbers) and share the line. Any thread may call; messages printed
// by say() do not mix with the line. The destructor clears the line.
class Progress {
   public:
    explicit Progress(bool quiet);
    ~Progress();

    void update(const ProgressState& state, size_t slot = 0);
    // The run of this slot is over; the line goes when none is left.
    void finish(size_t slot = 0);
    // One line of talk on stderr, unless quiet.
    void say(const std::string& message);
    // "longview: message" on stderr, quiet or not.
    void warn(const std::string& message);
    // One line on stderr, quiet or not: what the run is for.
    void tell(const std::string& message) { print_line(message); }
    // Shows `text` on stderr where somebody types, quiet or not, and keeps it below what is said until prompt("").
    // Nothing else is drawn meanwhile.
    void prompt(const std::string& text);

   private:
    void print_line(const std::string& line);
    void clear_locked();
    const bool quiet_;
    const bool drawing_;
    std::mutex mutex_;
    std::map<size_t, ProgressState> states_;
    std::chrono::steady_clock::time_point drawn_at_{};
    bool line_shown_ = false;
    std::string prompt_;
};

}  // namespace lv
