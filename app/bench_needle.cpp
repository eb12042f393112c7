// The needle test: a few frames of a kind of thing that is seen nowhere else, hidden in hours of others.
//
// One needle: the haystack is read once a length; where a depth is reached, a fork of memory and haystack is given the
// needle there and reads on to the full length by itself, so that each stream has one needle, truly at its depth.
// Several: one stream with all of them, evenly spread.
#include <algorithm>
#include <deque>
#include <map>
#include <random>

#include "app/bench_stream.h"
#include "app/model_path.h"
#include "engine/prompt.h"

namespace lv {
namespace {

constexpr size_t blind_rows = 256;

// One way to attend to the cache, of several on the same haystacks.
struct Way {
    Score score;
    size_t changed = 0;  // answers that are not those of the first way
};

// An answer to one needle, by the first way, that was not the true one.
struct Miss {
    size_t depth;
    HaystackQuestion question;
    std::string said;
};

struct Length {
    size_t rows = 0, trials = 0;
    std::vector<Score> by_depth{};                  // one needle; [depths]
    std::map<std::string, Score> sorts{}, blind{};  // one needle, by sort of question
    std::vector<Way> ways{};                        // one needle; [attends]
    std::vector<Miss> misses{};
    struct Many {
        Score single, order;
        size_t streams = 0, whole = 0;  // streams of which everything was answered right
    };
    std::map<size_t, Many> many{};  // by number of needles
};

class NeedleTest {
   public:
    NeedleTest(const BenchRun& run, const LoadedModel& model)
        : run_(run), model_(model), memory_{.cache_type = run.options.cache} {
        for (const size_t top_pages : run.options.attends)
            works_.emplace_back(run.context, model.language->config(), WorkspaceOptions{.top_pages = top_pages});
    }

    Length measure(size_t rows, size_t trials, RowMeter& meter) {
        Length length{.rows = rows, .trials = trials};
        length.by_depth.resize(run_.options.depths);
        length.ways.resize(works_.size());
        for (size_t trial = 0; trial < trials && !run_.stop.stop_requested(); ++trial) {
            const uint64_t seed = run_.options.seed + 1000 * trial;
            for (const size_t needles : run_.options.needles)
                if (needles == 1)
                    hide_one(length, seed, meter);
                else
                    hide_many(length, needles, seed, meter);
        }
        return length;
    }

    // Rows that measure() reads.
    size_t cost(size_t rows) const {
        size_t total = 0;
        for (const size_t needles : run_.options.needles) {
            total += rows;
            for (size_t depth = 0; needles == 1 && depth < run_.options.depths; ++depth)
                total += rows - row_of(depth, run_.options.depths, rows);
        }
        return total;
    }

   private:
    Workspace& work() { return works_.front(); }

    static size_t row_of(size_t depth, size_t depths, size_t rows) {
        return depths < 2 ? (rows - needle_tail_rows) / 2 : depth * (rows - needle_tail_rows) / (depths - 1);
    }

    HaystackStream stream(size_t rows, uint64_t seed, std::span<const int> set_aside) const {
        return {model_.language, haystack_options(rows, seed), set_aside, memory_};
    }

    void grow(HaystackStream& stream, size_t rows, RowMeter& meter) {
        stream.grow(
            work(), rows, [&](size_t count) { meter.add(count); }, run_.stop);
    }

    // The score of the first way, and its answer.
    Score ask_every_way(const Memory& memory, const HaystackQuestion& question, std::vector<Way>& ways,
                        std::string& answer) {
        Score first;
        std::string said;
        for (size_t way = 0; way < works_.size(); ++way) {
            const Score score = ask_one(works_[way], memory, question, &said);
            if (way == 0) {
                first = score;
                answer = said;
            }
            ways[way].score.add(score);
            ways[way].changed += said != answer;
        }
        return first;
    }

