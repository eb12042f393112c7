#include "app/bench_alerts.h"

#include <algorithm>
#include <array>
#include <random>

#include "app/bench_stream.h"
#include "app/recent_memory.h"
#include "app/standing_question.h"
#include "app/watch_list.h"

namespace lv {
namespace {

constexpr size_t planted_kinds = 4;
constexpr int64_t stream_frames = 1200, full_frames = 4 * 3600;  // 20 minutes; 4 hours
constexpr int64_t shortest = 4, longest = 40;                    // frames that a thing stays
constexpr int64_t pause = 20;                                    // least frames between two of a kind
constexpr int64_t late = 6;                                      // frames after an event within which it counts as told
constexpr size_t budget_bytes = size_t{16} << 20;
constexpr EdgeOptions edge{.hold_off_us = 0};  // else those of the program

struct Planted {
    int64_t first = 0, end = 0;  // frames: the first with it, the first without
};

// Who tells: the model, or the same edges found in what the rows say, which nobody who reads them can surpass by much.
enum Reader : size_t { model_reads, rows_read, readers };

// One condition about one kind.
struct Alert {
    size_t kind = 0;  // of those planted
    bool leaves = false;
    uint64_t item = 0;
    EdgeDetector rows_edge{};
    std::array<std::vector<int64_t>, readers> told{};  // frames
};

struct Tally {
    size_t events = 0, found = 0, told = 0, right = 0;
    std::vector<double> delays_s{};
};

// Each event takes the first telling within its time; what is told twice is told wrongly.
void count(const Alert& alert, Reader reader, const std::vector<Planted>& planted, int64_t frames, Tally& tally) {
    const std::vector<int64_t>& told = alert.told[reader];
    std::vector<bool> used(told.size());
    for (const Planted& one : planted) {
        const int64_t at = alert.leaves ? one.end : one.first;
        if (at + late >= frames) continue;
        const int64_t until = alert.leaves ? at + late : std::min(at + late, one.end);
        ++tally.events;
        for (size_t i = 0; i < told.size(); ++i) {
            if (used[i] || told[i] < at || told[i] > until) continue;
            used[i] = true;
            ++tally.found;
            tally.delays_s.push_back(static_cast<double>(told[i] - at) * haystack_period_us / 1e6);
            break;
        }
    }
    for (size_t i = 0; i < used.size(); ++i) {
        if (told[i] + late >= frames) continue;
        ++tally.told;
        tally.right += used[i];
    }
}

class AlertTest {
   public:
    AlertTest(const BenchRun& run, const LoadedModel& model, int64_t frames, bool noisy)
        : run_(run),
          frames_(frames),
          kinds_(drawn_kinds(run.options.seed, planted_kinds)),
          random_(run.options.seed),
          haystack_({.seed = run.options.seed, .period_us = haystack_period_us, .frames = frames, .noisy_aside = noisy},
                    kinds_),
          memory_(model.language, {.cache_type = run.options.cache, .budget_bytes = budget_bytes}),
          reading_(run.context, model.language->config()),
          answering_(run.context, model.language->config()),
          recent_(model.language),
          list_({.edge = edge, .every_frame = true}) {
        const KindWords words(model.kind_names());
        for (size_t i = 0; i < kinds_.size(); ++i)
            for (const bool leaves : {false, true}) {
                const std::string& name = model.kind_names()[static_cast<size_t>(kinds_[i])];
                const uint64_t item =
                    list_.add(parse_condition(with_article(name) + (leaves ? " leaves" : " appears"), words));
                alerts_.push_back({.kind = i, .leaves = leaves, .item = item, .rows_edge = {edge, leaves}});
            }
        planted_.resize(kinds_.size());
        next_.resize(kinds_.size());
        for (int64_t& frame : next_) frame = draw(pause, 4 * pause);
    }

    // Leaves out what the rounds of one frame cost on average, in seconds, in frame_s.
    void run(std::vector<double>& frame_s) {
        RowMeter meter(run_.talk, "alerts", static_cast<size_t>(frames_) * 4);
        for (int64_t frame = 0; frame < frames_ && !run_.stop.stop_requested(); ++frame) {
            plant(frame);
            std::vector<float> values;
            std::vector<int64_t> times_us;
            const size_t rows = haystack_.next(values, times_us);
            const auto begin = std::chrono::steady_clock::now();
            memory_.append(reading_, {values.data(), rows, row::feature_dim}, times_us);
            recent_.append(reading_, {values.data(), rows, row::feature_dim}, times_us);
            for (const Cue& cue : list_.due(times_us.back())) answer(cue, frame);
            frame_s.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
            read_rows(frame);
            meter.add(rows);
        }
    }

