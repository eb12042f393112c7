// The live agent on this machine: how many frames, how late, how soon an answer, what happens when it is too slow.
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "app/bench.h"
#include "app/bench_alerts.h"
#include "app/bench_stream.h"
#include "app/model_path.h"
#include "app/session.h"
#include "app/standing_question.h"
#include "app/time_text.h"
#include "app/watch_list.h"

namespace lv {
namespace {

constexpr const char* source = "test:size=1280x720,rate=30,duration=3600";
constexpr double usual_fps = 2;
constexpr double overload = 2;

double percentile(std::vector<double> values, double share) {
    if (values.empty()) return 0;
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), at, values.end());
    return *at;
}

// Bytes of this process in memory now.
size_t resident_bytes() {
    std::ifstream file("/proc/self/statm");
    size_t pages = 0, resident = 0;
    file >> pages >> resident;
    return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

struct Watched {
    double rate = 0;  // frames a second that joined the memory
    int64_t frames = 0, dropped = 0, skipped = 0;
    std::vector<double> delays_ms{}, answers_ms{};
    size_t resident = 0;
    double dropped_share() const {
        return frames + dropped == 0 ? 0 : static_cast<double>(dropped) / static_cast<double>(frames + dropped);
    }
};

struct Watch {
    double fps = usual_fps;
    double speed = 1;  // 0: as fast as it goes
    int64_t frames = 40;
    bool standing = false;  // two conditions after every frame, and a question of a person whenever one is answered
};

Watched watch(const BenchRun& run, const std::shared_ptr<const LoadedModel>& model, const Watch& how) {
    WatchRequest request;
    request.source = source;
    request.sampling.fps = how.fps;
    request.threads = run.options.model.threads;
    request.live = LiveOptions{.speed = how.speed};
    Session session(model, run.context);
    const std::stop_callback stop_session(run.stop, [&] { session.stop(); });
    const KindWords kinds(model->kind_names());
    WatchList list;
    if (how.standing)
        for (const char* text : {"a person appears", "there are more than 3 cars"})
            list.add(parse_condition(text, kinds));
    session.watch(request, {}, {}, [&](int64_t time_us) { return list.due(time_us); });
    Watched watched;
    bool asking = false;
    while (const std::optional<SessionEvent> event = session.next_event(run.stop)) {
        if (const auto* progress = std::get_if<WatchProgress>(&*event)) {
            const Meters& meters = progress->meters;
            // The first frames pay for what is made once.
            if (meters.frames > 4) watched.delays_ms.push_back(static_cast<double>(meters.delay_us) / 1000);
            if (how.standing && !asking) session.ask("What is visible now?", AskWhen::now);
            asking = asking || how.standing;
            if (meters.frames >= how.frames) session.stop_watching();
        } else if (const auto* ready = std::get_if<AnswerReady>(&*event)) {
            if (WatchList::is_mine(*ready)) {
                list.take(*ready);
            } else if (!ready->failure) {
                watched.answers_ms.push_back(static_cast<double>(ready->answer.first_token_us) / 1000);
                session.ask("What is visible now?", AskWhen::now);
            }
        } else if (const auto* ended = std::get_if<WatchEnded>(&*event)) {
            if (ended->failure && !ended->stopped) std::rethrow_exception(ended->failure);
            watched.frames = ended->meters.frames;
            watched.dropped = ended->meters.dropped;
            watched.skipped = ended->meters.skipped;
            watched.rate =
                static_cast<double>(watched.frames) / seconds(std::max<int64_t>(1, ended->meters.elapsed_us));
            watched.resident = resident_bytes();
            break;
        }
    }
    return watched;
}

}  // namespace

std::vector<BenchTable> bench_agent(const BenchRun& run) {
    const auto model = load_model(find_model(run.options.model.dir));
    BenchTable table{.name = "agent",
                     .title = "A stream of 720p watched as it comes",
                     .columns = {{"how", BenchUnit::text},
                                 {"frames/s", BenchUnit::per_second},
                                 {"frames", BenchUnit::count},
                                 {"dropped", BenchUnit::share},
                                 {"not decoded", BenchUnit::count},
                                 {"delay", BenchUnit::ms},
                                 {"delay, 99th", BenchUnit::ms},
                                 {"first word", BenchUnit::ms},
                                 {"RSS", BenchUnit::bytes}},
                     .rows = {},
                     .notes = {std::string("Source ") + source +
                                   ", decoded whole; delay: from when a frame is due to when "
                                   "it is in the memory.",
                               "Asked: two standing questions after every frame, and a person who asks without pause.",
                               std::to_string(run.context.threads()) + " threads."}};
    const auto add = [&](const std::string& name, const Watched& w, bool paced) {
        const auto or_null = [](bool known, double value) { return known ? nlohmann::json(value) : nlohmann::json(); };
        table.rows.push_back({name, w.rate, w.frames, w.dropped_share(), w.skipped,
                              or_null(paced && !w.delays_ms.empty(), percentile(w.delays_ms, 0.5)),
                              or_null(paced && !w.delays_ms.empty(), percentile(w.delays_ms, 0.99)),
                              or_null(!w.answers_ms.empty(), median(w.answers_ms)), w.resident});
    };
    const int64_t frames = run.options.full ? 400 : 40;
    run.talk.say("agent: as fast as it goes");
    const Watched fastest = watch(run, model, {.fps = 30, .speed = 0, .frames = 5 * frames});
    add("as fast as it goes", fastest, false);
    run.talk.say("agent: at 2 frames a second");
    add("2 frames a second", watch(run, model, {.frames = frames}), true);
    run.talk.say("agent: at 2 frames a second, asked without pause");
    add("2 frames a second, asked", watch(run, model, {.frames = frames, .standing = true}), true);
    run.talk.say("agent: twice what the machine can do");
    add("2x overload", watch(run, model, {.fps = 30, .speed = overload * fastest.rate / 30, .frames = 5 * frames}),
        true);
    std::vector<BenchTable> tables{std::move(table)};
    if (!run.stop.stop_requested()) tables.push_back(bench_alerts(run, *model));
    return tables;
}

}  // namespace lv