    void hide_one(Length& length, uint64_t seed, RowMeter& meter) {
        const size_t depths = run_.options.depths;
        const std::vector<int> kinds = drawn_kinds(seed, depths);
        HaystackStream hay = stream(length.rows, seed, kinds);
        HaystackStream other = stream(blind_rows, seed + 1, kinds);
        other.grow(work(), blind_rows);
        QuestionMaker maker(model_.kind_names(), seed);
        for (size_t depth = 0; depth < depths && !run_.stop.stop_requested(); ++depth) {
            grow(hay, row_of(depth, depths, length.rows), meter);
            HaystackStream with = hay.fork();
            with.hide(kinds[depth], needle_frames);
            grow(with, length.rows, meter);
            if (run_.stop.stop_requested()) return;
            for (const HaystackQuestion& question : maker.about_needle(with.log(), kinds[depth])) {
                std::string answer;
                const Score score = ask_every_way(with.memory(), question, length.ways, answer);
                if (score.right == 0) length.misses.push_back({depth, question, std::move(answer)});
                length.by_depth[depth].add(score);
                length.sorts[question.sort].add(score);
                length.blind[question.sort].add(ask_one(work(), other.memory(), question));
                meter.tick();
            }
        }
    }

    void hide_many(Length& length, size_t needles, uint64_t seed, RowMeter& meter) {
        const std::vector<int> kinds = drawn_kinds(seed, needles);
        HaystackStream hay = stream(length.rows, seed, kinds);
        for (size_t needle = 0; needle < needles; ++needle) {
            grow(hay, row_of(needle, needles, length.rows), meter);
            hay.hide(kinds[needle], needle_frames);
        }
        grow(hay, length.rows, meter);
        if (run_.stop.stop_requested()) return;
        QuestionMaker maker(model_.kind_names(), seed);
        std::mt19937_64 random(seed);
        Length::Many& many = length.many[needles];
        Score all;
        for (size_t needle = 0; needle < needles; ++needle) {
            for (const HaystackQuestion& question : maker.about_needle(hay.log(), kinds[needle])) {
                all.add(ask_one(work(), hay.memory(), question));
                meter.tick();
            }
            size_t other = random() % (needles - 1);
            other += other >= needle;
            many.order.add(ask_one(work(), hay.memory(), maker.about_order(hay.log(), kinds[needle], kinds[other])));
        }
        many.single.add(all);
        many.streams += 1;
        many.whole += all.right == all.asked;
    }

