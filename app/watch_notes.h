// How the command line speaks of watching: progress, a closing note, what was damaged. A password is left out.
#pragma once

#include <string>

#include "app/progress.h"
#include "app/session.h"

namespace lv {

ProgressState progress_of(const std::string& label, const Meters& meters);

// "watched 0:40 in 0.3 s (120x real time): 40 frames, 96 tokens, memory 215 KiB"
std::string watched_note(const Meters& meters);

// "watched 1:02:03: 3,723 frames, 12 dropped, lost 2 times, delay 45 ms, memory 14.2 MiB"
std::string agent_note(const Meters& meters);

// Empty when all could be decoded; else "x.mp4 is damaged: 12 of its pieces could not be decoded".
std::string loss_note(const std::string& video, const WatchEnded& ended);

// Empty when all went well; else "x.mp4 stops at 0:12 of 0:40: truncated or damaged".
std::string damage_note(const std::string& video, const WatchEnded& ended);

}  // namespace lv
