#include "app/caption_job.h"

#include <algorithm>
#include <map>
#include <system_error>

#include "app/caption_plan.h"
#include "app/session.h"
#include "app/watch_notes.h"
#include "kernels/core/atomic_file.h"
#include "kernels/core/error.h"

namespace lv {
namespace fs = std::filesystem;
namespace {

// The interval's number is the tag of its question.
CueFunction follow(CaptionPlan& plan, std::vector<Interval>& intervals) {
    return [&](int64_t next_us, bool ended) {
        std::vector<Cue> cues;
        for (CaptionPlan::Step& step : ended ? plan.at_end(next_us) : plan.before_frame(next_us)) {
            cues.push_back({std::move(step.question), intervals.size()});
            intervals.push_back(step.interval);
        }
        return cues;
    };
}

Caption caption_of(const AnswerReady& ready, const Interval& interval, const Session& session,
                   const LoadedModel& model) {
    if (ready.failure) std::rethrow_exception(ready.failure);
    Caption caption{interval.start_us, interval.end_us, ready.answer.text, {}};
    for (const int kind : session.sightings().between(interval.start_us, interval.end_us))
        caption.objects.push_back(model.kind_names()[static_cast<size_t>(kind)]);
    return caption;
}

void require_whole(const std::string& video, const WatchEnded& ended) {
    if (ended.failure) std::rethrow_exception(ended.failure);
    const std::string note = damage_note(video, ended);
    require(note.empty(), note, "; nothing was written: caption the part that is there with --to ",
            written_time(ended.meters.watched_us));
}

}  // namespace

std::vector<Caption> caption_video(const CaptionRun& run, const std::string& video, size_t slot,
                                   const std::function<void(const Caption&)>& each) {
    CaptionPlan plan(run.options.sampling.from_us, run.options.every_us);
    std::vector<Interval> intervals;  // written by the session's writer before each cue, read here after its answer
    std::mutex intervals_mutex;
    const CueFunction cue = [&, next = follow(plan, intervals)](int64_t next_us, bool ended) {
        const std::lock_guard lock(intervals_mutex);
        return next(next_us, ended);
    };
    std::vector<Caption> captions;
    bool ended = false;
    size_t asked = 0;  // known once ended

    Session session(run.model, run.context);
    const std::stop_callback stop_session(run.stop, [&] { session.stop(); });
    session.watch({video, run.options.sampling, run.options.model.threads}, cue);
    while (!ended || captions.size() < asked) {
        const std::optional<SessionEvent> event = session.next_event(run.stop);
        if (!event) break;
        if (const auto* running = std::get_if<WatchProgress>(&*event)) {
            run.progress.update(progress_of(video, running->meters), slot);
        } else if (const auto* end = std::get_if<WatchEnded>(&*event)) {
            require_whole(video, *end);
            if (end->stopped) break;
            ended = true;
            const std::lock_guard lock(intervals_mutex);
            asked = intervals.size();
        } else if (const auto* ready = std::get_if<AnswerReady>(&*event)) {
            Interval interval;
            {
                const std::lock_guard lock(intervals_mutex);
                interval = intervals[ready->tag];
            }
            captions.push_back(caption_of(*ready, interval, session, *run.model));
            if (each) each(captions.back());
        }
    }
    run.progress.finish(slot);
    return captions;
}

std::vector<fs::path> caption_paths(const CaptionOptions& options, const std::string& video) {
    std::string name = video == "-" ? "stdin" : fs::path(video.substr(0, video.find('?'))).stem().string();
    if (name.empty()) name = "video";
    std::vector<fs::path> paths;
    for (const CaptionFormat format : options.formats)
        paths.push_back(fs::path(options.out) / (name + "." + std::string(format_name(format))));
    return paths;
}

void check_caption_paths(const CaptionOptions& options) {
    std::map<fs::path, std::string> owners;
    for (const std::string& video : options.videos) {
        const auto [owner, fresh] = owners.emplace(caption_paths(options, video).front(), video);
        if (!fresh)
            throw UsageError(owner->second + " and " + video + " would both be written to " + owner->first.string() +
                             "; caption them in two runs with different --out folders");
    }
}

bool is_captioned(const CaptionOptions& options, const std::string& video) {
    std::error_code code;
    const fs::file_time_type changed = fs::last_write_time(video, code);
    const bool dated = !code;  // a URL has no date
    const std::vector<fs::path> paths = caption_paths(options, video);
    return std::all_of(paths.begin(), paths.end(), [&](const fs::path& path) {
        std::error_code missing;
        const fs::file_time_type written = fs::last_write_time(path, missing);
        return !missing && (!dated || written >= changed);
    });
}

void write_captions(const CaptionOptions& options, const std::string& video, const std::vector<Caption>& captions) {
    const std::vector<fs::path> paths = caption_paths(options, video);
    std::vector<std::unique_ptr<AtomicFile>> files;
    for (size_t i = 0; i < paths.size(); ++i) {
        files.push_back(std::make_unique<AtomicFile>(paths[i], another_out));
        files.back()->write(caption_file(options.formats[i], captions));
        files.back()->flush();
    }
    for (const auto& file : files) file->commit();
}

}  // namespace lv
