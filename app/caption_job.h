// Captioning one video, watched now or kept in a memory: from its name to its captions or its caption files.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "app/captions.h"
#include "app/loaded_model.h"
#include "app/options.h"
#include "app/progress.h"
#include "app/saved_session.h"

namespace lv {

// What all videos of a run share.
struct CaptionRun {
    const CaptionOptions& options;
    std::shared_ptr<const LoadedModel> model;
    const Context& context;
    Progress& progress;
    std::stop_token stop;
};

// A video to be captioned: one to be watched, or one of those that a saved memory (.lvm) holds.
struct CaptionSource {
    std::string file;              // as the user wrote it
    std::optional<size_t> kept{};  // which video of the memory, from 0; none: to be watched
    size_t of = 1;                 // as many as the memory holds
    std::shared_ptr<SharedSession> memory{};  // which they share; null: to be watched

    std::string name() const;  // "street.mp4"; "video 2 of day.lvm" where there are several
};
// What the run is about, in its order. A memory that cannot be read counts as one video, whose captioning then fails.
std::vector<CaptionSource> caption_sources(const CaptionOptions& options);

// Watches the video, or asks the memory, and returns the captions in order, times by the video's own clock; `each` (if
// any) gets them as they come. Throws Error when the video cannot be read to its end, or the memory at all. After a
// stop the captions are incomplete.
std::vector<Caption> caption_video(const CaptionRun& run, const CaptionSource& video, size_t slot,
                                   const std::function<void(const Caption&)>& each = {});

// The files that a video's captions go to, one a format: "<out>/<name without extension>.<format>"; "-2" follows the
// name for the second of several videos in one memory.
std::vector<std::filesystem::path> caption_paths(const CaptionOptions& options, const CaptionSource& video);
// Throws UsageError when two videos of the run would share a file.
void check_caption_paths(const CaptionOptions& options, std::span<const CaptionSource> videos);
// All files are there and none is older than the video.
bool is_captioned(const CaptionOptions& options, const CaptionSource& video);
// Ends the advice when a file cannot be written.
constexpr const char* another_out = "choose another place with --out";
// Proves that each file can be written, so that hours of watching do not end at a name that is too long. Throws Error.
void require_writable_captions(const CaptionOptions& options, const CaptionSource& video);
// All or none: every file is written aside before the first takes its name.
void write_captions(const CaptionOptions& options, const CaptionSource& video, const std::vector<Caption>& captions);

}  // namespace lv
