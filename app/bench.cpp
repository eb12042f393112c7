#include "app/bench.h"

#include <algorithm>
#include <array>

#include "app/commands.h"
#include "app/output.h"
#include "kernels/core/error.h"
#include "kernels/yardstick.h"

namespace lv {
namespace {

struct Bench {
    std::string_view name;
    std::vector<BenchTable> (*measure)(const BenchRun&);
};

constexpr std::array<Bench, 9> benches{{{"pipeline", bench_pipeline},
                                        {"encode", bench_encode},
                                        {"prefill", bench_prefill},
                                        {"decode", bench_decode},
                                        {"memory", bench_memory},
                                        {"kernels", bench_kernels},
                                        {"needle", bench_needle},
                                        {"answers", bench_answers},
                                        {"agent", bench_agent}}};

// Nothing of one that was stopped, which may have failed of that.
std::vector<BenchTable> measured(const Bench& bench, const BenchRun& run) {
    try {
        return bench.measure(run);
    } catch (const Error&) {
        if (run.stop.stop_requested()) return {};
        throw;
    }
}

}  // namespace

std::vector<size_t> lengths_of(const BenchRun& run, std::vector<size_t> lengths, size_t long_ones) {
    if (!run.options.lengths.empty()) return run.options.lengths;
    if (!run.options.full) lengths.resize(lengths.size() - long_ones);
    return lengths;
}

int run_bench(const BenchOptions& options, const Interrupt& interrupt) {
    Progress talk(options.quiet);
    const Context context(static_cast<size_t>(options.model.threads));
    const std::string machine = machine_name(context), build = build_name();
    const BenchRun run{options, context, talk, interrupt.token()};
    nlohmann::ordered_json report{{"machine", machine}, {"build", build}, {"benches", nlohmann::ordered_json::array()}};
    if (!options.json) print_out("machine: " + machine + "\nbuild: " + build + "\n");
    for (const Bench& bench : benches) {
        const std::vector<std::string>& names = options.names;
        if (!names.empty() && std::find(names.begin(), names.end(), bench.name) == names.end()) continue;
        const std::vector<BenchTable> tables = measured(bench, run);
        if (interrupt.happened()) return exit_interrupted;
        for (const BenchTable& table : tables) {
            if (options.json)
                report["benches"].push_back(table_json(table));
            else
                print_out("\n" + table_text(table));
        }
    }
    if (options.json) print_out(report.dump(2) + "\n");
    return 0;
}

}  // namespace lv
