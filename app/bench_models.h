// What the benchmarks measure on: the model at hand, a random one of 100M parameters, a Transformer beside each.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/bench.h"
#include "engine/memory.h"

namespace lv {

struct BenchModel {
    std::string name;
    std::shared_ptr<const Model> model;
};

// The model that --model names or that is found, and the 100M one. Random weights cost what trained ones cost.
std::vector<BenchModel> bench_models(const BenchRun& run);

// The same sizes, all layers `full`, random weights.
BenchModel transformer_beside(const BenchModel& yoco);

}  // namespace lv
