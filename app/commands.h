// The commands of the program. Each returns its exit status (0, 1, exit_interrupted) or throws lv::Error.
#pragma once

#include "app/interrupt.h"
#include "app/options.h"

namespace lv {

int run_ask(const AskOptions& options, const Interrupt& interrupt);
int run_agent(const AgentOptions& options, const Interrupt& interrupt);
int run_caption(const CaptionOptions& options, const Interrupt& interrupt);
int run_info(const InfoOptions& options);
int run_bench(const BenchOptions& options, const Interrupt& interrupt);

}  // namespace lv
