// Reading a video into memory: YOCO's cost grows with the length, the Transformer's with its square.
#include <algorithm>

#include "app/bench_models.h"
#include "app/bench_row_cost.h"
#include "engine/measure.h"
#include "kernels/yardstick.h"

namespace lv {
namespace {

constexpr double patience_s = 12, full_patience_s = 240;  // for one measurement; what would take longer is reckoned
constexpr double repeated_s = 2;                          // what takes longer is measured once

enum class Source { read, summed, extrapolated };

struct Reading {
    double seconds = 0;
    Source source = Source::read;
};

class Reader {
   public:
    Reader(const BenchRun& run, std::shared_ptr<const Model> model)
        : run_(run), model_(std::move(model)), work_(run.context, model_->config()) {
        cost_.add(most_chunk_rows, piece(most_chunk_rows) / most_chunk_rows);
    }

    // Lengths rise from call to call.
    Reading read(size_t rows) {
        const double patience = run_.options.full ? full_patience_s : patience_s;
        const auto n = static_cast<double>(rows);
        // A piece before measuring the whole: where the sum would be shorter than what is reckoned with.
        if (cost_.at(n) * most_chunk_rows < patience && n > cost_.longest())
            cost_.add(n, piece(rows) / most_chunk_rows);
        const double summed = cost_.sum(n);
        if (summed > patience) return {summed, cost_.longest() < n ? Source::extrapolated : Source::summed};
        const bool once = summed > repeated_s;
        const double seconds = measure_prefill(work_, model_, rows, once ? 0 : 1, {}, once ? 1 : 2).seconds;
        if (rows > most_chunk_rows) checked_ = {n, summed / seconds};
        return {seconds, Source::read};
    }

    double bytes(size_t rows) const {
        return static_cast<double>(model_->bytes() + work_.bytes() + reckon_memory(model_->config(), rows).total());
    }

    // The longest that was read in full, and what the sum would have been of that.
    std::pair<double, double> checked() const { return checked_; }
    const RowCost& cost() const { return cost_; }

   private:
    // Seconds of appending a piece at this length.
    double piece(size_t rows) { return measure_append(work_, made_up_memory(model_, rows), most_chunk_rows); }

    const BenchRun& run_;
    std::shared_ptr<const Model> model_;
    Workspace work_;
    RowCost cost_;
    std::pair<double, double> checked_;
};

const char* source_text(Source ours, Source theirs) {
    const Source worst = std::max(ours, theirs);
    return worst == Source::read ? "read" : worst == Source::summed ? "summed" : "extrapolated";
}

std::string how_reckoned(const std::string& name, const Reader& reader) {
    const auto [rows, share] = reader.checked();
    std::string text =
        name + ": pieces measured up to " + cell_text(reader.cost().longest(), BenchUnit::count) + " tokens";
    if (rows > 0)
        text += "; their sum is " + cell_text(share, BenchUnit::times) + " what reading " +
                cell_text(rows, BenchUnit::count) + " tokens really took";
    return text + ".";
}

}  // namespace

std::vector<BenchTable> bench_prefill(const BenchRun& run) {
    run.talk.say("prefill: the machine's matmul peak");
    const double peak = sgemm_peak(run.context);
    BenchTable table{
        .name = "prefill",
        .title = "Seconds to read a video into memory, by its length",
        .columns = {{"tokens", BenchUnit::count},
                    {"model", BenchUnit::text},
                    {"YOCO", BenchUnit::seconds, true},
                    {"tokens a second", BenchUnit::per_second},
                    {"share of matmul peak", BenchUnit::share},
                    {"YOCO holds", BenchUnit::bytes},
                    {"Transformer", BenchUnit::seconds, true},
                    {"Transformer holds", BenchUnit::bytes},
                    {"Transformer / YOCO", BenchUnit::times},
                    {"times are", BenchUnit::text}},
        .rows = {},
        .notes = {"Matmul peak of this machine, f32: " + cell_text(peak / 1e9, BenchUnit::gflops) + ".",
                  "Holds: weights, working memory, state, cache in f16, times.",
                  "Read: really read. Summed: from pieces of 256 tokens, measured at lengths up to this one. "
                  "Extrapolated: from pieces at shorter lengths.",
                  "The paper (3B, GPU): 30x at 512K tokens."}};
    const std::vector<size_t> lengths = lengths_of(run, {1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 19}, 0);
    for (const BenchModel& yoco : bench_models(run)) {
        Reader ours(run, yoco.model), theirs(run, transformer_beside(yoco).model);
        for (const size_t rows : lengths) {
            if (run.stop.stop_requested()) return {};
            run.talk.say("prefill: " + yoco.name + ", " + cell_text(rows, BenchUnit::count) + " tokens");
            const Reading our = ours.read(rows), their = theirs.read(rows);
            const double rate = static_cast<double>(rows) / our.seconds;
            table.rows.push_back({rows, yoco.name, our.seconds, rate,
                                  rate * prefill_flops(yoco.model->config(), rows) / peak, ours.bytes(rows),
                                  their.seconds, theirs.bytes(rows), their.seconds / our.seconds,
                                  source_text(our.source, their.source)});
        }
        table.notes.push_back(how_reckoned(yoco.name + ", YOCO", ours));
        table.notes.push_back(how_reckoned(yoco.name + ", Transformer", theirs));
    }
    return {table};
}

}  // namespace lv
