#include <cstdio>
#include <exception>
#include <string>

#include "app/commands.h"
#include "app/desktop/desktop.h"
#include "app/failure_text.h"
#include "app/interrupt.h"
#include "app/options.h"
#include "app/output.h"
#include "kernels/core/error.h"

namespace {

struct Run {
    const lv::Interrupt& interrupt;

    int operator()(const lv::ShowText& show) const {
        lv::print_out(show.text);
        return 0;
    }
    int operator()(const lv::AskOptions& options) const { return lv::run_ask(options, interrupt); }
    int operator()(const lv::AgentOptions& options) const { return lv::run_agent(options, interrupt); }
    int operator()(const lv::CaptionOptions& options) const { return lv::run_caption(options, interrupt); }
    int operator()(const lv::InfoOptions& options) const { return lv::run_info(options); }
    int operator()(const lv::BenchOptions& options) const { return lv::run_bench(options, interrupt); }
};

int report(const std::string& failure, int status) {
    std::fprintf(stderr, "longview: %s\n", lv::shown(failure).c_str());
    return status;
}

}  // namespace

int main(int argc, char** argv) {
    lv::hold_standard_streams();
    try {
        const lv::Interrupt interrupt;
        try {
            const Run run{interrupt};
            if (const auto desktop = lv::parse_desktop(argc, argv))
                return desktop->help.empty() ? lv::run_desktop(*desktop, interrupt) : run(lv::ShowText{desktop->help});
            return std::visit(run, lv::parse_options(argc, argv));
        } catch (const lv::OutputError& error) {
            // Ctrl-C ends the reader of a pipe, too. What else fails of a stop is not thrown as far as this.
            if (interrupt.happened() && error.reader_left()) return lv::exit_interrupted;
            throw;
        }
    } catch (const lv::UsageError& error) {
        return report(error.what(), 2);
    } catch (const std::exception&) {
        return report(lv::failure_text(std::current_exception()), 1);
    }
}
