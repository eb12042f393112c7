#include "app/caption_job.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <system_error>

#include "app/caption_plan.h"
#include "app/session.h"
#include "app/watch_notes.h"
#include "engine/prompt.h"
#include "kernels/core/atomic_file.h"
#include "kernels/core/error.h"
#include "vision/location.h"

namespace lv {
namespace fs = std::filesystem;
namespace {

constexpr const char* another_name = "choose another place with --out, or another name for the video";

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

// start_us: the video's own 0:00 on the memory's clock.
Caption caption_of(const AnswerReady& ready, const Interval& interval, const Session& session, const LoadedModel& model,
                   int64_t start_us = 0) {
    if (ready.failure) std::rethrow_exception(ready.failure);
    Caption caption{interval.start_us, interval.end_us, ready.answer.text, {}};
    for (const int kind : session.sightings().between(start_us + interval.start_us, start_us + interval.end_us))
        caption.objects.push_back(model.kind_names()[static_cast<size_t>(kind)]);
    return caption;
}

void require_whole(const std::string& video, const WatchEnded& ended) {
    if (ended.failure) std::rethrow_exception(ended.failure);
    const std::string note = damage_note(video, ended);
    require(note.empty(), note, "; nothing was written: caption the part that is there with --to ",
            written_time(ended.meters.watched_us));
}

std::vector<Caption> watch_and_caption(const CaptionRun& run, const std::string& video, size_t slot,
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
            if (const std::string note = loss_note(video, *end); !note.empty()) run.progress.say(note);
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

// The answer to a question that was just asked; none after a stop.
std::optional<AnswerReady> take_answer(Session& session, const std::stop_token& stop) {
    while (const std::optional<SessionEvent> event = session.next_event(stop))
        if (const auto* ready = std::get_if<AnswerReady>(&*event)) return *ready;
    return std::nullopt;
}

std::vector<Caption> caption_kept(const CaptionRun& run, const CaptionSource& source, size_t slot,
                                  const std::function<void(const Caption&)>& each) {
    SavedSession saved = source.memory->take(run.context, *run.model);
    require(*source.kept < saved.videos.size() && saved.videos[*source.kept].watched_us >= 0, "captioning ",
            source.name(), ": nothing of it was watched; watch it with: longview ask VIDEO --save ", source.file);
    const WatchedVideo video = saved.videos[*source.kept];
    // The newest frame is on screen until the next would have come.
    const int64_t shown_us = video.watched_us + video.sampling.period_us();
    const int64_t known_us = video.end_us == 0 ? shown_us
                             : video.finished  ? video.end_us
                                               : std::min(video.end_us, shown_us);
    const int64_t from_us = std::max(run.options.sampling.from_us, video.sampling.from_us);
    const int64_t to_us = std::min(run.options.sampling.to_us.value_or(INT64_MAX), known_us);
    require(from_us < to_us, "captioning ", source.name(), ": it was watched from ",
            written_time(video.sampling.from_us), " to ", written_time(known_us),
            "; choose --from and --to within that");

    CaptionPlan plan(from_us, run.options.every_us);
    plan.before_frame(std::min(video.watched_us, to_us));
    const std::string which = source.of > 1 ? " of video " + std::to_string(*source.kept + 1) : "";
    Session session(run.model, run.context, {}, std::move(saved));
    const std::stop_callback stop_session(run.stop, [&] { session.stop(); });
    const auto began = std::chrono::steady_clock::now();
    std::vector<Caption> captions;
    for (const CaptionPlan::Step& step : plan.at_end(to_us)) {
        session.ask(step.question + which, AskWhen::now);
        const std::optional<AnswerReady> ready = take_answer(session, run.stop);
        if (!ready) break;
        captions.push_back(caption_of(*ready, step.interval, session, *run.model, video.start_us));
        if (each) each(captions.back());
        const auto elapsed = std::chrono::steady_clock::now() - began;
        run.progress.update({.label = source.name(),
                             .done_us = step.interval.end_us - from_us,
                             .total_us = to_us - from_us,
                             .frames = std::llround(static_cast<double>(video.frames) *
                                                    static_cast<double>(step.interval.end_us - from_us) /
                                                    static_cast<double>(known_us - video.sampling.from_us)),
                             .elapsed_us = std::chrono::duration_cast<std::chrono::microseconds>(elapsed).count()},
                            slot);
    }
    run.progress.finish(slot);
    return captions;
}

bool is_memory(const std::string& file) {
    std::error_code none;
    return fs::path(file).extension() == ".lvm" && fs::is_regular_file(file, none);
}

}  // namespace

std::string CaptionSource::name() const {
    return of > 1 ? "video " + std::to_string(*kept + 1) + " of " + file : without_password(file);
}

std::vector<CaptionSource> caption_sources(const CaptionOptions& options) {
    std::vector<CaptionSource> sources;
    for (const std::string& file : options.videos) {
        if (!is_memory(file)) {
            sources.push_back({file});
            continue;
        }
        size_t videos = 1;
        try {
            videos = std::max<size_t>(1, read_memory_info(file).videos.size());
        } catch (const Error&) {
        }
        const auto memory = std::make_shared<SharedSession>(file, videos);
        for (size_t i = 0; i < videos; ++i) sources.push_back({file, i, videos, memory});
    }
    return sources;
}

std::vector<Caption> caption_video(const CaptionRun& run, const CaptionSource& video, size_t slot,
                                   const std::function<void(const Caption&)>& each) {
    return video.kept ? caption_kept(run, video, slot, each) : watch_and_caption(run, video.file, slot, each);
}

std::vector<fs::path> caption_paths(const CaptionOptions& options, const CaptionSource& video) {
    std::string name =
        video.file == "-" ? "stdin" : fs::path(video.file.substr(0, video.file.find('?'))).stem().string();
    if (name.empty()) name = "video";
    if (video.of > 1) name.append("-").append(std::to_string(*video.kept + 1));
    std::vector<fs::path> paths;
    for (const CaptionFormat format : options.formats)
        paths.push_back(fs::path(options.out) / (name + "." + std::string(format_name(format))));
    return paths;
}

void check_caption_paths(const CaptionOptions& options, std::span<const CaptionSource> videos) {
    std::map<fs::path, std::string> owners;
    for (const CaptionSource& video : videos) {
        const auto [owner, fresh] = owners.emplace(caption_paths(options, video).front(), video.name());
        if (!fresh)
            throw UsageError(owner->second + " and " + video.name() + " would both be written to " +
                             owner->first.string() + "; caption them in two runs with different --out folders");
    }
}

bool is_captioned(const CaptionOptions& options, const CaptionSource& video) {
    std::error_code code;
    const fs::file_time_type changed = fs::last_write_time(video.file, code);
    const bool dated = !code;  // a URL has no date
    const std::vector<fs::path> paths = caption_paths(options, video);
    return std::all_of(paths.begin(), paths.end(), [&](const fs::path& path) {
        std::error_code missing;
        const fs::file_time_type written = fs::last_write_time(path, missing);
        return !missing && (!dated || written >= changed);
    });
}

void require_writable_captions(const CaptionOptions& options, const CaptionSource& video) {
    for (const fs::path& path : caption_paths(options, video)) const AtomicFile probe(path, another_name);
}

void write_captions(const CaptionOptions& options, const CaptionSource& video, const std::vector<Caption>& captions) {
    const std::vector<fs::path> paths = caption_paths(options, video);
    std::vector<std::unique_ptr<AtomicFile>> files;
    for (size_t i = 0; i < paths.size(); ++i) {
        files.push_back(std::make_unique<AtomicFile>(paths[i], another_name));
        files.back()->write(caption_file(options.formats[i], captions));
        files.back()->flush();
    }
    for (const auto& file : files) file->commit();
}

}  // namespace lv
