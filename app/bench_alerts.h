// How precise standing questions are: events planted in made-up streams, and what was told of them.
#pragma once

#include "app/bench.h"
#include "app/loaded_model.h"

namespace lv {

// Hours of a stream at a frame a second, as the needle test makes them (bench_haystack.h), with things that come and go
// at known times; a condition each for "appears" and "leaves".
BenchTable bench_alerts(const BenchRun& run, const LoadedModel& model);

}  // namespace lv