    const BenchRun& run_;
    const LoadedModel& model_;
    std::deque<Workspace> works_;  // one an attend
    MemoryOptions memory_;
};

double depth_share(size_t depth, size_t depths) { return depths < 2 ? 0.5 : double(depth) / double(depths - 1); }

BenchTable depth_table(const std::vector<Length>& lengths, const std::string& how) {
    BenchTable table{.name = "needle",
                     .title = "Needle answers that are word for word right, by depth and length" + how,
                     .columns = {{"depth", BenchUnit::share}},
                     .rows = {},
                     .notes = {"One stream a cell and trial, with one needle: 4 frames of a kind seen nowhere else.",
                               "Asked: when first, when last, what at, where at, where last."},
                     .picture = BenchPicture::heat};
    for (const Length& length : lengths) {
        table.columns.push_back({length_text(length.rows), BenchUnit::share, true});
        table.notes.push_back(length_text(length.rows) + " tokens: " + std::to_string(length.by_depth[0].asked) +
                              " questions a cell.");
    }
    const size_t depths = lengths.empty() ? 0 : lengths[0].by_depth.size();
    for (size_t depth = 0; depth < depths; ++depth) {
        auto& row = table.rows.emplace_back();
        row.push_back(depth_share(depth, depths));
        for (const Length& length : lengths) row.push_back(length.by_depth[depth].share());
    }
    return table;
}

BenchTable sort_table(const std::vector<Length>& lengths, const std::string& how) {
    BenchTable table{.name = "needle_sorts",
                     .title = "The same by sort of question" + how,
                     .columns = {{"tokens", BenchUnit::count},
                                 {"asked", BenchUnit::text},
                                 {"times", BenchUnit::count},
                                 {"right", BenchUnit::share},
                                 {"blind", BenchUnit::share},
                                 {"top moment is the true one", BenchUnit::share},
                                 {"first token", BenchUnit::ms}},
                     .rows = {},
                     .notes = {"Blind: the same questions about another haystack of " + std::to_string(blind_rows) +
                               " tokens, without the needle."}};
    for (const Length& length : lengths)
        for (const auto& [sort, score] : length.sorts)
            table.rows.push_back({length.rows, sort, score.asked, score.share(), length.blind.at(sort).share(),
                                  score.found_share(), median(score.first_token_ms)});
    return table;
}

BenchTable way_table(const std::vector<Length>& lengths, const std::vector<size_t>& attends, const LoadedModel& model) {
    BenchTable table{.name = "needle_attend",
                     .title = "The same questions of the same haystacks, attended to in other ways (" +
                              model.language->config().name + ")",
                     .columns = {{"tokens", BenchUnit::count},
                                 {"attention", BenchUnit::text},
                                 {"asked", BenchUnit::count},
                                 {"right", BenchUnit::share},
                                 {"answers changed", BenchUnit::share},
                                 {"top moment is the true one", BenchUnit::share},
                                 {"first token", BenchUnit::ms}},
                     .rows = {},
                     .notes = {"Changed: not word for word that of the first way."}};
    for (const Length& length : lengths)
        for (size_t way = 0; way < attends.size(); ++way) {
            const Score& score = length.ways[way].score;
            table.rows.push_back({length.rows, attend_text(attends[way]), score.asked, score.share(),
                                  double(length.ways[way].changed) / double(score.asked), score.found_share(),
                                  median(score.first_token_ms)});
        }
    return table;
}

BenchTable miss_table(const std::vector<Length>& lengths, const std::string& how) {
    BenchTable table{.name = "needle_misses",
                     .title = "The answers about one needle that were wrong" + how,
                     .columns = {{"tokens", BenchUnit::count},
                                 {"depth", BenchUnit::share},
                                 {"question", BenchUnit::text},
                                 {"true", BenchUnit::text},
                                 {"said", BenchUnit::text}},
                     .rows = {},
                     .notes = {}};
    for (const Length& length : lengths)
        for (const Miss& miss : length.misses)
            table.rows.push_back({length.rows, depth_share(miss.depth, length.by_depth.size()), miss.question.text,
                                  miss.question.answer, miss.said});
    if (table.rows.empty()) table.notes.push_back("None.");
    return table;
}

BenchTable many_table(const std::vector<Length>& lengths, const std::string& how) {
    BenchTable table{.name = "needle_many",
                     .title = "Several needles in one stream, evenly spread" + how,
                     .columns = {{"tokens", BenchUnit::count},
                                 {"needles", BenchUnit::count},
                                 {"asked", BenchUnit::count},
                                 {"right", BenchUnit::share},
                                 {"streams", BenchUnit::count},
                                 {"all of a stream right", BenchUnit::share},
                                 {"which came first", BenchUnit::share}},
                     .rows = {},
                     .notes = {"Which came first needs two needles at once; guessing gets 0.50."}};
    for (const Length& length : lengths)
        for (const auto& [needles, many] : length.many)
            table.rows.push_back({length.rows, needles, many.single.asked, many.single.share(), many.streams,
                                  double(many.whole) / double(many.streams), many.order.share()});
    return table;
}

}  // namespace

std::vector<BenchTable> bench_needle(const BenchRun& run) {
    const auto model = load_model(find_model(run.options.model.dir));
    NeedleTest test(run, *model);
    const std::vector<size_t> rows = lengths_of(run, {1 << 12, 1 << 15, 1 << 18, 1 << 20}, 2);
    size_t cost = 0;
    for (const size_t length : rows) cost += test.cost(length) * trials_of(run, length);
    RowMeter meter(run.talk, "needle", cost);
    std::vector<Length> lengths;
    for (const size_t length : rows) {
        run.talk.say("needle: " + length_text(length) + " tokens, about " +
                     written_time(haystack_options(length, 1).frames * haystack_period_us) + " of video");
        lengths.push_back(test.measure(length, trials_of(run, length), meter));
        if (run.stop.stop_requested()) return {};
    }
    const std::string how = how_text(run, *model);
    std::vector<BenchTable> tables;
    const std::vector<size_t>& needles = run.options.needles;  // in order
    if (needles.front() == 1) {
        tables.push_back(depth_table(lengths, how));
        tables.push_back(sort_table(lengths, how));
        if (run.options.attends.size() > 1) tables.push_back(way_table(lengths, run.options.attends, *model));
    }
    if (needles.back() > 1) tables.push_back(many_table(lengths, how));
    if (needles.front() == 1) tables.push_back(miss_table(lengths, how));
    return tables;
}

}  // namespace lv