    Tally tally(bool leaves, Reader reader) const {
        Tally tally;
        for (const Alert& alert : alerts_)
            if (alert.leaves == leaves) count(alert, reader, planted_[alert.kind], frames_, tally);
        return tally;
    }

   private:
    int64_t draw(int64_t low, int64_t high) {
        return low + static_cast<int64_t>(random_() % static_cast<uint64_t>(high - low + 1));
    }

    void plant(int64_t frame) {
        for (size_t i = 0; i < kinds_.size(); ++i) {
            if (frame < next_[i]) continue;
            const int64_t stay = draw(shortest, longest);
            haystack_.hide(kinds_[i], stay);
            planted_[i].push_back({frame, frame + stay});
            next_[i] = frame + stay + draw(pause, 6 * pause);
        }
    }

    void answer(const Cue& cue, int64_t frame) {
        AnswerReady ready;
        ready.tag = cue.tag;
        ready.question = cue.question;
        ready.asked_at_us = memory_.last_time_us();
        RecentAnswer recent = recent_.fork().ask(answering_, cue.question);
        ready.answer = std::move(recent.dated);
        ready.again = std::move(recent.now);
        const std::optional<Told> told = list_.take(ready);
        if (!told) return;
        for (Alert& alert : alerts_)
            if (alert.item == told->item) alert.told[model_reads].push_back(frame);
    }

    void read_rows(int64_t frame) {
        for (Alert& alert : alerts_) {
            const bool there = haystack_.log().find(frame, kinds_[alert.kind]);
            if (alert.rows_edge.update(haystack_.log().time_us(frame), there != alert.leaves))
                alert.told[rows_read].push_back(frame);
        }
    }

    const BenchRun& run_;
    const int64_t frames_;
    const std::vector<int> kinds_;
    std::mt19937_64 random_;
    Haystack haystack_;
    Memory memory_;
    Workspace reading_, answering_;
    RecentMemory recent_;
    WatchList list_;
    std::vector<Alert> alerts_;
    std::vector<std::vector<Planted>> planted_;  // by kind
    std::vector<int64_t> next_;                  // by kind: when it is planted again
};

double share(size_t part, size_t all) { return all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all); }

std::string cost_note(const std::vector<double>& frame_s) {
    const auto tenth = static_cast<std::ptrdiff_t>(frame_s.size() / 10);
    if (tenth == 0) return "Too short to tell what a frame costs.";
    const double early = median({frame_s.begin() + tenth, frame_s.begin() + 2 * tenth});
    const double later = median({frame_s.end() - tenth, frame_s.end()});
    return "A frame with its " + std::to_string(2 * planted_kinds) +
           " questions: " + cell_text(early * 1000, BenchUnit::ms) + " in the second tenth, " +
           cell_text(later * 1000, BenchUnit::ms) + " in the last: " + cell_text(later / early, BenchUnit::times) + ".";
}

}  // namespace

BenchTable bench_alerts(const BenchRun& run, const LoadedModel& model) {
    const int64_t frames = run.options.full ? full_frames : stream_frames;
    BenchTable table{.name = "agent alerts",
                     .title = "Standing questions about events planted in a made-up stream",
                     .columns = {{"condition", BenchUnit::text},
                                 {"detector", BenchUnit::text},
                                 {"read by", BenchUnit::text},
                                 {"events", BenchUnit::count},
                                 {"told", BenchUnit::count},
                                 {"precision", BenchUnit::share},
                                 {"recall", BenchUnit::share},
                                 {"delay", BenchUnit::seconds}},
                     .rows = {},
                     .notes = {"A frame a second, " + std::to_string(frames) +
                                   " frames, a memory of 16 MiB; told after 2 frames that agree, so 1 s late at best.",
                               "Read by rows: the same edges found in what the model is given. Detector: whether it "
                               "misses and makes up what is planted as often as anything else."}};
    for (const bool noisy : {false, true}) {
        if (run.stop.stop_requested()) break;
        const std::string detector = noisy ? "flickers" : "steady";
        run.talk.say("agent: standing questions about a made-up stream, detector " + detector);
        AlertTest test(run, model, frames, noisy);
        std::vector<double> frame_s;
        test.run(frame_s);
        for (const bool leaves : {false, true})
            for (const Reader reader : {model_reads, rows_read}) {
                const Tally tally = test.tally(leaves, reader);
                table.rows.push_back({leaves ? "... leaves" : "... appears", detector,
                                      reader == model_reads ? "model" : "rows", tally.events, tally.told,
                                      share(tally.right, tally.told), share(tally.found, tally.events),
                                      median(tally.delays_s)});
            }
        if (!noisy) table.notes.push_back(cost_note(frame_s));
    }
    return table;
}

}  // namespace lv
