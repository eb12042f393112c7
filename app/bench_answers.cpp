// What a smaller cache and a narrower look cost in answers: the same questions, asked of the same haystack in every
// way.
#include <algorithm>
#include <array>

#include "app/bench_stream.h"
#include "app/model_path.h"
#include "engine/generate.h"

namespace lv {
namespace {

constexpr size_t needles = 8;
constexpr size_t most_questions = 240;  // a haystack
constexpr size_t rows_a_question = 8;   // at least: short ones have less to ask about
constexpr size_t usual_top_pages = 64;

struct Outcome {
    Score all;
    Score when_what;                        // when first, when last, what at: what the evidence is held to
    size_t changed = 0, changed_right = 0;  // in all; of those that the reference answers right
};

struct Reference {
    std::string text;
    bool right = false;
};

// Of one haystack with needles, a few hundred questions: about these, then about anything.
std::vector<HaystackQuestion> questions_of(const FrameLog& log, std::span<const int> kinds,
                                           std::span<const std::string> names, size_t count, uint64_t seed) {
    QuestionMaker maker(names, seed);
    std::vector<HaystackQuestion> questions;
    for (const int kind : kinds)
        for (HaystackQuestion& question : maker.about_needle(log, kind)) questions.push_back(std::move(question));
    for (size_t attempt = 0; attempt < 20 * count && questions.size() < count; ++attempt)
        if (auto question = maker.about_anything(log)) questions.push_back(std::move(*question));
    return questions;
}

struct Way {
    DType cache;
    size_t top_pages;
    std::string name() const { return cache_name(cache) + ", " + attend_text(top_pages); }
};

class AnswerTest {
   public:
    AnswerTest(const BenchRun& run, const LoadedModel& model) : run_(run), model_(model) {
        const size_t top = run.options.attends.front() > 0 ? run.options.attends.front() : usual_top_pages;
        for (const size_t pages : {size_t{0}, top})
            for (const DType cache : {DType::f16, DType::i8}) ways_.push_back({cache, pages});
    }

    const std::vector<Way>& ways() const { return ways_; }

    // By way, the first being the reference.
    std::vector<Outcome> measure(size_t rows, uint64_t seed, RowMeter& meter) const {
        std::vector<Outcome> outcomes(ways_.size());
        std::vector<Reference> reference;
        for (const DType cache : {DType::f16, DType::i8}) {
            Workspace work(run_.context, model_.language->config());
            const std::vector<int> kinds = drawn_kinds(seed, needles);
            HaystackStream hay(model_.language, haystack_options(rows, seed), kinds, {.cache_type = cache});
            for (size_t needle = 0; needle <= needles; ++needle) {
                hay.grow(
                    work, needle * (rows - needle_tail_rows) / needles, [&](size_t n) { meter.add(n); }, run_.stop);
                if (needle < needles) hay.hide(kinds[needle], needle_frames);
            }
            const auto questions = questions_of(hay.log(), kinds, model_.kind_names(),
                                                std::min(most_questions, rows / rows_a_question), seed);
            for (size_t way = 0; way < ways_.size(); ++way)
                if (ways_[way].cache == cache)
                    ask_all(ways_[way], hay.memory(), questions, reference, outcomes[way], meter);
        }
        return outcomes;
    }

   private:
    void ask_all(const Way& way, const Memory& memory, std::span<const HaystackQuestion> questions,
                 std::vector<Reference>& reference, Outcome& outcome, RowMeter& meter) const {
        Workspace work(run_.context, model_.language->config(), {.top_pages = way.top_pages});
        for (size_t i = 0; i < questions.size() && !run_.stop.stop_requested(); ++i) {
            std::string said;
            const Score score = ask_one(work, memory, questions[i], &said);
            outcome.all.add(score);
            if (questions[i].sort.starts_with("when") || questions[i].sort == "what at") outcome.when_what.add(score);
            if (i == reference.size()) reference.push_back({said, score.right == 1});
            const bool changed = said != reference[i].text;
            outcome.changed += changed;
            outcome.changed_right += changed && reference[i].right;
            meter.tick();
        }
    }

    const BenchRun& run_;
    const LoadedModel& model_;
    std::vector<Way> ways_;
};

}  // namespace

std::vector<BenchTable> bench_answers(const BenchRun& run) {
    const auto model = load_model(find_model(run.options.model.dir));
    const AnswerTest test(run, *model);
    BenchTable table{
        .name = "answers",
        .title = "Answers that a smaller cache or a narrower look changes (" + model->language->config().name + ")",
        .columns = {{"tokens", BenchUnit::count},
                    {"cache, attention", BenchUnit::text},
                    {"questions", BenchUnit::count},
                    {"changed", BenchUnit::count},
                    {"share", BenchUnit::percent},
                    {"of right ones", BenchUnit::percent},
                    {"right", BenchUnit::share},
                    {"top moment is the true one", BenchUnit::share},
                    {"first token", BenchUnit::ms}},
        .rows = {},
        .notes = {"Changed: another text than with the f16 cache and exact attention. Right: word for word.",
                  "Top moment: of when-first, when-last and what-at questions.",
                  "Haystacks of the needle test with " + std::to_string(needles) + " needles; " +
                      std::to_string(most_questions) +
                      " questions each (fewer in short ones): when, what, where, whether, how many."}};
    const std::vector<size_t> lengths = lengths_of(run, {1 << 15, 1 << 18}, 1);
    const size_t trials = std::max<size_t>(run.options.trials, 1);
    size_t cost = 0;
    for (const size_t rows : lengths) cost += 2 * rows * trials;
    RowMeter meter(run.talk, "answers", cost);
    for (const size_t rows : lengths) {
        std::vector<Outcome> sums(test.ways().size());
        run.talk.say("answers: " + length_text(rows) + " tokens");
        for (size_t trial = 0; trial < trials; ++trial) {
            const std::vector<Outcome> outcomes = test.measure(rows, run.options.seed + 1000 * trial, meter);
            if (run.stop.stop_requested()) return {};
            for (size_t way = 0; way < outcomes.size(); ++way) {
                sums[way].all.add(outcomes[way].all);
                sums[way].when_what.add(outcomes[way].when_what);
                sums[way].changed += outcomes[way].changed;
                sums[way].changed_right += outcomes[way].changed_right;
            }
        }
        for (size_t way = 0; way < sums.size(); ++way) {
            const Outcome& sum = sums[way];
            table.rows.push_back({rows, test.ways()[way].name(), sum.all.asked, sum.changed,
                                  double(sum.changed) / double(sum.all.asked),
                                  double(sum.changed_right) / double(std::max<size_t>(sums[0].all.right, 1)),
                                  sum.all.share(), sum.when_what.found_share(), median(sum.all.first_token_ms)});
        }
    }
    return {table};
}

}  // namespace lv
