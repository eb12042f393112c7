#include <atomic>
#include <thread>

#include "app/caption_job.h"
#include "app/commands.h"
#include "app/model_path.h"
#include "app/output.h"
#include "kernels/core/atomic_file.h"
#include "kernels/core/error.h"

namespace lv {
namespace {

// Captions printed as they come, one video after another.
int caption_to_stdout(const CaptionRun& run, std::span<const CaptionSource> videos) {
    const CaptionFormat format = run.options.formats.front();
    size_t failed = 0;
    if (videos.size() > 1 && format != CaptionFormat::txt)
        throw UsageError(run.options.videos.front() +
                         " holds several videos: they need a folder to write to; add --out DIR");
    for (const CaptionSource& video : videos) {
        if (videos.size() > 1) print_out(video.name() + "\n");
        size_t number = 0;
        const auto print = [&](const Caption& caption) {
            run.progress.finish();
            print_out((number == 0 ? caption_header(format) : "") + caption_cue(format, caption, number + 1));
            ++number;
        };
        try {
            caption_video(run, video, 0, print);
        } catch (const OutputError&) {
            throw;
        } catch (const Error& error) {
            if (videos.size() == 1) throw;
            run.progress.warn(error.what());
            ++failed;
        }
        if (run.stop.stop_requested()) return exit_interrupted;
    }
    return failed > 0 ? 1 : 0;
}

// The videos of a run as a list that several jobs work off.
class Batch {
   public:
    Batch(const CaptionRun& run, std::span<const CaptionSource> videos) : run_(run), videos_(videos) {}

    void work(size_t slot) {
        for (size_t i = next_++; i < videos_.size() && !run_.stop.stop_requested(); i = next_++) {
            try {
                caption(videos_[i], slot);
            } catch (const std::exception& error) {
                run_.progress.finish(slot);
                if (!run_.stop.stop_requested()) run_.progress.warn(error.what());
                ++failed_;
            }
        }
    }
    size_t failed() const { return failed_; }

   private:
    void caption(const CaptionSource& video, size_t slot) {
        if (run_.options.resume && is_captioned(run_.options, video)) {
            run_.progress.say(video.name() + ": done in an earlier run");
            return;
        }
        require_writable_captions(run_.options, video);
        const std::vector<Caption> captions = caption_video(run_, video, slot);
        if (run_.stop.stop_requested()) return;
        write_captions(run_.options, video, captions);
        std::string written;
        for (const auto& path : caption_paths(run_.options, video)) written += " " + path.string();
        run_.progress.say(video.name() + ": wrote" + written);
    }

    const CaptionRun& run_;
    const std::span<const CaptionSource> videos_;
    std::atomic<size_t> next_{0};
    std::atomic<size_t> failed_{0};
};

int caption_to_files(const CaptionRun& run, std::span<const CaptionSource> videos) {
    Batch batch(run, videos);
    {
        std::vector<std::jthread> others;
        const size_t jobs = std::min(static_cast<size_t>(run.options.jobs), videos.size());
        for (size_t slot = 1; slot < jobs; ++slot) others.emplace_back([&batch, slot] { batch.work(slot); });
        batch.work(0);
    }
    if (run.stop.stop_requested()) {
        run.progress.warn("stopped; finished files are kept, go on with --resume");
        return exit_interrupted;
    }
    if (batch.failed() > 0 && videos.size() > 1)
        run.progress.warn(std::to_string(batch.failed()) + " of " + std::to_string(videos.size()) +
                          " videos failed; the others are done");
    return batch.failed() > 0 ? 1 : 0;
}

}  // namespace

int run_caption(const CaptionOptions& options, const Interrupt& interrupt) {
    Progress progress(options.quiet);
    const Context context(static_cast<size_t>(options.model.threads), options.model.open_device());
    const std::vector<CaptionSource> videos = caption_sources(options);
    if (!options.out.empty()) {
        check_caption_paths(options, videos);
        require_writable_folder(options.out, another_out);
    }
    const CaptionRun run{options, load_model(find_model(options.model.dir), context.shared_device()), context, progress,
                         interrupt.token()};
    return options.out.empty() ? caption_to_stdout(run, videos) : caption_to_files(run, videos);
}

}  // namespace lv
