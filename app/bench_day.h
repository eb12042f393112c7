// A day of video in memory, a frame a second: what it takes, how soon it answers, whether it still reads as fast as in
// the first hour.
#pragma once

#include <vector>

#include "app/bench.h"

namespace lv {

// Reads a made-up day for each type of cache; about a minute in all.
BenchTable bench_day(const BenchRun& run);

}  // namespace lv
