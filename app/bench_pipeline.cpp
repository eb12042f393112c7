#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <system_error>

#include "app/bench.h"
#include "app/loaded_model.h"
#include "app/model_path.h"
#include "app/row_stream.h"
#include "app/session.h"
#include "app/time_text.h"
#include "kernels/core/error.h"
#include "vision/ffmpeg_clip.h"
#include "vision/ffmpeg_source.h"

namespace lv {
namespace {

// A clip that is there as long as this is.
class TemporaryClip {
   public:
    explicit TemporaryClip(std::stop_token stop) {
        try {
            write_test_clip(path_, {}, std::move(stop));
        } catch (...) {
            remove();
            throw;
        }
    }
    ~TemporaryClip() { remove(); }
    TemporaryClip(const TemporaryClip&) = delete;
    TemporaryClip& operator=(const TemporaryClip&) = delete;
    const std::filesystem::path& path() const { return path_; }

   private:
    void remove() const {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }
    const std::filesystem::path path_ =
        std::filesystem::temp_directory_path() / ("longview-bench-" + std::to_string(getpid()) + ".mp4");
};

struct Timed {
    double seconds = 0;  // wall clock
    int64_t frames = 0;
};

double since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Every picture decoded, none converted to more than it takes: what no watcher can beat without skipping.
Timed decode_all(const BenchRun& run, const std::string& video) {
    const auto start = std::chrono::steady_clock::now();
    SourceOptions options;
    options.max_side = 320;
    options.threads = run.options.model.threads;
    options.stop = run.stop;
    Timed timed;
    for (const auto source = open_source(video, options); source->next();) ++timed.frames;
    timed.seconds = since(start);
    return timed;
}

// As `longview ask` watches: decoded, encoded, and read into a memory.
Timed watch(const BenchRun& run, const std::shared_ptr<const LoadedModel>& model, const std::string& video,
            bool keyframes) {
    WatchRequest request{video, {}, run.options.model.threads};
    request.sampling.keyframes = keyframes;
    Session session(model, run.context);
    const std::stop_callback stop_session(run.stop, [&] { session.stop(); });
    session.watch(request);
    while (const std::optional<SessionEvent> event = session.next_event(run.stop)) {
        const auto* ended = std::get_if<WatchEnded>(&*event);
        if (!ended) continue;
        if (ended->failure) std::rethrow_exception(ended->failure);
        return {seconds(ended->meters.elapsed_us), ended->meters.frames};
    }
    return {};
}

}  // namespace

std::vector<BenchTable> bench_pipeline(const BenchRun& run) {
    BenchTable table{.name = "pipeline",
                     .title = "A video watched at 1 frame a second: decoded, encoded, read into the memory",
                     .columns = {{"what", BenchUnit::text},
                                 {"frames", BenchUnit::count},
                                 {"time", BenchUnit::seconds},
                                 {"rate", BenchUnit::per_second},
                                 {"times real time", BenchUnit::times},
                                 {"of bare decoding", BenchUnit::times}},
                     .rows = {},
                     .notes = {}};
    std::optional<TemporaryClip> made;
    if (run.options.video.empty()) {
        run.talk.say("pipeline: making a clip of 720p");
        made.emplace(run.stop);
        if (run.stop.stop_requested()) return {table};
    }
    const std::string video = made ? made->path().string() : run.options.video;
    const SourceInfo info = open_source(video)->info();
    require(info.duration_us > 0, "bench pipeline: ", video, " has no known length; expected a file with --video");
    table.notes.push_back((made ? "A generated clip" : video) + ": " + info.codec + " " + std::to_string(info.width) +
                          "x" + std::to_string(info.height) + ", " + cell_text(info.fps, BenchUnit::per_second) + ", " +
                          cell_text(seconds(info.duration_us), BenchUnit::seconds));
    const auto model = load_model(find_model(run.options.model.dir));
    double bare_s = 0;
    const auto add = [&](const std::string& what, const Timed& timed) {
        table.rows.push_back({what, timed.frames, timed.seconds, static_cast<double>(timed.frames) / timed.seconds,
                              seconds(info.duration_us) / timed.seconds,
                              bare_s > 0 ? nlohmann::json(bare_s / timed.seconds) : nlohmann::json()});
    };
    run.talk.say("pipeline: decoding every picture");
    const Timed bare = decode_all(run, video);
    add("decode every picture", bare);
    bare_s = bare.seconds;
    run.talk.say("pipeline: watching");
    add("watch, 1 frame/s", watch(run, model, video, false));
    add("watch, key frames only", watch(run, model, video, true));
    return {table};
}

}  // namespace lv
